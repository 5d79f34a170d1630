"""Updates as they are read: what we understand, what is nothing for us, what is junk; and what reading costs."""

import json
import subprocess
import sys
from typing import Any

import pytest

from channels.chat.telegram.dialog import HANDLERS
from channels.chat.telegram.updates import Junk, UpdateKind, read_update
from ops.bench.updates import GOAL_US, TAP, WORDS, measure
from tests.house.tree import ROOT

SENDER = {"id": 5001, "is_bot": False, "first_name": "x", "language_code": "zh-hans"}
PRIVATE = {"id": 5001, "type": "private"}


def a_message(**content: Any) -> bytes:
    said = {"message_id": 7, "date": 1, "from": SENDER, "chat": PRIVATE, **content}
    return json.dumps({"update_id": 1, "message": said}).encode()


def test_words_and_taps() -> None:
    words, tap = read_update(WORDS), read_update(TAP)

    assert words is not None
    assert (words.kind, words.user, words.chat, words.text, words.locale) == (
        UpdateKind.TEXT, "5001", "5001", "买 A1 2", "zh-CN",
    )  # fmt: skip
    assert tap is not None
    assert (tap.kind, tap.text, tap.message, tap.query, tap.is_private) == (UpdateKind.TAP, "x" * 22, 6, "1", True)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"sticker": {}}, UpdateKind.TEXT, ""),
        ({"photo": [], "caption": "这张"}, UpdateKind.TEXT, "这张"),
        ({"document": {}, "caption": "入库 A1"}, UpdateKind.FILE, "入库 A1"),
        ({"successful_payment": {}}, UpdateKind.PAID, ""),
        ({"refunded_payment": {}}, UpdateKind.REFUNDED, ""),
        ({"text": "half \ud83d a pair"}, UpdateKind.TEXT, "half ? a pair"),
    ],
)
def test_other_messages(content: dict[str, Any], kind: UpdateKind, text: str) -> None:
    update = read_update(a_message(**content))

    assert update is not None
    assert (update.kind, update.text) == (kind, text)


def test_stars_that_went_back_are_told_by_the_bot_itself_in_the_chat_of_their_owner() -> None:
    told = read_update(a_message(refunded_payment={}, **{"from": {"id": 7, "is_bot": True}}))

    assert told is not None
    assert (told.kind, told.user, told.chat) == (UpdateKind.REFUNDED, "5001", "5001")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"update_id": 1}',
        b'{"update_id": 1, "poll": {}}',
        a_message(new_chat_title="x"),
        a_message(pinned_message={}),
        a_message(text="from another bot", **{"from": SENDER | {"is_bot": True}}),
        b'{"update_id": 1, "callback_query": {"id": "1", "from": {"id": 1}, "data": "x"}}',
    ],
)
def test_what_is_nothing_for_us(raw: bytes) -> None:
    assert read_update(raw) is None


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"update_id": true}', b'{"update_id": 1, "message": []}', a_message(text=5), b"\xff",
            a_message(text="x", chat={"id": "5001", "type": "private"})],
)  # fmt: skip
def test_junk_is_junk(raw: bytes) -> None:
    with pytest.raises(Junk):
        read_update(raw)


def test_each_kind_has_one_handler_but_membership_which_says_nothing() -> None:
    assert set(UpdateKind) - set(HANDLERS) == {UpdateKind.MEMBERSHIP}


def test_the_framework_costs_little_and_no_more_with_a_thousand_screens() -> None:
    cost = measure()

    assert max(cost.words_us, cost.tap_us, cost.many_screens_us) < GOAL_US
    assert cost.many_screens_us < 3 * cost.words_us


def test_nobody_imports_aiogram_who_has_no_bot() -> None:
    """The command line, web, worker and the bot process itself until the first bot (it costs seconds)."""
    processes = "ops.processes.web, ops.processes.worker, ops.processes.bot"
    named = f"ops.cli, {processes}, ops.wiring, ops.channels.telegram, ops.commands.channel"
    look = f"import sys, {named}; print('aiogram' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)

    assert said.stdout == "False\n"
