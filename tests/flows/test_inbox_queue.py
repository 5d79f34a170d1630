"""Events that wait for the bot process: taken in order per chat, one handler a chat, however long the backlog is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from core.connections.chats import ChatAccount
from core.conversations import queue, sql
from core.conversations.queue import LEASE, Taken
from core.db import execute
from core.secret import Secret
from core.vault.seal import seal_inbox
from tests.builders import NOON, Shop, Talker
from tests.races.racing import at_once
from tests.support.chats import an_account, somebody

Sql = Callable[..., list[tuple[Any, ...]]]

KEY = Secret(b"i" * 32)
BACKLOG = 20_000


@pytest.fixture
def account(shop: Shop) -> ChatAccount:
    """A bot."""
    return an_account(shop)


@pytest.fixture
def person(shop: Shop, account: ChatAccount) -> Talker:
    """Somebody who has spoken to it."""
    return somebody(shop, account)


def put(account: ChatAccount, talker: Talker, event: str, *, urgent: bool = False) -> None:
    assert queue.put_in(
        source=account.source,
        event_id=event,
        conversation_id=talker.conversation_id,
        body=event.encode(),
        inbox_key=KEY,
        now=NOON,
        urgent=urgent,
    )


def take(account: ChatAccount, *, after: timedelta = timedelta(0), only_urgent: bool = False) -> Taken | None:
    return queue.take_next(source=account.source, inbox_key=KEY, now=NOON + after, only_urgent=only_urgent)


def events(*taken: Taken | None) -> list[str | None]:
    return [None if one is None else one.event_id for one in taken]


def test_events_of_a_chat_are_taken_one_after_the_other_and_other_chats_beside_it(
    shop: Shop, account: ChatAccount, person: Talker
) -> None:
    other = somebody(shop, account, "5002")
    for talker, event in ((person, "a1"), (person, "a2"), (other, "b1")):
        put(account, talker, event)

    first, second, none = (take(account) for _ in range(3))
    assert first is not None
    queue.finish(first, now=NOON)

    assert events(first, second, none, take(account)) == ["a1", "b1", None, "a2"]


def test_urgent_events_wait_behind_nothing_and_are_all_that_their_own_loop_takes(
    account: ChatAccount, person: Talker
) -> None:
    put(account, person, "word")
    put(account, person, "checkout", urgent=True)
    put(account, person, "checkout 2", urgent=True)

    urgent, any_one, word, none = take(account, only_urgent=True), take(account), take(account), take(account)

    assert events(urgent, any_one, word, none) == ["checkout", "checkout 2", "word", None]
    assert take(account, only_urgent=True) is None


def test_whoever_is_at_work_keeps_an_event_longer_than_its_lease(account: ChatAccount, person: Talker) -> None:
    put(account, person, "file")
    taken = take(account)
    assert taken is not None
    soon = LEASE - timedelta(seconds=1)

    assert queue.extend(taken, now=NOON + soon)
    assert take(account, after=LEASE + timedelta(seconds=30)) is None
    again = take(account, after=soon + LEASE)

    assert again is not None
    assert (again.event_id, again.tries) == ("file", 2)


def test_who_slept_through_a_lease_neither_extends_nor_ends_that_of_a_successor(
    shop: Shop, account: ChatAccount, person: Talker
) -> None:
    put(account, person, "file")
    sleeper, successor = take(account), take(account, after=LEASE)
    assert sleeper is not None
    assert successor is not None
    before = shop.sql("SELECT taken_until, tries FROM inbox")

    assert not queue.extend(sleeper, now=NOON + LEASE)
    queue.put_off(sleeper, until=NOON)
    assert queue.try_again(sleeper, now=NOON)

    assert shop.sql("SELECT taken_until, tries FROM inbox") == before
    assert take(account, after=LEASE) is None


def test_a_lease_that_has_ended_is_not_extended(account: ChatAccount, person: Talker) -> None:
    put(account, person, "file")
    taken = take(account)
    assert taken is not None

    assert not queue.extend(taken, now=NOON + LEASE)


AS_IT_WAS = """
SELECT event_id FROM inbox i
WHERE waits AND handled_at IS NULL AND (taken_until IS NULL OR taken_until <= %s) AND NOT EXISTS (
    SELECT 1 FROM inbox j WHERE j.conversation_id = i.conversation_id AND j.waits AND j.handled_at IS NULL
      AND j.arrival < i.arrival)
"""


def an_earlier_event_is_committed_after_a_later_one_was_taken(
    account: ChatAccount, person: Talker, url: str
) -> tuple[Taken, str]:
    """Two callbacks at once: the first has its place in the queue, the second is committed and taken before it."""
    sealed = seal_inbox(KEY.reveal(), b"early", json.dumps([account.source, "early", "queued"]).encode())
    with psycopg.connect(url) as slow:
        slow.execute(
            "INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at, waits)"
            " VALUES (%s, 'early', %s, '', %s, %s, true)",
            [account.source, person.conversation_id, sealed, NOON],
        )
        put(account, person, "late")
        late = take(account)
        slow.commit()
    assert late is not None
    return late, "early"


def test_a_chat_in_hand_stays_closed_when_an_earlier_event_is_committed_late(
    account: ChatAccount, person: Talker, urls: dict[str, str]
) -> None:
    late, early = an_earlier_event_is_committed_after_a_later_one_was_taken(account, person, urls["shop"])

    meanwhile = take(account)
    queue.finish(late, now=NOON)

    assert events(late, meanwhile, take(account)) == ["late", None, early]


def test_control_order_alone_would_give_the_chat_to_two_handlers(
    account: ChatAccount, person: Talker, urls: dict[str, str]
) -> None:
    _, early = an_earlier_event_is_committed_after_a_later_one_was_taken(account, person, urls["shop"])

    assert execute(AS_IT_WAS, (NOON,)) == [(early,)]


def test_many_handlers_at_once_have_each_chat_once_and_its_oldest_event(shop: Shop, account: ChatAccount) -> None:
    people = [somebody(shop, account, str(6000 + number)) for number in range(5)]
    for turn in range(3):
        for number, talker in enumerate(people):
            put(account, talker, f"{number}-{turn}")

    taken = at_once([lambda: take(account) for _ in range(8)])

    assert sorted(one.event_id for one in taken if one) == [f"{number}-0" for number in range(5)]
    assert taken.count(None) == 3


def test_a_long_backlog_costs_no_more_than_a_short_one(shop: Shop, account: ChatAccount, person: Talker) -> None:
    other = somebody(shop, account, "5002")
    shop.sql(
        "INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at, waits)"
        " SELECT %s, g::text, %s, '', 'sealed', %s, true FROM generate_series(1, %s) g",
        [account.source, person.conversation_id, NOON, BACKLOG],
    )
    put(account, other, "behind all")
    values = {"source": account.source, "now": NOON, "lease": NOON + LEASE, "conversation": person.conversation_id}

    free = buffers(sql.NEXT_CHAT, values) + buffers(sql.TAKE_NEXT, values) + buffers(sql.TAKE_URGENT, values)
    behind = buffers(sql.NEXT_CHAT, values)

    assert shop.sql("SELECT count(*) FROM inbox WHERE taken_until > %s", [NOON]) == [(1,)]
    assert free < 100
    assert behind < BACKLOG / 20  # the rows of one chat in hand are passed by in the index


def test_one_person_at_another_bot_is_found_by_an_index(shop: Shop, account: ChatAccount, person: Talker) -> None:
    execute("SET enable_seqscan = off")

    plan = "\n".join(line for (line,) in execute(f"EXPLAIN {sql.SAME_PERSON}", (shop.merchant, "telegram", "5001")))

    assert "identity_person" in plan
    assert "split_part(external_id, ':'::text, 1) = '5001'" in plan
    execute("RESET enable_seqscan")


def test_one_person_at_two_bots_is_one_shopper_and_whose_number_begins_alike_is_another(
    shop: Shop, account: ChatAccount, person: Talker
) -> None:
    second = an_account(shop, number="7000002")

    assert somebody(shop, second, "5001").shopper_id == person.shopper_id
    assert somebody(shop, second, "50011").shopper_id != person.shopper_id


def buffers(statement: str, values: dict[str, object]) -> int:
    """How many pages a statement looks at; it is executed."""
    ((plan,),) = execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
    top = plan[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
