"""The commands that prove something: trace and verify on a running store, race in a store of its own."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store() -> Iterator[WholeStore]:
    whole = WholeStore()
    try:
        yield whole.start()
    finally:
        whole.remove()


@pytest.fixture(scope="module")
def bought(store: WholeStore) -> tuple[str, dict[str, str]]:
    """One card, bought in the chat: the order's id and the card as the shopper got it."""
    chatter = Chatter(store.address)
    try:
        pay = chatter.order("A1")
        assert chatter.press_sandbox_pay(pay).status_code == 200
        return pay["order"], chatter.wait_for("cards")["cards"][0]
    finally:
        chatter.close()


def test_trace_finds_the_same_card_by_order_token_and_secret(
    store: WholeStore, bought: tuple[str, dict[str, str]]
) -> None:
    order, card = bought

    answers = [
        store.run("trace", "--order", order),
        store.run("trace", "--card", card["token"]),
        store.run("trace", "--secret", "-", stdin=card["secret"] + "\n"),
    ]

    assert [(answer.returncode, answer.stderr) for answer in answers] == [(0, "")] * 3
    for answer in answers:
        assert order in answer.stdout
        assert card["token"] in answer.stdout
        assert "sha256" in answer.stdout
        assert "brand1" in answer.stdout
        assert card["secret"] not in answer.stdout


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(
    store: WholeStore, bought: tuple[str, dict[str, str]]
) -> None:
    answer = store.run("trace", "--secret", bought[1]["secret"])

    assert answer.returncode == 2
    assert bought[1]["secret"] not in answer.stdout + answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("--order", "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa"), None),
        (("--order", "nonsense"), None),
        (("--card", "crd_aaaaaaaaaaaaaaaaaaaaaaaaaa"), None),
        (("--secret", "-"), "NO-SUCH-CARD\n"),
        (("--secret", "-"), ""),
        ((), None),
    ],
)
def test_what_cannot_be_traced_is_said_in_one_line(
    store: WholeStore, arguments: tuple[str, ...], stdin: str | None
) -> None:
    answer = store.run("trace", *arguments, stdin=stdin)

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("keystall: ")
    assert answer.stderr.count("\n") == 1


def test_verify_prints_only_zeros_on_a_store_that_sold(store: WholeStore, bought: tuple[str, dict[str, str]]) -> None:
    answer = store.run("verify")

    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert len(lines) >= 17
    assert all(re.fullmatch(r"INV-[A-Z]\d+ 0", line) for line in lines)


def test_verify_names_what_is_broken_and_exits_with_1(store: WholeStore, bought: tuple[str, dict[str, str]]) -> None:
    import psycopg

    from core.config import Config, Store
    from ops.engines.postgres import SUPERUSER, PostgresServer

    url = PostgresServer(Config(store=Store(data_dir=store.folder)).data_dir).url(SUPERUSER, "keystall")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE batch SET card_count = card_count + 1 WHERE no = 1")
        broken = store.run("verify")
        owner.execute("UPDATE batch SET card_count = card_count - 1 WHERE no = 1")

    assert broken.returncode == 1
    assert "INV-S3 1" in broken.stdout.splitlines()


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a race makes its folder: nobody else's, with a path short enough for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="race-") as folder:
        yield Path(folder)


def run_race(*arguments: str, place: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run.py", "race", *arguments],
        cwd=ROOT,
        env=environment(place),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def environment(place: Path | None) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(place)} if place else dict(os.environ)


def test_a_race_sells_every_card_once_and_leaves_nothing_behind(place: Path) -> None:
    race = run_race("--buyers", "30", "--cards", "12", place=place)

    assert race.returncode == 0, race.stdout + race.stderr
    printed = race.stdout.splitlines()
    assert printed[:4] == ["sold 12", "sold twice 0", "lost 0", "refused 18"]
    assert any(re.fullmatch(r"place  median \d+ ms  p99 \d+ ms", line) for line in printed)
    assert not list(place.iterdir())


def test_strangers_of_a_race_hold_a_fifth_at_most_and_still_buy_everything() -> None:
    race = run_race("--buyers", "20", "--cards", "20", "--strangers")

    assert race.returncode == 0, race.stdout + race.stderr
    assert race.stdout.startswith("sold 20\n")
    share = re.search(r"strangers held at most \d+ of 20 cards \((\d+\.\d) %\)", race.stdout)
    assert share is not None
    assert float(share[1]) <= 20


def test_a_race_that_is_told_to_end_leaves_neither_folder_nor_process(place: Path) -> None:
    race = subprocess.Popen(
        [sys.executable, "run.py", "race", "--buyers", "60", "--cards", "30"],
        cwd=ROOT,
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert race.stderr is not None
    while "buyers are ready" not in race.stderr.readline():
        assert race.poll() is None
    (folder,) = place.iterdir()

    race.terminate()
    printed, _ = race.communicate(timeout=30)

    assert (race.returncode, printed) == (130, "")
    assert not folder.exists()
    assert not any(str(folder).encode() in arguments for arguments in command_lines())


def command_lines() -> list[bytes]:
    """What every process of this machine was started with."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return found


def test_a_race_without_buyers_is_refused_in_one_line() -> None:
    race = run_race("--buyers", "0", "--cards", "5")

    assert race.returncode == 2
    assert race.stderr == "keystall: --buyers is a number from 1 to 2000\n"
