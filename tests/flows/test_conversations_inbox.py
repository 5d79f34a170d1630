"""Every message is written down before it is acknowledged and handled once (INV-O6, fault 3)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import psycopg
import pytest

from core.conversations import sql
from core.conversations.service import Received, answer_with, give_back, open_session, receive
from core.errors import Invalid
from core.messages.service import MessageKind, messages_after, tell
from core.messages.sql import TELL
from core.secret import Secret
from core.submission import OtherContent
from core.vault.seal import SealError
from tests.builders import NOON, Shop, Sql, in_own_connection

KEY = Secret(b"i" * 32)
SCREENS = [{"kind": "text", "text": "您好 🎬", "cards": [{"token": "crd_x"}]}]


@pytest.fixture
def shop(store_db: object, sql: Sql) -> Shop:
    shop = Shop(sql)
    _ = shop.merchant
    return shop


@pytest.fixture
def chat(shop: Shop) -> UUID:
    return open_session(
        seal_key=shop.keys.seal, merchant_id=shop.merchant, network="net", locale="zh-CN", now=NOON
    ).conversation_id


def arrived(
    chat: UUID,
    event: str = "e1",
    body: bytes = b'{"text":"hello there"}',
    source: str = "session:1",
    now: datetime = NOON,
) -> Received:
    return receive(source=source, event_id=event, conversation_id=chat, body=body, inbox_key=KEY, now=now)


def answered(screens: list[object] = SCREENS, event: str = "e1") -> list[object]:
    return answer_with(source="session:1", event_id=event, screens_json=screens, inbox_key=KEY, now=NOON)


def test_a_message_is_new_once_and_its_repeats_get_the_first_answer(chat: UUID) -> None:
    assert arrived(chat) == Received(new=True)
    assert answered() == SCREENS

    assert [arrived(chat) for _ in range(3)] == [Received(new=False, answer=SCREENS)] * 3


def test_the_same_id_from_another_source_is_another_message(chat: UUID) -> None:
    assert arrived(chat, source="session:1").new
    assert arrived(chat, source="session:2").new


def test_inv_o6_the_same_id_with_other_content_is_refused_and_changes_nothing(shop: Shop, chat: UUID) -> None:
    other_chat = open_session(
        seal_key=shop.keys.seal, merchant_id=shop.merchant, network="net", locale="zh-CN", now=NOON
    ).conversation_id
    arrived(chat)
    answered()
    before = shop.fingerprint()

    for again in (lambda: arrived(chat, body=b"other"), lambda: arrived(other_chat)):
        with pytest.raises(OtherContent):
            again()
    assert shop.fingerprint() == before


def test_a_twin_waits_while_the_first_is_at_work(chat: UUID) -> None:
    arrived(chat)

    assert arrived(chat) == Received(new=False, answer=None)
    answered()
    assert arrived(chat).answer == SCREENS


def twenty_twins(chat: UUID) -> list[Received]:
    start = Barrier(20)

    def twin() -> Received:
        start.wait()
        return in_own_connection(lambda: arrived(chat))

    with ThreadPoolExecutor(20) as pool:
        return [future.result() for future in [pool.submit(twin) for _ in range(20)]]


def test_inv_o6_twenty_twins_at_once_are_one_new_message(chat: UUID) -> None:
    results = twenty_twins(chat)

    assert sorted(result.new for result in results) == [False] * 19 + [True]
    assert all(result.answer is None for result in results)


def test_control_without_the_key_of_the_inbox_twins_are_handled_many_times(
    shop: Shop, chat: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sql("ALTER TABLE inbox DROP CONSTRAINT inbox_pkey CASCADE")
    monkeypatch.setattr(sql, "RECEIVE", sql.RECEIVE.replace("ON CONFLICT (source, event_id) DO NOTHING", ""))

    assert sum(result.new for result in twenty_twins(chat)) == 20


def test_fault_3_a_message_whose_handler_died_is_handled_by_a_repeat_after_the_lease(chat: UUID) -> None:
    arrived(chat)

    assert not arrived(chat, now=NOON + timedelta(seconds=9)).new
    assert arrived(chat, now=NOON + timedelta(seconds=10)).new
    assert not arrived(chat, now=NOON + timedelta(seconds=11)).new, "the one who took over has its own lease"


def test_a_failed_handler_gives_the_message_back_at_once(chat: UUID) -> None:
    arrived(chat)

    give_back(source="session:1", event_id="e1", now=NOON)

    assert arrived(chat).new
    answered()
    give_back(source="session:1", event_id="e1", now=NOON)
    assert arrived(chat).answer == SCREENS, "an answered message stays answered"


def test_the_first_answer_stands_when_two_handlers_finish(chat: UUID) -> None:
    arrived(chat)
    answered()

    assert answered([{"kind": "text", "text": "second"}]) == SCREENS
    assert arrived(chat).answer == SCREENS


def test_inv_k1_bodies_are_sealed_while_they_wait_and_gone_when_handled(shop: Shop, chat: UUID) -> None:
    arrived(chat, body=b"CANARY-BODY")
    assert b"CANARY-BODY" not in bytes(shop.sql("SELECT sealed_body FROM inbox")[0][0])

    answered([{"text": "CANARY-ANSWER"}])

    ((body, answer),) = shop.sql("SELECT sealed_body, sealed_answer FROM inbox")
    assert body is None
    assert b"CANARY-ANSWER" not in bytes(answer)
    assert "CANARY" not in str(shop.sql("SELECT i::text FROM inbox i"))


def test_an_answer_moved_to_another_message_does_not_open(shop: Shop, chat: UUID) -> None:
    for event in ("e1", "e2"):
        arrived(chat, event)
        answered(event=event)
    shop.sql("UPDATE inbox SET sealed_answer = (SELECT sealed_answer FROM inbox WHERE event_id = 'e1')")

    assert arrived(chat, "e1").answer == SCREENS
    with pytest.raises(SealError):
        arrived(chat, "e2")


@pytest.mark.parametrize("event", ["", "x" * 201, "a\0b", "a\nb"])
def test_an_event_id_that_names_nothing_is_refused(shop: Shop, chat: UUID, event: str) -> None:
    with pytest.raises(Invalid):
        arrived(chat, event)
    assert shop.count("inbox") == 0


def test_a_message_marks_its_conversation_as_heard(shop: Shop, chat: UUID) -> None:
    assert shop.sql("SELECT last_heard_at FROM conversation") == [(None,)]

    arrived(chat)

    assert shop.sql("SELECT last_heard_at FROM conversation") == [(NOON,)]


def test_a_cursor_never_skips_a_message_that_commits_late(urls: dict[str, str], shop: Shop, chat: UUID) -> None:
    """Were the number not locked until the commit, a reader could see message 2, and message 1 would come too late."""
    with psycopg.connect(urls["shop"]) as slow, ThreadPoolExecutor(1) as pool:
        values = {
            "conversation": chat,
            "kind": "paid",
            "body": "{}",
            "now": NOON,
            "state": "ready",
            "due": NOON,
            "otherwise": None,
        }
        slow.execute(TELL.encode(), values)

        quick = pool.submit(in_own_connection, lambda: told_paid(chat))
        waiting = "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
        while not shop.sql(waiting + " AND NOT granted"):
            assert not quick.done(), "the second message overtook the first"
        assert messages_after(conversation_id=chat, after=0) == []

        slow.commit()
        quick.result(timeout=10)
    assert [message.seq for message in messages_after(conversation_id=chat, after=0)] == [1, 2]


def told_paid(chat: UUID) -> int:
    return tell(conversation_id=chat, kind=MessageKind.PAID, body={"order": "ord_a"}, now=NOON)


def test_telling_wakes_who_listens_at_the_commit(urls: dict[str, str], shop: Shop, chat: UUID) -> None:
    with psycopg.connect(urls["direct"], autocommit=True) as listener:
        listener.execute("LISTEN keystall_wake")

        told_paid(chat)

        (wake,) = listener.notifies(timeout=5, stop_after=1)
        assert wake.payload == f"conv:{chat}"
