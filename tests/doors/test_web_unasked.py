"""What is sent unasked: read once, waited for on the loop, streamed; cards open with the session's token only."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from core.ids import Prefix, parse, public
from core.messages.service import MessageKind, tell
from core.vault.seal import answer_context, answer_public_key, seal_answer
from tests.support.web import Chatter, WebServer

Sql = Callable[..., list[tuple[Any, ...]]]
SECRET = "TXSP-<9F4K>&Q7WM-`22XD`"


@pytest.fixture
def chatter(web: WebServer) -> Chatter:
    return Chatter(web.url)


@pytest.fixture
def conversation(sql: Sql, chatter: Chatter) -> UUID:
    rows = sql("SELECT conversation_id FROM chat_session WHERE id = %s", [parse(Prefix.SESSION, chatter.session)])
    return UUID(str(rows[0][0]))


def tell_top_up(conversation: UUID, minor: int = 500) -> None:
    """Something harmless to say unasked."""
    body = {"amount_minor": minor, "currency": "CNY"}
    tell(conversation_id=conversation, kind=MessageKind.WALLET_TOPPED_UP, body=body, now=datetime.now(UTC))


def tell_cards(sql: Sql, chatter: Chatter, conversation: UUID, order: str) -> str:
    """What the worker does when the vault has opened a line, here with one card; returns its token."""
    delivery, token = uuid.uuid4(), public(Prefix.CARD, uuid.uuid4())
    session = parse(Prefix.SESSION, chatter.session)
    plain = json.dumps({"cards": [{"token": token, "secret": SECRET, "number": "N1"}]}).encode()
    context = answer_context(delivery=delivery, session=session)
    sealed = seal_answer(answer_public_key(chatter.token), plain, context)
    body = {"order": order, "delivery": str(delivery), "code": "A1", "cards": [{"token": token, "mask": "TXSP-****"}]}
    told = tell(conversation_id=conversation, kind=MessageKind.CARDS, body=body, now=datetime.now(UTC))
    sql("INSERT INTO sealed_answer (message_id, session_id, sealed, created_at) VALUES (%s, %s, %s, now())",
        [told, session, sealed])  # fmt: skip
    return token


def events(response: httpx.Response) -> Iterator[dict[str, str]]:
    """Server-sent events, heartbeats left out."""
    event: dict[str, str] = {}
    for line in response.iter_lines():
        if not line and "event" in event:
            yield event
            event = {}
        elif line and not line.startswith((":", "retry")):
            name, _, value = line.partition(": ")
            event[name] = value


def test_answers_to_messages_are_not_sent_again_unasked(chatter: Chatter) -> None:
    chatter.say("菜单")
    chatter.say("订单")

    assert chatter.read()["screens"] == []


def test_a_message_is_read_once_and_again_from_the_start(chatter: Chatter, conversation: UUID) -> None:
    tell_top_up(conversation)

    first = chatter.read()

    assert len(first["screens"]) == 1
    assert chatter.read(after=first["cursor"]) == {"screens": [], "cursor": first["cursor"]}
    assert chatter.read()["screens"] == first["screens"]


def test_cards_are_opened_with_the_token_and_only_ever_unasked(chatter: Chatter, conversation: UUID, sql: Sql) -> None:
    order = chatter.place("买 A1 1")["order"]
    token = tell_cards(sql, chatter, conversation, order)

    (screen,) = chatter.read()["screens"]

    assert screen["kind"] == "cards"
    assert screen["order"] == order
    assert screen["cards"] == [{"token": token, "secret": SECRET, "number": "N1"}]
    dump = json.dumps([str(row) for table in ("message", "sealed_answer", "inbox") for row in sql(f"TABLE {table}")])
    assert "9F4K" not in dump


def test_the_cards_of_a_session_do_not_open_in_another(
    web: WebServer, chatter: Chatter, conversation: UUID, sql: Sql
) -> None:
    tell_cards(sql, chatter, conversation, chatter.place("买 A1 1")["order"])

    assert SECRET not in json.dumps(Chatter(web.url).read())


def test_a_long_poll_is_answered_when_something_is_told_not_when_it_ends(chatter: Chatter, conversation: UUID) -> None:
    threading.Timer(0.5, tell_top_up, [conversation]).start()
    began = time.monotonic()

    answer = chatter.read(wait=20)

    assert len(answer["screens"]) == 1
    assert 0.4 < time.monotonic() - began < 5


def test_a_long_poll_ends_empty_when_nothing_is_told(chatter: Chatter) -> None:
    began = time.monotonic()

    answer = chatter.read(wait=1)

    assert answer["screens"] == []
    assert time.monotonic() - began >= 0.9


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "-1"}, {"after": "9" * 30}, {"wait": "1e9"}, {"wait": "-1"}]
)
def test_a_cursor_or_wait_that_is_none_is_422(chatter: Chatter, query: dict[str, str]) -> None:
    assert chatter.http.get("/messages", params=query).status_code == 422


def test_the_stream_sends_screens_with_their_cursor_and_goes_on_after_it(chatter: Chatter, conversation: UUID) -> None:
    tell_top_up(conversation, 500)
    with chatter.http.stream("GET", "/messages/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        first = next(stream)
        tell_top_up(conversation, 700)
        second = next(stream)

    assert first["event"] == "screen"
    assert json.loads(first["data"]) == chatter.read()["screens"][0]
    assert "7.00" in second["data"]
    with chatter.http.stream("GET", "/messages/stream", headers={"Last-Event-ID": first["id"]}) as response:
        assert next(events(response)) == second


@contextlib.contextmanager
def open_streams(chatters: list[Chatter]) -> Iterator[None]:
    """A stream for each, opened and held until the end of the block."""
    with contextlib.ExitStack() as stack:
        held = []
        for chatter in chatters:
            response = stack.enter_context(chatter.http.stream("GET", "/messages/stream"))
            held.append(response.iter_lines())
            assert next(held[-1]) == "retry: 1500"
        yield


def test_thirty_streams_use_no_thread_each(web: WebServer) -> None:
    chatters = [Chatter(web.url) for _ in range(30)]
    before = threading.active_count()

    with open_streams(chatters):
        assert threading.active_count() - before <= 16


def test_one_session_may_not_fill_the_process_with_waits(chatter: Chatter) -> None:
    with open_streams([chatter] * 10):
        time.sleep(0.3)

        assert chatter.http.get("/messages/stream").status_code == 429


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("UPDATE chat_session SET expires_at = now() - interval '1 second'", id="session over"),
        pytest.param("UPDATE party SET status = 'suspended' WHERE code = 'demo'", id="merchant suspended"),
    ],
)
def test_a_stream_did_not_go_on_for_a_session_that_was_over(
    chatter: Chatter, conversation: UUID, sql: Sql, end: str
) -> None:
    tell_top_up(conversation, 500)
    with chatter.http.stream("GET", "/messages/stream") as response:
        stream = events(response)
        next(stream)

        sql(end)
        tell_top_up(conversation, 700)

        assert next(stream, None) is None


def test_a_silent_stream_ends_with_its_session_too(chatter: Chatter, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.web.api.stream.HEARTBEAT", 0.1)
    with chatter.http.stream("GET", "/messages/stream") as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 1500"

        sql("UPDATE chat_session SET expires_at = now()")
        began = time.monotonic()

        assert not any(time.monotonic() - began > 5 for _ in lines)


def test_stopping_ends_streams_at_once(web: WebServer, chatter: Chatter) -> None:
    with chatter.http.stream("GET", "/messages/stream") as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 1500"
        began = time.monotonic()
        web.ask_to_stop()
        for _ in lines:
            pass
        assert time.monotonic() - began < 1.5
