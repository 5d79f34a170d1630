"""Cards that are written into a platform's chat leave the vault open: for that chat only, whatever the tables say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.config import Config
from core.vault.client import VaultCode, VaultRefused
from core.vault.seal import answer_context, open_answer
from tests.support.chats import an_account, somebody
from tests.support.sales import LINES, Counter, a_counter
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(config: Config, store_db: object, sql: Any) -> Counter:
    return a_counter(desk_vault(config), sql)


def test_the_cards_of_a_bots_order_come_open_with_the_address_that_was_sealed(counter: Counter) -> None:
    buyer = somebody(counter.shop, an_account(counter.shop))
    sale = counter.sell(2, talker=buyer)

    closed = counter.vault.client.open_delivery(sale.delivery)
    opened = counter.vault.client.open_delivery(sale.delivery, plain=True)

    assert closed.plain == ()
    assert {card.fields["secret"].reveal().decode() for card in opened.plain} <= set(LINES)
    assert [card.token for card in opened.plain] == [card.token for card in opened.cards]
    assert opened.address == counter.shop.sql("SELECT chat_address FROM conversation")[0][0]
    assert not any(line in repr(opened) for line in LINES)


def test_the_web_chats_cards_never_come_open_however_they_are_asked_for(counter: Counter) -> None:
    sale = counter.sell(2)

    opened = counter.vault.client.open_delivery(sale.delivery, plain=True, reader=sale.talker.conversation_id)

    assert opened.plain == ()
    assert set(opened.sealed) == {sale.session}


def test_an_order_pointed_at_another_chat_is_not_opened(counter: Counter, sql: Any) -> None:
    """Fault 106: whoever writes into the tables sends no card to a chat of his own (INV-K5)."""
    shop = counter.shop
    account = an_account(shop)
    sale, thief = counter.sell(2, talker=somebody(shop, account)), somebody(shop, account, "666")
    ((address,),) = sql("SELECT chat_address FROM conversation WHERE id = %s", [thief.conversation_id])
    sql("UPDATE shop_order SET chat_address = %s WHERE id = %s", [address, sale.order])

    assert counter.refused(sale) is VaultCode.ORDER_ALTERED


@pytest.mark.parametrize("trick", ["another chat asks", "the buyer's chat is moved"])
def test_only_the_chat_that_ordered_reads(counter: Counter, sql: Any, trick: str) -> None:
    shop = counter.shop
    account = an_account(shop)
    sale, thief = counter.sell(1, talker=somebody(shop, account)), somebody(shop, account, "666")
    reader = thief.conversation_id
    if trick == "the buyer's chat is moved":
        reader = sale.talker.conversation_id
        sql("UPDATE conversation SET chat_address = chat_address || '0' WHERE id = %s", [reader])

    before = counter.traces()
    with pytest.raises(VaultRefused) as refused:
        counter.vault.client.open_delivery(sale.delivery, reader=reader, plain=True)

    assert refused.value.vault_code is VaultCode.OTHER_READER
    assert counter.traces() == before


def test_a_reply_that_waits_reads_with_a_session_of_its_own(counter: Counter, sql: Any) -> None:
    """What WeChat's passive reply and page do: a session of the conversation that lives as long as they do."""
    sale = counter.sell(1, talker=somebody(counter.shop, an_account(counter.shop, "wechat", "wx1"), "openid-1"))
    counter.vault.client.open_delivery(sale.delivery, plain=True)
    sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE line_id = %s", [sale.line])
    sql("UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %s", [sale.delivery])
    session, token = counter.a_session(sale.talker, minutes=5)
    counter.a_session(sale.talker)  # what somebody with web's rights wrote, to read along for a day

    opened = counter.vault.client.open_delivery(sale.delivery, reader=sale.talker.conversation_id)

    assert set(opened.sealed) == {session}
    context = answer_context(delivery=sale.delivery, session=session)
    (card,) = json.loads(open_answer(token, opened.sealed[session], context))["cards"]
    assert card["secret"] in LINES
    assert opened.plain == ()


def test_nothing_that_was_bought_in_telegram_is_sealed_to_any_session(counter: Counter, sql: Any) -> None:
    """There its cards are carried into the chat; whoever writes a session there with web's rights reads nothing."""
    sale = counter.sell(1, talker=somebody(counter.shop, an_account(counter.shop), "5001"))
    counter.a_session(sale.talker, minutes=5)

    opened = counter.vault.client.open_delivery(sale.delivery, plain=True)

    assert (opened.sealed, len(opened.plain)) == ({}, 1)
