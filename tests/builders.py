"""Things a test starts from: parties, goods, cards, shoppers, orders; the rest of a test calls the real use cases.

`Shop` works on the database that `core.db` is connected to (fixture `store_db`) and beside it as the owner (`sql`),
for rows that only the vault or the command line may write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from core import db
from core.actor import OPERATOR, Actor, ActorKind
from core.ids import new_id
from core.orders.service import OrderKeys, OrderPolicy, PlacedOrder, WantedLine, place_order
from core.secret import Secret
from core.supply.service import make_offer
from core.supply.trade import set_credit_limit

Sql = Callable[..., list[tuple[Any, ...]]]

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
KEYS = OrderKeys(seal=Secret(b"s" * 32), session=Secret(b"t" * 32))


@dataclass(frozen=True)
class Talker:
    """A shopper with a conversation; `actor` is what use cases want."""

    shopper_id: UUID
    identity_id: UUID
    conversation_id: UUID
    merchant_id: int

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.SHOPPER, id=self.shopper_id, party_id=self.merchant_id)


WRITTEN_BY_THEMSELVES = {
    *("process_figures", "vault_round", "audit_link"),
    *("checkpoint", "checkpoint_balance", "checkpoint_batch", "claim_quarter"),
    *("report_sale", "report_order", "report_hop", "report_dirty", "report_mark"),
}
"""What running processes write whatever happens: figures, rounds, the audit's chain, checkpoints, roll-ups."""


@dataclass
class Shop:
    """Builds rows by their names; every method returns ids."""

    sql: Sql
    policy: OrderPolicy = field(default_factory=OrderPolicy)
    keys: OrderKeys = KEYS
    _made: dict[str, int] = field(default_factory=dict)

    def a_party(self, code: str, kind: str = "merchant", fee_basis_points: int = 0) -> int:
        if code not in self._made:
            names = json.dumps({"zh-CN": code, "en": code})
            self._made[code] = self.sql(
                "INSERT INTO party (kind, code, names, is_default, fee_basis_points, created_at)"
                " VALUES (%s, %s, %s, %s, %s, now()) RETURNING id",
                [kind, code, names, code == "demo", fee_basis_points],
            )[0][0]
        return self._made[code]

    @property
    def platform(self) -> int:
        return self.a_party("platform", "platform")

    @property
    def merchant(self) -> int:
        _ = self.platform
        return self.a_party("demo", fee_basis_points=100)

    def a_sku(self, code: str = "A1", **columns: Any) -> int:
        if code not in self._made:
            names = json.dumps({"zh-CN": f"商品 {code}", "en": f"Goods {code}"})
            issuer = self.sql(
                "INSERT INTO issuer (code, names) VALUES (%s, %s) RETURNING id", [f"issuer-{code}", names]
            )[0][0]
            product = self.sql(
                "INSERT INTO product (owner_id, code, kind, category, names, created_at)"
                " VALUES (%s, %s, 'card_key', 'video', %s, now()) RETURNING id",
                [self.platform, f"product-{code}", names],
            )[0][0]
            values = {"product_id": product, "code": code, "names": "{}", "issuer_id": issuer, **columns}
            self._made[code] = self.sql(
                f"INSERT INTO sku ({', '.join(values)}, created_at)"
                f" VALUES ({', '.join(['%s'] * len(values))}, now()) RETURNING id",
                list(values.values()),
            )[0][0]
        return self._made[code]

    def a_listing(self, code: str = "A1", price: int = 1000, merchant: int | None = None, **columns: Any) -> int:
        owner = self.merchant if merchant is None else merchant
        name = f"listing {owner} {code}"
        if name not in self._made:
            values = {
                "merchant_id": owner,
                "sku_id": self.a_sku(code),
                "code": code,
                "price_minor": price,
                "currency": "CNY",
                **columns,
            }
            self._made[name] = self.sql(
                f"INSERT INTO listing ({', '.join(values)}, created_at)"
                f" VALUES ({', '.join(['%s'] * len(values))}, now()) RETURNING id",
                list(values.values()),
            )[0][0]
        return self._made[name]

    def a_batch(
        self,
        code: str = "A1",
        cards: int = 10,
        *,
        owner: int | None = None,
        terms: str = "own",
        supplier: int | None = None,
        unit_cost_micro: int = 0,
        expires_on: date | None = None,
        state: str = "selling",
    ) -> int:
        """A batch whose cards are rows without a seal: for rules of stock and orders; returns its number."""
        owner = self.merchant if owner is None else owner
        batch = new_id()
        no = self.sql(
            "INSERT INTO batch (id, owner_id, supplier_id, sku_id, terms, unit_cost_micro, state, source_name,"
            " card_count, expires_on, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 'test', %s, %s, now())"
            " RETURNING no",
            [batch, owner, supplier, self.a_sku(code), terms, unit_cost_micro, state, cards, expires_on],
        )[0][0]
        self.sql(
            "INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask, expires_on)"
            " SELECT gen_random_uuid(), %s, %s, %s, 'free', 'A9A9-****', %s FROM generate_series(1, %s)",
            [no, owner, self.a_sku(code), expires_on, cards],
        )
        return int(no)

    def an_offer(
        self, seller: int, buyer: int, *, price_micro: int, code: str = "A1", credit: int | None = 10**12
    ) -> int:
        """An offer, with a credit limit in minor units on the trade account of the two (None: they have no account)."""
        pair = {"actor": OPERATOR, "currency": "CNY", "now": NOON}
        if credit is not None:
            set_credit_limit(creditor_id=seller, debtor_id=buyer, limit_minor=credit, as_owner=self.sql, **pair)
        return make_offer(seller_id=seller, buyer_id=buyer, sku_id=self.a_sku(code), price_micro=price_micro, **pair)

    def a_shopper(self, *, merchant: int | None = None, paid_orders: int = 1) -> Talker:
        owner = self.merchant if merchant is None else merchant
        talker = Talker(new_id(), new_id(), new_id(), owner)
        self.sql(
            "INSERT INTO shopper (id, merchant_id, paid_orders, created_at) VALUES (%s, %s, %s, now())",
            [talker.shopper_id, owner, paid_orders],
        )
        self.sql(
            "INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)"
            " VALUES (%s, %s, %s, 'web', %s, now())",
            [talker.identity_id, talker.shopper_id, owner, str(talker.identity_id)],
        )
        self.sql(
            "INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, created_at)"
            " VALUES (%s, %s, %s, %s, %s, now())",
            [
                talker.conversation_id,
                owner,
                talker.shopper_id,
                talker.identity_id,
                f"web:{talker.identity_id}",
            ],
        )
        return talker

    def place(
        self,
        talker: Talker,
        listing: int,
        quantity: int = 1,
        *,
        submission: str | None = None,
        now: datetime = NOON,
        network: str | None = None,
        seen_version: int | None = None,
    ) -> PlacedOrder:
        """Place an order by the real use case."""
        return place_order(
            actor=talker.actor,
            conversation_id=talker.conversation_id,
            lines=[WantedLine(listing, quantity, seen_version)],
            submission_id=submission or str(new_id()),
            network=network or hashlib.sha256(talker.shopper_id.bytes).hexdigest()[:16],
            policy=self.policy,
            keys=self.keys,
            now=now,
        )

    def card_states(self, batch_no: int | None = None) -> dict[str, int]:
        """How many cards are in each state, of one batch or of all."""
        rows = self.sql(
            "SELECT state, count(*)::int FROM card WHERE batch_no = coalesce(%s, batch_no) GROUP BY state", [batch_no]
        )
        return dict(rows)

    def count(self, table: str) -> int:
        return int(self.sql(f"SELECT count(*) FROM {table}")[0][0])

    def fingerprint(self) -> str:
        """A hash over every table: two equal ones mean that nothing at all was changed."""
        tables = [
            row[0]
            for row in self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
            if row[0] not in WRITTEN_BY_THEMSELVES
        ]
        one = "(SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t)"
        parts = self.sql("SELECT " + ", ".join(map(one.format, tables)))[0]  # a round trip for all, not for each
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def broken(sql: Callable[..., list[tuple[Any, ...]]], questions: Mapping[str, str]) -> dict[str, int]:
    """The questions of `verify` that find something, asked in one statement."""
    counts = sql(f"SELECT {', '.join(f'({text})' for text in questions.values())}")[0]
    return {name: count for name, count in zip(questions, counts, strict=True) if count}


def later(minutes: int) -> datetime:
    """A time after NOON."""
    return NOON + timedelta(minutes=minutes)


def in_own_connection(work: Callable[[], Any]) -> Any:
    """Run in a thread of its own, giving its connection back."""
    with db.connection():
        return work()
