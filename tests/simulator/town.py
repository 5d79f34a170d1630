"""The town in which every run begins: parties, chains of offers, goods, sealed cards, shoppers; furnished once.

A run gets a copy of this database, so that two hundred runs import their first cards once.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg

from core.actor import OPERATOR
from core.catalog.fields import BuyerField, FieldFormat, set_fields
from core.catalog.rules import Category, ProductKind
from core.catalog.service import create_issuer, create_listing, create_product, create_sku
from core.clock import FixedClock
from core.config import Config, DatabaseRoles
from core.connections.service import create_gateway_account
from core.conversations.service import Session, open_session, session_by_token
from core.money import Money
from core.parties.service import PartyKind, Role, create_party, create_staff
from core.secret import Secret
from core.supply.service import make_offer
from core.supply.trade import set_credit_limit
from core.vault.client import ImportOrder
from core.vault.uploads import upload_file
from ops.owner import owners_hand
from tests.simulator.processes import Process, Processes
from tests.simulator.vault import VaultHere

OPENS = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NAMES = {"zh-CN": "模拟", "en": "Simulated"}
ROGUE = "m3"
"""A merchant who signs that its shoppers paid, and they did not (fault 107)."""
SHOPPERS = (("m1", 1), ("m1", 1), ("m1", 0), ("m1", 0), ("m2", 1), ("m2", 1), (ROGUE, 1), (ROGUE, 1))
"""Merchant, and how many orders the shopper paid before: without one it is a stranger."""

CHAINS = (
    ("brand", "dist", 7_000_000),
    ("dist", "m1", 8_500_000),
    ("dist", "m2", 9_000_000),
    ("dist", ROGUE, 9_000_000),
)
CREDIT = {("brand", "dist"): 100_000, ("dist", "m1"): 100_000, ("dist", "m2"): 3_000, ("dist", ROGUE): 6_000}
"""Limits in minor units; the last two are soon reached."""
BUDGET = 5
"""So many cards of one SKU the vault opens for a merchant in an hour; after that a person looks at what waits."""

LISTINGS = (("m1", "A", 1000), ("m1", "B", 1200), ("m1", "C", 1000), ("m1", "F", 0), ("m1", "T", 1500),
            ("m2", "B", 1300), (ROGUE, "B", 1300))  # fmt: skip


@dataclass(frozen=True)
class File:
    """Whose cards of which SKU a file brings, on which terms, at which cost of a card (10⁻⁶)."""

    sku: str
    owner: str | None
    supplier: str | None = None
    terms: str | None = None
    cost: int = 0

    @property
    def pool(self) -> str:
        """Whose pool the cards go to."""
        return str(self.supplier if self.terms == "consigned" else self.owner)

    def order(self, upload: UUID) -> ImportOrder:
        """The import of an upload."""
        return ImportOrder(
            upload=upload,
            sku=self.sku,
            merchant=self.owner,
            supplier=self.supplier,
            terms=self.terms,
            unit_cost_micro=self.cost,
        )


OWN, CONSIGNED, OWNED = (
    File("A", "m1"),
    File("B", None, "brand", "consigned"),
    File("C", "m1", "brand", "owned", 12345678),
)
FREE = File("F", "m1")
BY_HAND = File("T", "m1")
FILES = ((OWN, 5), (OWN, 4), (CONSIGNED, 20), (OWNED, 4), (FREE, 3), (BY_HAND, 5))
"""What is there in the beginning; C is sold below its cost, and T is topped up by a person: its cards are receipts."""

STAFF = ("li@m1.example", "wang@m1.example")
"""Who tops up."""
FIELDS = (
    BuyerField("account", NAMES, FieldFormat.DIGITS, is_secret=False),
    BuyerField("password", NAMES, FieldFormat.TEXT, is_secret=True),
)


@dataclass(frozen=True)
class Shopper:
    """Who buys: the session and the token that opens what is sealed to it."""

    session: Session
    token: str


@dataclass(frozen=True)
class Account:
    """A gateway account and its opaque id."""

    id: int
    opaque_id: str
    merchant: str


@dataclass
class Town:
    """What a run starts from. `cards` are the secrets of each SKU that a file ever had."""

    config: Config
    parties: dict[str, int] = field(default_factory=dict)
    skus: dict[str, int] = field(default_factory=dict)
    listings: list[tuple[str, str, int, int]] = field(default_factory=list)  # merchant, SKU, listing, price
    accounts: list[Account] = field(default_factory=list)
    shoppers: list[Shopper] = field(default_factory=list)
    cards: dict[str, set[str]] = field(default_factory=dict)

    def accounts_of(self, merchant: str) -> list[Account]:
        """The gateway accounts of a merchant."""
        return [account for account in self.accounts if account.merchant == merchant]


def config_of(config: Config, urls: dict[str, str], folder: Path) -> Config:
    """The settings of a store on one database."""
    roles = DatabaseRoles(**{name: urls[name] for name in vars(DatabaseRoles())})
    return dataclasses.replace(
        config,
        store=dataclasses.replace(config.store, data_dir=folder),
        database=dataclasses.replace(config.database, url=urls["owner"], roles=roles),
    )


def furnish(config: Config, urls: dict[str, str]) -> Town:
    """Fill a fresh database by the real use cases, and say what is in it."""
    with psycopg.connect(urls["superuser"]) as superuser:
        superuser.execute("UPDATE installation SET opening_budget_per_hour = %s", [BUDGET])
    town, clock, processes = Town(config), FixedClock(OPENS), Processes(urls)
    with processes.installed():
        with processes.at_work(Process.WEB):
            _parties(town)
            _people(town)
            _goods(town)
            town.shoppers += [_shopper(town, merchant, number) for number, (merchant, _) in enumerate(SHOPPERS)]
        vault, public = VaultHere(config, processes, clock), config.secret(config.vault.public_key).reveal()
        for file, count in FILES:
            known = town.cards.setdefault(file.sku, set())
            secrets = [f"{file.sku}{len(known) + number:04}-FIRST-{file.sku * 8}" for number in range(count)]
            known.update(secrets)
            with processes.at_work(Process.WEB):
                upload = sealed_file(town, secrets, public=public, pool=file.pool, now=OPENS)
            vault.import_upload(file.order(upload))
    with psycopg.connect(urls["owner"]) as owner_connection:
        for shopper, (_, paid_orders) in zip(town.shoppers, SHOPPERS, strict=True):
            owner_connection.execute(
                "UPDATE shopper SET paid_orders = %s WHERE id = %s", [paid_orders, shopper.session.shopper_id]
            )
    return town


def sealed_file(town: Town, secrets: Sequence[str], *, public: bytes, pool: str, now: datetime) -> UUID:
    """Seal a file of cards to the vault's public key, as the command line does; the upload's id."""
    return upload_file(
        file=io.BytesIO("\n".join(secrets).encode()),
        name="cards.txt",
        owner_id=town.parties[pool],
        vault_public=public,
        now=now,
    )


def _parties(town: Town) -> None:
    kinds = {"platform": PartyKind.PLATFORM, "m1": PartyKind.MERCHANT, "m2": PartyKind.MERCHANT,
             ROGUE: PartyKind.MERCHANT, "brand": PartyKind.SUPPLIER, "dist": PartyKind.SUPPLIER}  # fmt: skip
    for code, kind in kinds.items():
        fee = {"m1": 100, "m2": 333}.get(code, 0)
        town.parties[code] = create_party(
            actor=OPERATOR, kind=kind, code=code, names=NAMES, is_default=code == "m1", fee_basis_points=fee, now=OPENS
        )
    for merchant in ("m1", "m1", "m2", ROGUE):
        account = create_gateway_account(
            actor=OPERATOR,
            merchant_id=town.parties[merchant],
            gateway="sandbox",
            currency="CNY",
            names=NAMES,
            now=OPENS,
        )
        town.accounts.append(Account(account.id, account.opaque_id, merchant))
    for (creditor, debtor), limit in CREDIT.items():
        set_credit_limit(
            actor=OPERATOR,
            creditor_id=town.parties[creditor],
            debtor_id=town.parties[debtor],
            currency="CNY",
            limit_minor=limit,
            as_owner=owners_hand(town.config),
            now=OPENS,
        )


def _people(town: Town) -> None:
    for email in STAFF:
        create_staff(
            actor=OPERATOR,
            party_id=town.parties["m1"],
            email=email,
            name="Simulated",
            password=Secret("x" * 16),
            roles=frozenset({Role.SUPPORT}),
            now=OPENS,
        )


def _goods(town: Town) -> None:
    issuer = create_issuer(actor=OPERATOR, code="issuer", names=NAMES, now=OPENS)
    for kind, codes in ((ProductKind.CARD_KEY, "ABCF"), (ProductKind.MANUAL_TOP_UP, "T")):
        product = create_product(
            actor=OPERATOR,
            owner_id=town.parties["platform"],
            code=f"product-{codes.lower()}",
            kind=kind,
            category=next(iter(Category)),
            names=NAMES,
            now=OPENS,
        )
        for code in codes:
            town.skus[code] = create_sku(
                actor=OPERATOR, product_id=product, code=code, names=NAMES, issuer_id=issuer, now=OPENS
            )
    set_fields(actor=OPERATOR, sku_id=town.skus["T"], fields=FIELDS, now=OPENS)
    for merchant, sku, price in LISTINGS:
        listing = create_listing(
            actor=OPERATOR,
            merchant_id=town.parties[merchant],
            sku_id=town.skus[sku],
            code=sku,
            price=Money(price, "CNY"),
            now=OPENS,
        )
        town.listings.append((merchant, sku, listing, price))
    for seller, buyer, price_micro in CHAINS:
        offer(town, seller, buyer, price_micro, OPENS)


def offer(town: Town, seller: str, buyer: str, price_micro: int, now: datetime) -> None:
    """One party offers SKU B to the next at a price."""
    make_offer(
        actor=OPERATOR,
        seller_id=town.parties[seller],
        buyer_id=town.parties[buyer],
        sku_id=town.skus["B"],
        price_micro=price_micro,
        currency="CNY",
        now=now,
    )


def _shopper(town: Town, merchant: str, number: int) -> Shopper:
    token = open_session(
        seal_key=town.config.secret(town.config.secrets.seal_key),
        merchant_id=town.parties[merchant],
        network=f"network-{number}",
        locale="zh-CN",
        now=OPENS,
    ).token
    return Shopper(session_by_token(token=token, now=OPENS), token)
