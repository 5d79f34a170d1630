"""A merchant whose goods a supplier brings over the network: its double, the worker, and a vault desk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from channels.egress import Egress
from channels.supply.kasushou import Kasushou
from core import db
from core.actor import OPERATOR
from core.config import Config
from core.fulfilment.service import deliver
from core.fulfilment.supplying import ask_stock, forget_unpaid, supply_due, supply_order
from core.money import Money
from core.orders.service import PlacedOrder, expire_due
from core.payments.service import carry_out_refund
from core.ports import Outcome, Supplier
from core.secret import Secret
from core.stock.service import available
from core.supply.network import SupplierAccount, add_account, opened, sell_from
from core.supply.rules import Connector
from core.supply.standing import say_refused
from core.vault.client import ImportReport, VaultAway
from tests.builders import NOON, Talker
from tests.doubles.kasushou import KEY, USER, KasushouDouble
from tests.flows.test_fulfilment import OpeningVault
from tests.support.carriers import NOBODY
from tests.support.till import ScriptedGateway, Till
from tests.support.trade import limit, stands
from tests.support.vaults import DeskVault

ACT = Secret(b"the worker's act key, of the tests")
PRICE = 1500
"""What the shopper pays for one, in fen; the merchant pays 10.00, the supplier's own system 8.00."""


@dataclass
class Supplied:
    """Goods A1 of the merchant, of which there is no card: brand1 brings them."""

    till: Till
    double: KasushouDouble
    vault: DeskVault
    worker_url: str
    account: SupplierAccount
    good: UUID
    listing: int
    vault_is_away: bool = False

    def place(self, talker: Talker, quantity: int = 1) -> PlacedOrder:
        return self.till.shop.place(talker, self.listing, quantity, now=self.till.now)

    def bought(self, talker: Talker, quantity: int = 1) -> PlacedOrder:
        """Placed and paid; nothing is asked of the supplier yet."""
        order = self.place(talker, quantity)
        self.till.pay(order)
        return order

    def supplier(self, account: int) -> Supplier:
        base, user, key = (opened(account, name, act_key=ACT) for name in ("api_base", "user_id", "api_key"))
        way = Egress(loopback=True, most_seconds=2.0)
        return Kasushou(base.reveal().decode(), user.reveal().decode(), key, way, self.till.clock)

    def import_supplied(self, request: UUID) -> ImportReport:
        """Asked of the desk on the vault's connections, then back on the worker's."""
        if self.vault_is_away:
            raise VaultAway(what="vault")
        try:
            return self.vault.client.import_supplied(request)
        finally:
            db.disconnect()
            db.connect(self.worker_url, size=4)

    @contextmanager
    def as_worker(self) -> Iterator[None]:
        """With the rights of the worker's role."""
        db.disconnect()
        db.connect(self.worker_url, size=4)
        try:
            yield
        finally:
            db.disconnect()
            db.connect(self.vault.config.database.roles.shop, size=24)

    def carries_out(self, order: PlacedOrder) -> int:
        """The worker sees to an order, once."""
        public = self.vault.config.secret(self.vault.config.vault.public_key).reveal()
        with self.as_worker():
            return supply_order(
                order_id=order.order_id, suppliers=self.supplier, vault=self, vault_public=public, now=self.till.now
            )

    def until_settled(self, order: PlacedOrder) -> None:
        """The worker sees to an order until every line of it has its end; at most for some minutes."""
        for _ in range(8):
            self.carries_out(order)
            if self.request(order)[4]:
                return
            self.till.wait(seconds=65)
        raise AssertionError("it never comes to an end")

    def dies_when_called(self, order: PlacedOrder) -> None:
        """The worker ends between the commit that says `sent` and the call."""

        def dead(_: int) -> Supplier:
            raise SystemExit

        with self.as_worker(), contextlib.suppress(SystemExit):
            supply_order(order_id=order.order_id, suppliers=dead, vault=self, vault_public=b"k", now=self.till.now)

    def could_move(self, order: PlacedOrder, state: str, after: str) -> bool:
        """Whether the database lets a request go from one state to another; nothing is kept."""
        sent = {"created": "NULL"}
        with psycopg.connect(self.vault.config.database.url) as connection:
            move = "UPDATE supplier_request SET state = %s, sent_at = {} WHERE order_id = %s"
            connection.execute("ALTER TABLE supplier_request DISABLE TRIGGER supplier_request_moves")
            connection.execute(move.format(sent.get(state, "created_at")).encode(), [state, order.order_id])
            connection.execute("ALTER TABLE supplier_request ENABLE TRIGGER supplier_request_moves")
            now = sent.get(after, "coalesce(sent_at, created_at)")
            try:
                connection.execute(move.format(now).encode(), [after, order.order_id])
            except psycopg.errors.CheckViolation:
                return False
            finally:
                connection.rollback()
        return True

    def left(self) -> int:
        """How many of the goods the merchant can sell now."""
        shop = self.till.shop
        return available(merchant_id=shop.merchant, sku_ids=[shop.a_sku()], usable_on=NOON.date())[shop.a_sku()]

    def limit(self, minor: int) -> None:
        """How much the merchant may owe the supplier."""
        limit(self.till.shop, "brand1", "demo", minor)

    def trade_balance(self) -> int:
        """What the merchant has at the supplier; below 0 owed."""
        return stands(self.till.shop)["demo→brand1"][0]

    def expires(self) -> None:
        with self.as_worker():
            expire_due(now=self.till.now)

    def forgets(self) -> None:
        with self.as_worker():
            forget_unpaid(now=self.till.now)

    def every_row(self) -> str:
        """Every table as text."""
        sql = self.till.shop.sql
        tables = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return "".join(str(sql(f"SELECT t::text FROM {table} t")) for (table,) in tables)

    def delivers(self, order: PlacedOrder) -> list[bool]:
        """The worker hands over what is ready, by the queue."""
        ours = self.till.shop.sql("SELECT id FROM delivery WHERE order_id = %s", [order.order_id])
        due = [one for one in self.till.queued("deliver") if (one,) in ours]
        vault = OpeningVault(self.till.shop)
        return [deliver(delivery_id=one, vault=vault, carrier=NOBODY, now=self.till.now) for one in due]

    def asks_stock(self) -> bool:
        with self.as_worker():
            return ask_stock(good_id=self.good, suppliers=self.supplier, now=self.till.now)

    def sweeps(self) -> int:
        with self.as_worker():
            return supply_due(now=self.till.now)

    def refused_by_hand(self, reason: str) -> None:
        """What `supplier refused` says of the one request, with the hand of the database's owner."""
        ((request,),) = self.till.shop.sql("SELECT id FROM supplier_request")
        with as_owner(self.vault.config):
            say_refused(actor=OPERATOR, request_id=request, reason=reason, now=self.till.now)

    def refunds(self) -> int:
        """The worker sends back what is to go back; returns how many."""
        gateway = ScriptedGateway([Outcome.YES])
        due = self.till.shop.sql("SELECT id FROM refund WHERE state = 'requested'")
        for (refund,) in due:
            carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=self.till.now)
        return len(due)

    def request(self, order: PlacedOrder) -> tuple[Any, ...]:
        """(state, quantity, received, problem, is settled) of an order's request."""
        return self.till.shop.sql(
            "SELECT state, quantity, received, problem, settled_at IS NOT NULL FROM supplier_request"
            " WHERE order_id = %s", [order.order_id],
        )[0]  # fmt: skip


@contextmanager
def as_owner(config: Config) -> Iterator[None]:
    """Connected as the owner of the tables, as the commands of an operator are; as shop afterwards."""
    db.disconnect()
    db.connect(config.database.url, size=2)
    try:
        yield
    finally:
        db.disconnect()
        db.connect(config.database.roles.shop, size=24)


def a_supplied_shop(till: Till, double: KasushouDouble, vault: DeskVault, worker_url: str) -> Supplied:
    """The merchant's goods, the offer down to it, the supplier's account, and what it said of its stock."""
    shop = till.shop
    till.account()
    listing = shop.a_listing(price=PRICE)
    brand = shop.a_party("brand1", "supplier")
    shop.an_offer(brand, shop.merchant, price_micro=10_000_000, credit=100_000)
    opens = {"api_base": Secret(double.address), "user_id": Secret(USER), "api_key": Secret(KEY)}
    who = {"actor": OPERATOR, "now": NOON}
    with as_owner(vault.config):
        account = add_account(supplier="brand1", connector=Connector.KASUSHOU, opens=opens, act_key=ACT, **who)
        good = sell_from(account=account, sku="A1", product="1001", most=Money(900, "CNY"), **who)
    supplied = Supplied(till, double, vault, worker_url, account, good, listing)
    assert supplied.asks_stock()
    return supplied
