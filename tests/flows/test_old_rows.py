"""Rows that nobody needs any more go, whatever became of them, and are found without reading the whole table."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core import db
from core.conversations import cleaning, queue
from core.conversations.cleaning import remove_expired
from core.ids import new_id
from core.messages import cleaning as message_cleaning
from core.messages.cleaning import forget_carried
from core.messages.service import MessageKind, OutgoingState, route, tell
from tests.builders import NOON, Shop, later


@pytest.fixture
def as_worker(urls: dict[str, str], shop: Shop) -> Iterator[Shop]:
    """The builders, with the store connected as the worker."""
    db.connect(urls["worker"], size=4)
    yield shop
    db.disconnect()


def test_an_event_that_was_never_handled_is_given_up_with_its_body_and_goes_in_the_end(as_worker: Shop) -> None:
    talker = as_worker.a_shopper()
    as_worker.sql(
        "INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at, waits, taken_until)"
        " VALUES ('telegram:1', '1', %s, '', 'sealed', %s, true, %s)",
        [talker.conversation_id, NOON, later(5)],
    )
    busy = queue.is_busy(conversation_id=talker.conversation_id)

    week, month = (remove_expired(now=NOON + timedelta(days=days)) for days in (7, 30))
    assert (busy, week, month) == (True, 0, 1)  # the body
    assert queue.is_busy(conversation_id=talker.conversation_id) is False
    assert as_worker.sql("SELECT handled_at, sealed_body, taken_until FROM inbox") == [
        (NOON + timedelta(days=30), None, None)
    ]
    assert remove_expired(now=NOON + timedelta(days=31)) == 1
    assert as_worker.count("inbox") == 0


def test_a_chat_is_not_busy_with_an_event_whose_body_is_gone(as_worker: Shop) -> None:
    talker = as_worker.a_shopper()
    as_worker.sql(
        "INSERT INTO inbox (source, event_id, conversation_id, body_hash, received_at, waits)"
        " VALUES ('telegram:1', '1', %s, '', %s, true)",
        [talker.conversation_id, NOON],
    )

    assert queue.is_busy(conversation_id=talker.conversation_id) is False


def test_what_was_carried_or_never_fetched_goes_after_a_month_and_attempts_after_a_year(as_worker: Shop) -> None:
    chat, month, year = new_id(), timedelta(days=30, seconds=1), timedelta(days=400, seconds=1)
    for number, state, ended in (
        (1, "sent", NOON - month), (2, "refused", NOON - month), (3, "waiting", NOON - month),
        (4, "sent", NOON), (5, "waiting", NOON), (6, "ready", None),
    ):  # fmt: skip
        as_worker.sql(
            "INSERT INTO outgoing (message_id, conversation_id, state, due_at, created_at, ended_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [number, chat, state, NOON - year, NOON - year, ended],
        )
    for age in (month, year):
        as_worker.sql(
            "INSERT INTO send_attempt (conversation_id, message_id, way, outcome, at)"
            " VALUES (%s, 1, 'telegram', 'sent', %s)",
            [chat, NOON - age],
        )

    first, second = forget_carried(now=NOON), forget_carried(now=NOON)

    assert (first, second) == (4, 0)
    assert as_worker.sql("SELECT message_id FROM outgoing ORDER BY 1") == [(4,), (5,), (6,)]
    assert as_worker.sql("SELECT at FROM send_attempt") == [(NOON - month,)]


def test_what_a_chat_did_not_take_at_first_has_ended_then_and_can_be_removed(as_worker: Shop) -> None:
    talker = as_worker.a_shopper()
    route(conversation_id=talker.conversation_id, chat_address="telegram:1:5")
    for state in (OutgoingState.WAITING, OutgoingState.REFUSED, OutgoingState.SENT, OutgoingState.READY):
        tell(conversation_id=talker.conversation_id, kind=MessageKind.PAID, body={}, now=NOON, state=state)

    assert as_worker.sql("SELECT state, ended_at FROM outgoing ORDER BY message_id") == [
        ("waiting", NOON), ("refused", NOON), ("sent", NOON), ("ready", None),
    ]  # fmt: skip


OLD_ROWS = {
    "inbox_bodies": (cleaning.BODIES, (NOON, NOON, 10)),
    "inbox_ended": (cleaning.EVENTS, (NOON, 10)),
    "chat_session_expires": (cleaning.SESSIONS, (NOON, 10)),
    "button_expires": (cleaning.BUTTONS, (NOON, 10)),
    "outgoing_ended": (message_cleaning.OUTGOING, (NOON, 10)),
    "send_attempt_at": (message_cleaning.ATTEMPTS, (NOON, 10)),
}


@pytest.mark.parametrize("index", OLD_ROWS)
def test_old_rows_are_found_by_an_index(index: str, as_worker: Shop) -> None:
    statement, values = OLD_ROWS[index]
    with db.atomic():
        db.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(line for (line,) in db.execute(f"EXPLAIN {statement}", values))

    assert f" using {index} on " in plan
