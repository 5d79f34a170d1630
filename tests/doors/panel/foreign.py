"""One object of somebody for every parameter of every route: a new page that takes an id adds its own here.

`OBJECTS` is by `blueprint.parameter` (a list's `?id=` by `endpoint.id`); its values belong to the merchant `demo` or to
the supplier `brand1` of a `World`, so that to the merchant `other` and the supplier `brand2` they are foreign. What is
no object (a kind, a step) stands in `NO_OBJECTS`. `python -m tests.doors.panel.access` lists the routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from core.actor import OPERATOR
from core.ids import Prefix, new_id, public
from core.money import Money
from core.supply.trade import approve_topup
from tests.builders import NOON, Shop


@dataclass
class World:
    """What there is of the merchant and the supplier; each thing is made when it is asked for first."""

    shop: Shop
    merchant_person: UUID
    supplier_person: UUID

    @property
    def merchant(self) -> int:
        return self.shop.merchant

    @cached_property
    def listing(self) -> int:
        return self.shop.a_listing("A1", price=2500)

    @cached_property
    def order(self) -> UUID:
        _ = self.batch
        return self.shop.place(self.shop.a_shopper(), self.listing).order_id

    @cached_property
    def batch(self) -> UUID:
        return self._batch_id(self.shop.a_batch("A1", cards=3))

    @cached_property
    def supplier(self) -> int:
        return self.shop.a_party("brand1", kind="supplier")

    @cached_property
    def suppliers_batch(self) -> UUID:
        return self._batch_id(self.shop.a_batch("A1", cards=3, owner=self.supplier))

    @cached_property
    def product(self) -> int:
        return self._number(
            "INSERT INTO product (owner_id, code, kind, category, names, created_at)"
            " VALUES (%s, 'own', 'card_key', 'video', '{\"en\": \"Own\"}', now()) RETURNING id",
            self.merchant,
        )

    @cached_property
    def sku(self) -> int:
        issuer = self._number("INSERT INTO issuer (code, names) VALUES ('own', '{}') RETURNING id")
        return self._number(
            "INSERT INTO sku (product_id, code, names, issuer_id, created_at)"
            " VALUES (%s, 'OWN1', '{\"en\": \"Own\"}', %s, now()) RETURNING id",
            self.product,
            issuer,
        )

    @cached_property
    def bot(self) -> int:
        return self._number(
            "INSERT INTO chat_account (opaque_id, channel, merchant_id, external_id, username, names, created_at)"
            " VALUES ('an-opaque-bot-id', 'telegram', %s, '7000000001', 'a_bot', '{\"en\": \"Bot\"}', now())"
            " RETURNING id",
            self.merchant,
        )

    @cached_property
    def sheet(self) -> UUID:
        return self._row(
            "INSERT INTO goods_sheet (id, merchant_id, staff_id, file_name, rows, created_at)"
            " VALUES (%s, %s, %s, 'goods.csv', '[]', now())",
            self.merchant,
            self.merchant_person,
        )

    @cached_property
    def upload(self) -> UUID:
        return self._row(
            "INSERT INTO upload (id, owner_id, file_name, size, chunks, complete, sealed_key, created_at)"
            " VALUES (%s, %s, 'c.txt', 1, 1, true, 'x', now())",
            self.merchant,
        )

    @cached_property
    def restock(self) -> UUID:
        return self._row(
            "INSERT INTO restock (id, staff_id, party_id, sku_id, unit_cost_micro, upload_id, submission, asked_at,"
            " seal) VALUES (%s, %s, %s, %s, 0, %s, 'once', now(), sha256('x'))",
            self.merchant_person,
            self.merchant,
            self.sku,
            self.upload,
        )

    @cached_property
    def sold_sku(self) -> int:
        self._number(
            "INSERT INTO listing (merchant_id, sku_id, code, price_minor, currency, created_at)"
            " VALUES (%s, %s, 'OWN1', 100, 'CNY', now()) RETURNING id",
            self.merchant,
            self.sku,
        )
        return self.sku

    @cached_property
    def offered_sku(self) -> int:
        self.shop.an_offer(self.supplier, self.merchant, price_micro=10_000, code="B1")
        return self.shop.a_sku("B1")

    @cached_property
    def offer(self) -> int:
        return self.shop.an_offer(self.supplier, self.merchant, price_micro=10_000, code="C1")

    def key_of(self, party: int, person: UUID) -> UUID:
        return self._row(
            "INSERT INTO api_key (id, party_id, called, secret_hash, ending, scopes, made_by, made_at, expires_at)"
            " VALUES (%s, %s, 'ERP', sha256(%s::text::bytea), 'abcd', '{batches:read}', %s, now(),"
            " now() + interval '1 day')",
            party,
            str(party),
            person,
        )

    def filter_of(self, party: int, person: UUID) -> UUID:
        return self._row(
            "INSERT INTO kept_filter (id, staff_id, party_id, listed, name, cut, kept_at)"
            " VALUES (%s, %s, %s, 'audit', 'Mine', 'action=order.placed', now())",
            person,
            party,
        )

    def payout_of(self, party: int, person: UUID) -> UUID:
        bank = self._row(
            "INSERT INTO bank_details (id, party_id, sealed, mask, changed_by, changed_at)"
            " VALUES (%s, %s, 'x', '****1234', %s, now())",
            party,
            person,
        )
        return self._row(
            "INSERT INTO payout (id, party_id, debtor_id, kind, period, currency, amount, state, bank_id, made_by,"
            " requested_at) VALUES (%s, %s, %s, 'own', current_date, 'CNY', 100, 'requested', %s, %s, now())",
            party,
            party,
            bank,
            person,
        )

    @cached_property
    def file(self) -> UUID:
        return self._file(self.merchant_person, self.merchant, self.sku)

    @cached_property
    def suppliers_file(self) -> UUID:
        return self._file(self.supplier_person, self.supplier, self.offered_sku)

    def _file(self, person: UUID, party: int, sku: int) -> UUID:
        return self._row(
            "INSERT INTO brought_file (id, staff_id, party_id, sku_id, upload_id, submission, brought_at, seal)"
            " VALUES (%s, %s, %s, %s, %s, 'once', now(), sha256('x'))",
            person,
            party,
            sku,
            self.upload,
        )

    @cached_property
    def shopper(self) -> UUID:
        return self._the("SELECT shopper_id FROM shop_order WHERE id = %s", self.order)

    @cached_property
    def card(self) -> UUID:
        return self.card_of(self.batch)

    def card_of(self, batch: UUID) -> UUID:
        return self._the("SELECT c.id FROM card c JOIN batch b ON b.no = c.batch_no WHERE b.id = %s LIMIT 1", batch)

    @cached_property
    def suspense(self) -> UUID:
        gateway = self._number(
            "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
            " VALUES ('an-opaque-gateway', 'sandbox', %s, 'CNY', '{}', now()) RETURNING id",
            self.merchant,
        )
        return self._row(
            "INSERT INTO payment_event (id, gateway_account_id, external_id, kind, order_id, amount_minor, currency,"
            " body, headers, received_at, booked_to, reason, decide_by)"
            " VALUES (%s, %s, 'once', 'paid', %s, 2500, 'CNY', '', '{}', now(), 'suspense', 'late', now())",
            gateway,
            self.order,
        )

    @cached_property
    def topup(self) -> UUID:
        _ = self.offer
        pair = {"creditor_id": self.supplier, "debtor_id": self.merchant, "now": NOON}
        return approve_topup(actor=OPERATOR, amount=Money(100, "CNY"), reference="once", **pair)

    def entry_of(self, party: int) -> int:
        return self._number(
            "INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id)"
            " VALUES (now(), 'system', %s, 'party.created', 'party', '1') RETURNING id",
            party,
        )

    def _the(self, question: str, *values: Any) -> UUID:
        ((found,),) = self.shop.sql(question, list(values))
        assert isinstance(found, UUID)
        return found

    def _row(self, statement: str, *values: Any) -> UUID:
        made = new_id()
        self.shop.sql(statement, [made, *values])
        return made

    def _number(self, statement: str, *values: Any) -> int:
        return int(self.shop.sql(statement, list(values))[0][0])

    def _batch_id(self, no: int) -> UUID:
        ((found,),) = self.shop.sql("SELECT id FROM batch WHERE no = %s", [no])
        assert isinstance(found, UUID)
        return found


Made = Callable[[World], Any]

OBJECTS: Mapping[str, Made] = {
    "listings.id": lambda world: world.listing,
    "selling.number": lambda world: world.listing,
    "orders.id": lambda world: world.order,
    "order.number": lambda world: public(Prefix.ORDER, world.order),
    "tasks.number": lambda world: public(Prefix.ORDER, world.order),
    "acts.number": lambda world: public(Prefix.ORDER, world.order),
    "cases.event": lambda world: world.suspense,
    "cards.token": lambda world: public(Prefix.CARD, world.card),
    "shoppers.number": lambda world: public(Prefix.SHOPPER, world.shopper),
    "batches.id": lambda world: world.batch,
    "batch.number": lambda world: public(Prefix.BATCH, world.batch),
    "batch.batch_id": lambda world: world.batch,
    "contested.batch_id": lambda world: world.batch,
    "approvals.number": lambda world: world.merchant,
    "party.number": lambda world: world.merchant,
    "credit.number": lambda world: world.merchant,
    "credit.topup_id": lambda world: world.topup,
    "entry.number": lambda world: world.entry_of(world.merchant),
    "channels.number": lambda world: world.bot,
    "switching.number": lambda world: world.bot,
    "connecting.number": lambda world: world.bot,
    "grid.number": lambda world: world.product,
    "product.number": lambda world: world.product,
    "variants.number": lambda world: world.sku,
    "new_goods.restock": lambda world: world.restock,
    "sheets.sheet_id": lambda world: world.sheet,
    "imports.number": lambda world: world.sold_sku,
    "imports.file_id": lambda world: world.file,
    "api_keys.key_id": lambda world: world.key_of(world.merchant, world.merchant_person),
    "filters.filter_id": lambda world: world.filter_of(world.merchant, world.merchant_person),
    "offers.number": lambda world: world.offer,
    "payouts.payout_id": lambda world: world.payout_of(world.merchant, world.merchant_person),
    "people.party": lambda world: world.merchant,
    "people.person": lambda world: world.merchant_person,
    "persons.party": lambda world: world.merchant,
    "persons.person": lambda world: world.merchant_person,
}
SUPPLIERS: Mapping[str, Made] = {
    "batches.id": lambda world: world.suppliers_batch,
    "cards.token": lambda world: public(Prefix.CARD, world.card_of(world.suppliers_batch)),
    "batch.number": lambda world: public(Prefix.BATCH, world.suppliers_batch),
    "batch.batch_id": lambda world: world.suppliers_batch,
    "entry.number": lambda world: world.entry_of(world.supplier),
    "imports.number": lambda world: world.sku,  # a supplier brings any shared goods, but no merchant's own
    "imports.file_id": lambda world: world.suppliers_file,
    "api_keys.key_id": lambda world: world.key_of(world.supplier, world.supplier_person),
    "filters.filter_id": lambda world: world.filter_of(world.supplier, world.supplier_person),
    "payouts.payout_id": lambda world: world.payout_of(world.supplier, world.supplier_person),
    "people.party": lambda world: world.supplier,
    "people.person": lambda world: world.supplier_person,
    "persons.party": lambda world: world.supplier,
    "persons.person": lambda world: world.supplier_person,
}
"""Where a supplier's own object is another one than a merchant's."""

NO_OBJECTS: Mapping[str, str] = {
    "channels.kind": "chat",
    "switching.kind": "chat",
    "payouts.step": "approve",
    "filters.listed": "orders",
}
"""Parameters that name nothing that anybody owns, with a value that the route knows."""
