"""Cards on a follower's own page: by a press, sealed to the page's key, never in clear."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from core.config import Config
from core.ids import Prefix, new_id, parse
from core.messages.service import MessageKind, OutgoingState, tell
from core.vault.seal import answer_context, seal_answer
from tests.builders import Shop, Talker
from tests.support.page_reader import PageReader
from tests.support.pages import an_order
from tests.support.play_money import paid, until

Sql = Callable[..., list[tuple[Any, ...]]]


def a_paid_order(phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, config: Config) -> tuple[str, str]:
    order, path = an_order(goods, follower)
    paid(phone, path, sql, config)
    return order, path


def vault_seals(sql: Sql, order: str, secret: str) -> None:
    """What worker and vault do with a delivery: sealed to every live reader of the conversation."""
    order_id = parse(Prefix.ORDER, order)
    rows = sql("SELECT d.id, o.conversation_id FROM delivery d JOIN shop_order o ON o.id = d.order_id WHERE o.id = %s",
               [order_id])  # fmt: skip
    delivery, conversation = rows[0]
    readers = sql("SELECT id, answer_public_key FROM chat_session WHERE expires_at > now()")
    plain = json.dumps({"cards": [{"token": "crd_1", "secret": secret}]}).encode()
    sealed = {
        reader: seal_answer(bytes(key), plain, answer_context(delivery=delivery, session=reader))
        for reader, key in readers
    }
    body = {"order": order, "delivery": str(delivery), "cards": [{"token": "crd_1", "mask": "A9A9-****"}]}
    now, done = datetime.now(UTC), OutgoingState.SENT
    told = tell(conversation_id=conversation, kind=MessageKind.CARDS, body=body, now=now, state=done)
    for reader, answer in sealed.items():
        sql("INSERT INTO sealed_answer (message_id, session_id, sealed, created_at) VALUES (%s, %s, %s, now())",
            [told, reader, answer])  # fmt: skip
    sql("UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %s", [delivery])
    sql("SELECT pg_notify('keystall_wake', %s)", [f"conv:{conversation}"])


def asks(page: PageReader) -> dict[str, str]:
    return {"key": base64.b64encode(page.point).decode()}


def read_by(page: PageReader, answer: dict[str, Any]) -> list[str]:
    found = []
    for one in answer["cards"]:
        context = answer_context(delivery=UUID(one["delivery"]), session=UUID(answer["reader"]))
        opened = json.loads(page.open(base64.b64decode(one["sealed"]), context))
        found += [card["secret"] for card in opened["cards"]]
    return found


def test_cards_that_come_while_the_page_waits_are_sealed_to_it_and_no_secret_passes_in_clear(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    order, path = a_paid_order(phone, goods, follower, sql, web_config)
    page = PageReader()

    def deliver() -> None:
        until(sql, "SELECT 1 FROM chat_session WHERE octet_length(answer_public_key) = 65")
        vault_seals(sql, order, "A9-<&é卡 ")

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(deliver)
        answer = phone.post(f"{path}/cards", json=asks(page))
        working.result()

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert read_by(page, answer.json()) == ["A9-<&é卡 "]
    assert (answer.json()["complete"], answer.json()["state"]) == (True, "delivered")
    assert answer.json()["cards"][0]["name"] == "商品 A1"
    assert "A9-" not in answer.text
    assert sql("SELECT count(*) FROM reading") == [(0,)]


def test_delivered_cards_are_asked_for_again_once_a_key(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    order, path = a_paid_order(phone, goods, follower, sql, web_config)
    vault_seals(sql, order, "A9-OLD")
    page = PageReader()

    def worker() -> None:
        until(sql, "SELECT 1 FROM reading")
        vault_seals(sql, order, "A9-AGAIN")

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(worker)
        answer = phone.post(f"{path}/cards", json=asks(page)).json()
        working.result()
    again = phone.post(f"{path}/cards", json=asks(page)).json()

    assert read_by(page, answer) == ["A9-AGAIN"]
    assert read_by(page, again) == ["A9-AGAIN"]
    assert sql("SELECT count(*) FROM reading") == [(1,)]
    assert sql("SELECT conversation_id FROM reading") == [(follower.conversation_id,)]


def test_opening_the_page_of_a_delivered_order_asks_for_no_card_and_shows_none(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    """Fault 101."""
    order, path = a_paid_order(phone, goods, follower, sql, web_config)
    vault_seals(sql, order, "A9-SECRET")
    before = goods.fingerprint()

    for method in ("GET", "HEAD", "GET"):
        answer = phone.request(method, path)
        assert answer.status_code == 200
        assert "A9" not in answer.text
    assert phone.get(f"{path}/cards").status_code == 405

    assert goods.fingerprint() == before


@pytest.mark.parametrize("body", [b"", b"{}", b'{"key": 1}', b'{"key": "AAAA"}', b'{"key": "***"}', b"[]"])
def test_what_is_no_key_reads_nothing(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config, body: bytes
) -> None:
    _, path = a_paid_order(phone, goods, follower, sql, web_config)

    assert phone.post(f"{path}/cards", content=body).status_code == 422
    assert goods.count("chat_session") == 0


def test_an_unpaid_order_and_another_chats_have_no_cards_here(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    _, unpaid = an_order(goods, follower)
    order, path = a_paid_order(phone, goods, follower, sql, web_config)
    other = new_id()
    sql("INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)"
        " VALUES (%s, %s, %s, 'web', 'a bound one', now())",
        [other, follower.shopper_id, follower.merchant_id])  # fmt: skip
    sql("INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, created_at)"
        " VALUES (%s, %s, %s, %s, 'web:elsewhere', now())",
        [other, follower.merchant_id, follower.shopper_id, other])  # fmt: skip
    sql("UPDATE shop_order SET conversation_id = %s, identity_id = %s WHERE id = %s",
        [other, other, parse(Prefix.ORDER, order)])  # fmt: skip

    assert phone.post(f"{unpaid}/cards", json=asks(PageReader())).status_code == 404
    assert phone.post(f"{path}/cards", json=asks(PageReader())).status_code == 404
    assert "另一个对话" in phone.get(path).text
    assert goods.count("chat_session") == 0


def test_too_many_pages_at_once_are_told_so_in_words(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.web.linked.cards.WAIT", 0.05)
    _, path = a_paid_order(phone, goods, follower, sql, web_config)
    for _ in range(5):
        assert phone.post(f"{path}/cards", json=asks(PageReader())).status_code == 200

    answer = phone.post(f"{path}/cards", json=asks(PageReader()))

    assert answer.status_code == 429
    assert answer.json()["error_id"].startswith("err_")
    assert goods.count("chat_session") == 5
