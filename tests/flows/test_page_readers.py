"""A page that reads cards with a key of its own: what it may read, for how long, and how many may."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.clock import FixedClock
from core.config import Config
from core.conversations.readers import LASTS, MOST, TooManyReaders, open_page_reader
from core.conversations.service import session_by_token
from core.errors import Invalid, NotFound
from core.vault.seal import answer_context
from tests.builders import NOON, Shop, Talker
from tests.support.chats import an_account, somebody
from tests.support.page_reader import PageReader
from tests.support.sales import LINES, Counter, a_counter
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(config: Config, store_db: object, sql: Any) -> Counter:
    return a_counter(desk_vault(config), sql)


def a_follower(shop: Shop, user: str = "openid-1") -> Talker:
    account = an_account(shop, "wechat", f"wx_{user[-1]}")
    return somebody(shop, account, user)


def opened(page: PageReader, sealed: bytes, *, delivery: UUID, reader: UUID) -> list[str]:
    context = answer_context(delivery=delivery, session=reader)
    return [card["secret"] for card in json.loads(page.open(sealed, context))["cards"]]


def test_a_delivery_is_sealed_to_the_page_that_is_open_meanwhile_and_its_reader_opens_it(counter: Counter) -> None:
    buyer, page = a_follower(counter.shop), PageReader()
    sale = counter.sell(2, talker=buyer)
    now = counter.shop.sql("SELECT now()")[0][0]
    reader = open_page_reader(
        seal_key=counter.shop.keys.seal, conversation_id=buyer.conversation_id, point=page.point, now=now
    )

    answer = counter.vault.client.open_delivery(sale.delivery, plain=True).sealed[reader.id]

    cards = opened(page, answer, delivery=sale.delivery, reader=reader.id)
    assert len(cards) == 2
    assert set(cards) <= set(LINES)
    assert not any(line.encode() in answer for line in LINES)


def test_nothing_is_sealed_to_a_page_of_another_conversation_or_to_one_whose_time_is_over(counter: Counter) -> None:
    buyer, other = a_follower(counter.shop), a_follower(counter.shop, "openid-2")
    sale = counter.sell(2, talker=buyer)
    now = counter.shop.sql("SELECT now()")[0][0]
    foreign = open_page_reader(
        seal_key=counter.shop.keys.seal, conversation_id=other.conversation_id, point=PageReader().point, now=now
    )
    ended = open_page_reader(
        seal_key=counter.shop.keys.seal,
        conversation_id=buyer.conversation_id,
        point=PageReader().point,
        now=now - LASTS - timedelta(seconds=1),
    )

    live = open_page_reader(
        seal_key=counter.shop.keys.seal, conversation_id=buyer.conversation_id, point=PageReader().point, now=now
    )

    sealed = counter.vault.client.open_delivery(sale.delivery, plain=True).sealed

    assert set(sealed) == {live.id}
    assert not {foreign.id, ended.id} & set(sealed)


def test_the_same_key_is_the_same_reader_until_its_time_is_over(shop: Shop, clock: FixedClock) -> None:
    follower, page = a_follower(shop), PageReader()
    first = open_page_reader(
        seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=page.point, now=NOON
    )

    again = open_page_reader(
        seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=page.point, now=NOON + LASTS / 2
    )

    assert again == first
    with pytest.raises(NotFound):
        open_page_reader(
            seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=page.point, now=NOON + LASTS
        )
    assert shop.count("chat_session") == 1


def test_so_many_pages_read_at_once_and_no_more(shop: Shop) -> None:
    follower = a_follower(shop)
    for _ in range(MOST):
        open_page_reader(
            seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=PageReader().point, now=NOON
        )

    with pytest.raises(TooManyReaders):
        open_page_reader(
            seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=PageReader().point, now=NOON
        )

    assert shop.count("chat_session") == MOST
    open_page_reader(
        seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=PageReader().point, now=NOON + LASTS
    )


@pytest.mark.parametrize("point", [b"", b"\x04" + bytes(64), b"x" * 65])
def test_what_is_no_key_is_refused_and_makes_no_reader(shop: Shop, point: bytes) -> None:
    follower = a_follower(shop)

    with pytest.raises(Invalid):
        open_page_reader(seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=point, now=NOON)

    assert shop.count("chat_session") == 0


def test_a_pages_key_is_no_bearer_token(shop: Shop) -> None:
    follower, page = a_follower(shop), PageReader()
    open_page_reader(seal_key=shop.keys.seal, conversation_id=follower.conversation_id, point=page.point, now=NOON)

    for guess in (page.point.hex(), page.point.hex()[:43], "A" * 43):
        with pytest.raises(NotFound):
            session_by_token(token=guess, now=NOON)
