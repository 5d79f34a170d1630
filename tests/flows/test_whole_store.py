"""The store as people meet it: started by one command, used by a client that knows only the public interface."""

import secrets
import signal
import time

import httpx
import pytest

from tests.attacks.canaries import hunted
from tests.restarts.orderers import Orderers
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.slow

CANARIES = 300
BOUGHT = 20


@pytest.fixture(scope="module")
def demo():
    """A demo that runs for the tests of this module."""
    store = WholeStore()
    yield store.start()
    store.remove()


@pytest.fixture
def chatter(demo):
    """A guest in the demo's chat."""
    guest = Chatter(demo.address)
    yield guest
    guest.close()


def test_three_cards_ordered_by_code_and_paid_arrive_in_the_same_chat(chatter):
    cards = chatter.buy("A1", 3)

    assert len({card["secret"] for card in cards}) == 3
    assert all(card["token"].startswith("crd_") and card["secret"] for card in cards)


def test_cards_never_stand_in_the_answer_to_a_post_and_can_be_read_again(chatter):
    first = chatter.buy("B1")

    again = chatter.say("取卡")

    assert all(screen["kind"] != "cards" and "cards" not in screen for screen in again)
    assert chatter.wait_for("cards")["cards"] == first


def test_the_same_message_twice_has_one_effect_and_the_same_answer(chatter):
    """INV-O6: at the door, as any client sees it."""
    confirm = chatter.say("买 A1 1")[-1]
    action = next(one["action"] for one in confirm["options"] if one["label"].startswith("确认"))
    message_id = "0196f000-0000-7000-8000-000000000001"

    first = chatter.send(message_id, action=action).json()
    second = chatter.send(message_id, action=action).json()
    other = chatter.send(message_id, text="菜单")

    assert first["screens"][-1]["kind"] == "pay"
    assert second["screens"][-1]["order"] == first["screens"][-1]["order"]
    assert other.status_code == 409


def test_a_foreign_token_and_a_token_in_the_address_are_refused(demo, chatter):
    wrong = httpx.get(f"{demo.address}{chatter.base}/messages", headers={"Authorization": "Bearer wrong"})
    in_address = httpx.get(f"{demo.address}{chatter.base}/messages", params={"token": chatter.token})
    unknown = httpx.post(f"{demo.address}/api/v1/chat/nobody/sessions")

    assert (wrong.status_code, in_address.status_code, unknown.status_code) == (401, 401, 404)
    assert wrong.json()["error_id"].startswith("err_")


def test_nothing_is_paid_so_nothing_comes(chatter):
    """INV-O2: an order that nobody paid delivers nothing."""
    chatter.order("A2")

    assert [screen["kind"] for screen in chatter.read(wait=2)] == []


def test_the_books_of_a_store_that_sold_have_no_violation(demo, chatter):
    chatter.buy("C1", 2)

    verified = demo.run("verify")

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "INV-M1 0" in verified.stdout
    assert [line for line in verified.stdout.splitlines() if line.startswith("INV-") and line.split()[1] != "0"] == []


def test_fault_73_the_report_file_has_every_refused_row_and_no_value(demo, tmp_path):
    """Fault 73: row, column and reason, also of those that the console leaves out; a file is never overwritten."""
    code = f"RPT{secrets.token_hex(6).upper()}"
    rows = [f"{code}-{number}," + ("2020-01-01" if number % 2 else "2031-01-01") for number in range(2400)]
    cards, report = tmp_path / "cards.csv", tmp_path / "refused.csv"
    cards.write_text("\n".join(["卡密,有效期", *rows, ",2031-01-01"]), encoding="utf-8")
    wanted = ("import", str(cards), "--batch-of", "A2", "--report", str(report))

    first = demo.run(*wanted)
    again = demo.run(*wanted)

    lines = report.read_text(encoding="utf-8-sig").splitlines()
    assert first.stdout.splitlines()[0] == "added 1200  duplicates 0  refused 1201"
    assert first.stdout.splitlines()[-1] == f"All refused rows: {report}"
    assert lines[0] == "place,reason,shape"
    assert len(lines) == 1 + 1201
    assert lines[-1].startswith('"row 2402, 卡密",there is no secret in it')
    assert code not in report.read_text(encoding="utf-8-sig")
    assert report.stat().st_mode & 0o077 == 0
    assert again.returncode == 2
    assert f"{report} exists already" in again.stderr


def test_inv_k1_no_canary_stands_in_dump_logs_queue_cache_or_files(demo, chatter):
    """INV-K1: 300 secrets are imported and 20 of them sold and read; nobody but their reader ever sees one.

    `python -m tests.attacks canaries` is the same with 1,000.
    """
    hunt = hunted(demo, chatter, count=CANARIES, bought=BOUGHT)

    assert f"added {CANARIES}  duplicates 0  refused 0" in hunt.imported
    assert len(hunt.read) == BOUGHT
    assert hunt.read <= set(hunt.canaries.secrets)
    assert hunt.seen == {}
    assert hunt.found["memory of vault"] & set(hunt.canaries.secrets)  # control: what is there is found
    assert hunt.looked_at["database dump"] > 100_000
    assert {f"memory of {name}" for name in ("web", "worker", "bot", "PostgreSQL", "Valkey")} <= set(hunt.found)
    assert {f"open files of {name}" for name in ("web", "worker", "vault", "PostgreSQL")} <= set(hunt.found)


def test_a_graceful_restart_under_load_fails_no_request_and_loses_no_order(demo):
    """Fault 1: web, worker and bot are replaced while shoppers order; `python -m tests.restarts` does more."""
    with Orderers(demo.address, clients=3, pause=0.2) as orderers:
        orderers.wait_for(3)
        restarted = demo.run("restart")
        orderers.wait_for(len(orderers.tokens) + 3)  # the new ones serve

    assert (restarted.returncode, restarted.stderr) == (0, "")
    assert restarted.stdout == "Restarted: web, worker, bot.\n"
    assert orderers.failures == []
    assert orderers.ordered == len(set(orderers.tokens)) >= 6


def test_a_second_start_keeps_the_data_and_a_signal_ends_all_of_it_in_time(demo, chatter):
    cards = chatter.buy("A1", 1)
    began = time.monotonic()
    status = demo.stop(signal.SIGINT)
    took = time.monotonic() - began

    demo.start()
    again = Chatter(demo.address)
    again.token, again.headers = chatter.token, chatter.headers
    seen = again.wait_for("cards")["cards"]
    again.close()

    assert took < 10
    assert status in (0, 130)
    assert seen == cards
