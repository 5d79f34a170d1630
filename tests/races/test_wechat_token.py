"""One access token for all workers of an account (fault 52), however many need it at once, with its control."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from core import db
from core.clock import FixedClock
from core.connections import wechat_tokens
from core.connections.wechat_tokens import FetchedToken, TokenBeingFetched, find_token, renew_token
from core.ports import SendOutcome
from core.secret import Secret
from core.vault.primitives import SealError
from tests.builders import NOON, Shop
from tests.house.tree import ROOT
from tests.races.racing import at_once
from tests.support.wechat_api import ACT_KEY, APP_ID, APP_SECRET, SEND, STABLE, Desk, a_desk

WORKERS = 8

WORKER = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from channels.chat.wechat.api import WeChatApi
from core import db
from core.clock import FixedClock
from core.secret import Secret
from tests.builders import NOON
from tests.support.wechat_api import ACT_KEY

given = json.loads(sys.argv[1])
db.connect(given["url"], size=8)
api = WeChatApi(given["account"], given["app_id"], Secret(given["secret"]), given["base"], ACT_KEY, FixedClock(NOON))
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    said = list(pool.map(lambda n: api.send_text(given["openid"], str(n)).outcome.value, range(2)))
api.close()
db.disconnect()
print(json.dumps(said))
"""


@pytest.fixture
def desk(shop: Shop, urls: dict[str, str]) -> Iterator[Desk]:
    with a_desk(shop, urls) as desk:
        yield desk


def workers_say(desk: Desk) -> list[SendOutcome]:
    """As many workers as there are, each with connections of its own, say something to followers of their own."""
    users = [desk.somebody(f"人{number}") for number in range(WORKERS)]
    desk.double.slow(0.3, times=WORKERS, path=STABLE)
    said = [(desk.more(), user.openid) for user in users]
    answers = at_once([lambda api=api, openid=openid: api.send_text(openid, "hello") for api, openid in said])
    return [answer.outcome for answer in answers]


def test_fault_52_workers_without_a_token_fetch_one_between_them(desk):
    assert workers_say(desk) == [SendOutcome.SENT] * WORKERS
    assert desk.fetches() == 1


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_fault_52_a_token_that_another_system_ended_is_fetched_once_and_each_message_is_sent_once(desk, code):
    desk.more().send_text(desk.somebody().openid, "first")
    desk.double.expire_tokens(desk.platform, code)

    assert workers_say(desk) == [SendOutcome.SENT] * WORKERS
    assert desk.fetches() == 2
    assert [asked.code for asked in desk.double.requests(SEND)].count(0) == WORKERS + 1


def test_control_without_the_lock_every_worker_fetches(desk, monkeypatch):
    monkeypatch.setattr(wechat_tokens, "lock", lambda account_id: None)

    workers_say(desk)

    assert desk.fetches() > 1


def test_fault_52_two_processes_fetch_one_token(desk, urls):
    given = {"url": urls["worker"], "account": desk.account.id, "app_id": APP_ID, "secret": APP_SECRET}
    given |= {"base": desk.double.url, "openid": desk.somebody().openid}
    desk.double.slow(0.3, times=4, path=STABLE)
    command = [sys.executable, "-c", WORKER, json.dumps(given)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [json.loads(process.communicate(timeout=60)[0]) for process in started]

    assert said == [["sent", "sent"]] * 2
    assert desk.fetches() == 1


def test_a_token_that_stays_refused_is_tried_twice_and_no_more(desk):
    desk.double.answer_with(40001, times=50, path=SEND)

    answer = desk.more().send_text(desk.somebody().openid, "hello")

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, "access_token 40001")
    assert len(desk.double.requests(SEND)) == 2
    assert desk.fetches() == 3  # the first, the same again, another by force


def test_a_token_is_used_to_its_last_minutes_and_then_replaced_in_time(desk):
    api, user = desk.more(), desk.somebody()
    api.send_text(user.openid, "1")
    desk.clock.move(timedelta(seconds=7200 - 241))
    api.send_text(user.openid, "2")
    assert desk.fetches() == 1
    desk.clock.move(timedelta(seconds=2))
    api.send_text(user.openid, "3")

    assert desk.fetches() == 2
    assert user.heard() == ["1", "2", "3"]
    assert all(asked.code == 0 for asked in desk.double.requests(SEND))


def test_the_database_alone_opens_no_token_and_no_account_has_anothers(desk, sql):
    desk.more().send_text(desk.somebody().openid, "hello")
    token = desk.platform.stable_tokens.all[-1].value
    ((sealed, expires_at),) = sql("SELECT sealed, expires_at FROM wechat_token")

    assert token.encode() not in bytes(sealed)
    assert expires_at == NOON + timedelta(seconds=7200)
    assert find_token(ACT_KEY, account_id=desk.account.id, now=NOON) == Secret(token)
    with pytest.raises(SealError):
        find_token(Secret(b"b" * 32), account_id=desk.account.id, now=NOON)
    assert find_token(ACT_KEY, account_id=desk.account.id + 1, now=NOON) is None


@pytest.mark.parametrize("role", ["shop", "panel", "vault"])
def test_only_the_worker_reads_tokens(desk, sql, role):
    with pytest.raises(Exception, match="permission denied"):
        sql("SELECT 1 FROM wechat_token", role=role)


def test_a_fetch_that_fails_changes_nothing_and_one_in_a_transaction_is_a_defect(desk, sql):
    def failing(*, refused: Secret | None) -> FetchedToken:
        raise ValueError

    asked = {"account_id": desk.account.id, "refused": None, "fetch": failing, "clock": FixedClock(NOON)}
    with pytest.raises(ValueError):  # noqa: PT011
        renew_token(ACT_KEY, **asked)
    with pytest.raises(RuntimeError, match="outside any transaction"), db.atomic():
        renew_token(ACT_KEY, **asked)

    assert sql("SELECT count(*) FROM wechat_token") == [(0,)]


def test_whoever_waits_too_long_for_the_others_comes_back_later(desk, monkeypatch):
    monkeypatch.setattr(wechat_tokens, "PATIENCE", "SET LOCAL lock_timeout = '50ms'")
    user, api = desk.somebody(), desk.more()

    def blocked() -> None:
        with pytest.raises(TokenBeingFetched):
            api.current_menu()

    with db.atomic():
        wechat_tokens.lock(desk.account.id)
        ((answer, raised),) = at_once([lambda: (api.send_text(user.openid, "hello"), blocked())])

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, "token_being_fetched")
    assert raised is None
    assert desk.fetches() == 0
