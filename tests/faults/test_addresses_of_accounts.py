"""Whoever writes the tables as web does: no token, secret or card goes to a server of his, and nothing it says counts.

Each attack has a control: the same address, as the operator gives it, is gone to.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from channels.chat.wechat.links import PageLinks
from core.actor import OPERATOR
from core.clock import FixedClock
from core.config import Config, Telegram, WeChat
from core.connections.chats import ChatAccount, chat_account
from core.connections.credentials import AccountKind, Holder, store_credential
from core.connections.sealed_settings import API_BASE, PAGE_URL_TOLD, keep_setting
from core.connections.stars import connect_stars
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind
from core.payments.service import receive_successful_payment, start_stars_payment
from core.ports import Parcel, SendOutcome
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from core.vault.primitives import SealError
from ops.stars import Stars, stars
from ops.wiring import telegram_courier, wechat_apis
from tests.builders import NOON, Shop, Talker
from tests.support.chats import an_account, somebody
from tests.support.foreign_server import ForeignServer, a_foreign_server
from tests.support.sales import Counter, a_counter
from tests.support.stars import RATE
from tests.support.till import Till
from tests.support.vaults import desk_vault

Sql = Callable[..., list[tuple[Any, ...]]]
NUMBER, TOKEN = "7000001", "7000001:" + "T" * 35
NOBODY = "http://127.0.0.1:1"
POINT_AT = (
    "UPDATE chat_account SET settings = settings || jsonb_build_object("
    "'api_base', %s::text, 'page_url', %s::text, 'mode', 'plain') RETURNING id"
)
MOVE = "UPDATE credential SET account_id = %s, name = %s WHERE account_id = %s AND name = %s RETURNING name"


@pytest.fixture
def foreign() -> Iterator[ForeignServer]:
    with a_foreign_server() as server:
        yield server


@pytest.fixture
def closed(config: Config) -> Config:
    """Settings whose Telegram and WeChat are at a port where nobody answers: no test asks the real ones."""
    return replace(config, telegram=Telegram(api_base=NOBODY), wechat=WeChat(api_base=NOBODY))


@dataclass
class Sale:
    """An order in a bot's chat that waits for Stars, and the worker that would be told of them."""

    counter: Counter
    till: Till
    account: ChatAccount
    worker: Stars
    payment: UUID
    stars: int

    def claimed(self) -> dict[str, Any]:
        """A transaction of the bot's statement that pays the order, as Telegram would tell it."""
        person = {"id": 5001, "is_bot": False, "first_name": "x"}
        paid = {"type": "user", "transaction_type": "invoice_payment", "user": person, "invoice_payload": self.payload}
        return {"id": "made-up", "amount": self.stars, "date": int(self.till.now.timestamp()), "source": paid}

    @property
    def payload(self) -> str:
        return public(Prefix.PAYMENT, self.payment)

    def delivery(self) -> UUID:
        """The bot's process is told that it was paid, as whoever writes into the inbox says."""
        said = {"currency": "XTR", "total_amount": self.stars, "invoice_payload": self.payload}
        said |= {"telegram_payment_charge_id": "made-up", "provider_payment_charge_id": ""}
        message = {"message_id": 9, "date": 1, "chat": {"id": 5001, "type": "private"}, "successful_payment": said}
        raw = json.dumps({"update_id": 1, "message": message}).encode()
        policy = self.counter.shop.policy
        receive_successful_payment(chat_account_id=self.account.id, raw=raw, policy=policy, now=self.till.now)
        (delivery,) = self.till.queued("deliver")
        self.counter.shop.sql("UPDATE delivery SET state = 'sending'")
        return delivery

    def opened(self, delivery: UUID) -> int:
        """How many cards the vault opens."""
        vault = self.worker.confirming(self.counter.vault.client, clock=self.till.clock)
        return len(vault.open_delivery(delivery, plain=True).plain)


@pytest.fixture
def sale(closed: Config, store_db: Any, sql: Sql) -> Iterator[Sale]:
    sql("GRANT INSERT ON payment_confirmation TO keystall_shop")
    sql("GRANT SELECT, INSERT, UPDATE ON gateway_statement TO keystall_shop")
    counter = a_counter(desk_vault(closed), sql)
    till, account = Till(counter.shop), a_bot(counter.shop, closed)
    act_key = closed.secret(closed.secrets.act_key)
    connect_stars(actor=OPERATOR, bot=account, rate=RATE, act_key=act_key, api_base="", now=NOON)
    buyer = somebody(counter.shop, account, "5001")
    order = counter.shop.place(buyer, counter.listing, 2, now=till.now)
    payment = start_stars_payment(actor=buyer.actor, order_id=order.order_id, keys=counter.shop.keys, now=till.now)
    ((asked,),) = sql("SELECT amount_minor FROM payment WHERE id = %s", [payment])
    worker = stars(closed, clock=till.clock)
    yield Sale(counter, till, account, worker, payment, asked)
    worker.close()


def a_bot(shop: Shop, config: Config, number: str = NUMBER) -> ChatAccount:
    """A bot with its token."""
    account = an_account(shop, number=number)
    keep(config, account, "token", Holder.BOT, TOKEN)
    return account


def keep(config: Config, account: ChatAccount, name: str, holder: Holder, value: str) -> None:
    """A credential, as the operator keeps it."""
    key = config.secret(config.secrets.bot_key if holder is Holder.BOT else config.secrets.act_key)
    store_credential(
        key, kind=AccountKind.CHAT, account_id=account.id, name=name, holder=holder, value=Secret(value), now=NOON
    )


def a_parcel(talker: Talker, account: ChatAccount) -> Parcel:
    """A message for the chat of a person."""
    return Parcel(
        conversation_id=talker.conversation_id, merchant_id=talker.merchant_id, shopper_id=talker.shopper_id,
        identity_id=talker.identity_id, locale="zh-CN", chat_address=account.address("5001"),
        kind=MessageKind.WALLET_TOPPED_UP.value, body={"amount_minor": 500, "currency": "CNY"},
    )  # fmt: skip


def test_one_update_of_settings_forges_no_stars(sale: Sale, foreign: ForeignServer, sql: Sql) -> None:
    """Fault 106: a server of his that says the order was paid is asked for nothing, and the vault opens nothing."""
    assert sql(POINT_AT, [foreign.url, foreign.url], role="shop")
    foreign.transactions.append(sale.claimed())
    delivery = sale.delivery()

    with pytest.raises(VaultRefused) as refused:
        sale.opened(delivery)

    assert refused.value.vault_code is VaultCode.UNCONFIRMED
    assert foreign.heard == []
    assert sql("SELECT count(*) FROM payment_confirmation") == [(0,)]


def test_the_server_that_the_operator_gave_is_believed(sale: Sale, foreign: ForeignServer, closed: Config) -> None:
    """The control: the same words from the server that was sealed for this bot open the cards."""
    bot_key = closed.secret(closed.secrets.bot_key)
    keep_setting(bot_key, account_id=sale.account.id, name=API_BASE, holder=Holder.BOT, value=foreign.url, now=NOON)
    foreign.transactions.append(sale.claimed())

    assert sale.opened(sale.delivery()) == 2
    assert all(path.startswith(f"/bot{TOKEN}/") for path, _ in foreign.heard)


@pytest.mark.parametrize("trick", ["another bot's", "another setting", "sealed by web"])
def test_an_address_that_was_sealed_for_something_else_is_gone_to_by_nobody(
    sale: Sale, foreign: ForeignServer, closed: Config, sql: Sql, trick: str
) -> None:
    other, bot_key = an_account(sale.counter.shop, number="7000002"), closed.secret(closed.secrets.bot_key)
    key = closed.secret(closed.secrets.verify_key) if trick == "sealed by web" else bot_key
    name = "page_url" if trick == "another setting" else API_BASE
    at = sale.account.id if trick == "another setting" else other.id
    keep_setting(key, account_id=at, name=name, holder=Holder.BOT, value=foreign.url, now=NOON)
    assert sql(MOVE, [sale.account.id, API_BASE, at, name], role="shop") == [(API_BASE,)]
    foreign.transactions.append(sale.claimed())
    delivery = sale.delivery()

    with pytest.raises(VaultRefused):
        sale.opened(delivery)

    assert foreign.heard == []


def test_cards_of_a_bot_go_to_no_server_that_somebody_wrote_into_settings(
    store_db: Any, shop: Shop, closed: Config, foreign: ForeignServer, sql: Sql
) -> None:
    bot_key = closed.secret(closed.secrets.bot_key)
    account = a_bot(shop, closed)
    parcel = a_parcel(somebody(shop, account), account)

    with contextlib.closing(telegram_courier(closed)) as courier:
        assert sql(POINT_AT, [foreign.url, foreign.url], role="shop")
        courier.hand_over(parcel)
        attacked = list(foreign.heard)
        keep_setting(bot_key, account_id=account.id, name=API_BASE, holder=Holder.BOT, value=foreign.url, now=NOON)
        courier.hand_over(parcel)

    assert attacked == []
    assert foreign.heard[0][0].startswith(f"/bot{TOKEN}/")


def test_the_app_secret_goes_to_no_server_that_somebody_wrote_into_settings(
    store_db: Any, shop: Shop, closed: Config, foreign: ForeignServer, sql: Sql
) -> None:
    sql("GRANT SELECT, INSERT, UPDATE ON wechat_token TO keystall_shop")
    account = an_account(shop, "wechat", "wx1")
    keep(closed, account, "app_secret", Holder.ACT, "canary-of-the-app-secret")
    act_key = closed.secret(closed.secrets.act_key)

    with contextlib.closing(wechat_apis(closed)) as apis:
        assert sql(POINT_AT, [foreign.url, foreign.url], role="shop")
        apis.of(chat_account(account_id=account.id)).send_text("o-1", "hello")
        attacked = list(foreign.heard)
        keep_setting(act_key, account_id=account.id, name=API_BASE, holder=Holder.ACT, value=foreign.url, now=NOON)
        apis.of(chat_account(account_id=account.id)).send_text("o-1", "hello")

    assert attacked == []
    assert b"canary-of-the-app-secret" in foreign.heard[0][1]


def test_links_lead_to_the_host_that_was_sealed_and_an_altered_one_is_no_link(
    store_db: Any, shop: Shop, closed: Config, sql: Sql
) -> None:
    """A link is what opens a follower's page: its host is the operator's word, not that of a table."""
    account, other = an_account(shop, "wechat", "wx1"), an_account(shop, "wechat", "wx2")
    act_key = closed.secret(closed.secrets.act_key)
    links = PageLinks("https://shop.example", FixedClock(NOON), act_key, Holder.ACT)
    keep_setting(
        act_key, account_id=other.id, name=PAGE_URL_TOLD, holder=Holder.ACT, value="https://o.example", now=NOON
    )
    assert sql(POINT_AT, ["https://evil.example", "https://evil.example"], role="shop")

    where = [links.base_of(chat_account(account_id=one.id)) for one in (account, other)]
    assert sql(MOVE, [account.id, PAGE_URL_TOLD, other.id, PAGE_URL_TOLD], role="shop")

    assert where == ["https://shop.example", "https://o.example"]
    with pytest.raises(SealError):
        links.maker(account, new_id())


def test_with_an_altered_address_cards_wait_and_nothing_is_sent(
    store_db: Any, shop: Shop, closed: Config, foreign: ForeignServer, sql: Sql
) -> None:
    account, other = a_bot(shop, closed), an_account(shop, number="7000002")
    bot_key = closed.secret(closed.secrets.bot_key)
    keep_setting(bot_key, account_id=other.id, name=API_BASE, holder=Holder.BOT, value=foreign.url, now=NOON)
    assert sql(MOVE, [account.id, API_BASE, other.id, API_BASE], role="shop")

    with contextlib.closing(telegram_courier(closed)) as courier:
        answer = courier.hand_over(a_parcel(somebody(shop, account), account))

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, "bot_token")
    assert foreign.heard == []
