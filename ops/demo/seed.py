"""Fills a demo database once: parties, goods, offers along the chain, play money, and cards from real files.

Parties and goods are written in one transaction, each file by the vault; a start after a crash goes on where it ended.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from uuid import UUID

from core import db
from core.actor import OPERATOR
from core.catalog.fields import set_fields
from core.catalog.service import (
    Category,
    ProductKind,
    create_issuer,
    create_listing,
    create_product,
    create_sku,
    find_sku,
)
from core.config import Config, ConfigError
from core.connections.service import create_gateway_account
from core.members.plans import create_plan, set_period
from core.money import Money
from core.parties.service import PartyKind, create_party, find_party
from core.supply.service import make_offer
from core.supply.trade import OwnersHand, set_credit_limit, trade_accounts
from core.vault.client import ImportOrder, VaultClient
from core.vault.uploads import upload_file
from ops.demo.goods import (
    CHAIN,
    CREDIT_LIMIT_MINOR,
    FILES,
    LISTINGS_OF_OTHERS,
    PARTIES,
    PRODUCTS,
    DemoFile,
    DemoProduct,
    DemoSku,
)
from ops.demo.plans import PLANS, DemoPlan
from ops.owner import owners_hand
from ops.processes.vault_wiring import operators_vault

FOLDER = Path(__file__).parent / "files"
SANDBOX_NAMES = {"zh-CN": "沙箱支付（模拟）", "en": "Sandbox (play money)"}
HAS_PARTIES = "SELECT 1 FROM party LIMIT 1"
IS_DEMO = "SELECT kind = 'demo' FROM installation"
HAS_BATCH = """
SELECT 1 FROM batch b JOIN sku s ON s.id = b.sku_id
WHERE s.code = %s AND b.source_name = %s AND b.state <> 'abandoned' LIMIT 1
"""


def seed(config: Config) -> None:
    """Fill the database of `config` (role shop, vault running) unless it is filled already.

    Raises ConfigError for a database that was not marked as a demo.
    """
    db.connect(config.database.roles.shop, size=2)
    try:
        if db.execute(IS_DEMO) != [(True,)]:
            raise ConfigError("demo goods go into a demo database only: `python run.py demo` makes one")
        write_goods(currency=config.store.currency, now=db.database_now())
        import_files(vault=operators_vault(config), vault_public=config.secret(config.vault.public_key).reveal())
    finally:
        db.disconnect()


def lend(config: Config) -> None:
    """Let the parties of a filled demo owe each other; by who started the store, since only he has the owner's hand."""
    db.connect(config.database.roles.shop, size=1)
    try:
        write_limits(currency=config.store.currency, as_owner=owners_hand(config), now=db.database_now())
    finally:
        db.disconnect()


def write_goods(*, currency: str, now: datetime) -> bool:
    """Parties, goods, offers and the sandbox account in one transaction; False when there are parties already."""
    with db.atomic():
        if db.execute(HAS_PARTIES):
            return False
        parties = {
            party.code: create_party(
                actor=OPERATOR,
                kind=PartyKind(party.kind),
                code=party.code,
                names=party.names,
                is_default=party.is_default,
                fee_basis_points=party.fee_basis_points,
                now=now,
            )
            for party in PARTIES
        }
        for place, product in enumerate(PRODUCTS):
            _write_product(product, place, parties, currency, now)
        for place, other in enumerate(LISTINGS_OF_OTHERS):
            price = Money(other.price_minor, currency)
            _write_listing(parties[other.merchant], other.sku, find_sku(code=other.sku), price, place, now)
        for plan in PLANS:
            _write_plan(plan, parties[plan.merchant], currency, now)
        _write_accounts(parties, currency, now)
    return True


def import_files(*, vault: VaultClient, vault_public: bytes) -> None:
    """Import each file that has no batch yet. Raises VaultAway, VaultRefused."""
    for file in FILES:
        if db.execute(HAS_BATCH, (file.sku, file.name)):
            continue
        upload = _uploaded(file, vault_public)
        vault.import_upload(
            ImportOrder(
                upload=upload,
                sku=file.sku,
                merchant=file.merchant,
                supplier=file.supplier,
                terms=file.terms,
                unit_cost_micro=file.unit_cost_micro,
            )
        )


def _uploaded(file: DemoFile, vault_public: bytes) -> UUID:
    owner = find_party(code=file.supplier or file.merchant or CHAIN[-1]).id
    with (FOLDER / file.name).open("rb") as stream:
        return upload_file(
            file=stream, name=file.name, owner_id=owner, vault_public=vault_public, now=db.database_now()
        )


def _write_product(product: DemoProduct, place: int, parties: dict[str, int], currency: str, now: datetime) -> None:
    issuer = create_issuer(actor=OPERATOR, code=product.issuer, names=product.issuer_names, now=now)
    product_id = create_product(
        actor=OPERATOR,
        owner_id=parties["platform"],
        code=product.code,
        kind=product.kind,
        category=product.category,
        names=product.names,
        texts={"summary": product.summary, "redeem": product.redeem, "refund": product.refund},
        aliases=product.aliases,
        position=place,
        now=now,
    )
    for sku in product.skus:
        sku_id = create_sku(
            actor=OPERATOR,
            product_id=product_id,
            code=sku.code,
            names=sku.names,
            axes=sku.axes,
            issuer_id=issuer,
            trim=sku.trim,
            case_sensitive=sku.case_sensitive,
            now=now,
        )
        if sku.fields:
            set_fields(actor=OPERATOR, sku_id=sku_id, fields=sku.fields, now=now)
        _write_listing(parties[CHAIN[-1]], sku.code, sku_id, Money(sku.price_minor, currency), place, now)
        _write_offers(sku, sku_id, parties, currency, now)


def _write_plan(plan: DemoPlan, merchant_id: int, currency: str, now: datetime) -> None:
    product_id = create_product(
        actor=OPERATOR,
        owner_id=merchant_id,
        code=plan.code,
        kind=ProductKind.PLAN,
        category=Category.LIFE,
        names=plan.names,
        texts={"summary": plan.summary, "redeem": plan.redeem, "refund": plan.refund},
        position=len(PRODUCTS),
        now=now,
    )
    issuer = create_issuer(actor=OPERATOR, code=plan.code, names=plan.names, now=now)
    sku_id = create_sku(
        actor=OPERATOR, product_id=product_id, code=plan.sku, names=plan.sku_names, issuer_id=issuer, now=now
    )
    plan_id = create_plan(actor=OPERATOR, merchant_id=merchant_id, code=plan.code, names=plan.names, now=now)
    set_period(actor=OPERATOR, sku_id=sku_id, plan_id=plan_id, count=plan.count, unit=plan.unit, now=now)
    _write_listing(merchant_id, plan.sku, sku_id, Money(plan.price_minor, currency), len(PRODUCTS), now)


def _write_listing(merchant_id: int, code: str, sku_id: int, price: Money, place: int, now: datetime) -> None:
    create_listing(
        actor=OPERATOR, merchant_id=merchant_id, sku_id=sku_id, code=code, price=price, position=place, now=now
    )


def _write_accounts(parties: dict[str, int], currency: str, now: datetime) -> None:
    for merchant in (party.code for party in PARTIES if party.kind == PartyKind.MERCHANT):
        create_gateway_account(
            actor=OPERATOR,
            merchant_id=parties[merchant],
            gateway="sandbox",
            currency=currency,
            names=SANDBOX_NAMES,
            now=now,
        )


def write_limits(*, currency: str, as_owner: OwnersHand, now: datetime) -> None:
    """What the parties of the chain may owe each other, unless somebody has trade accounts already."""
    if trade_accounts(actor=OPERATOR):
        return
    ids = dict(db.execute("SELECT code, id FROM party"))
    for seller, buyer in itertools.pairwise(CHAIN):
        set_credit_limit(
            actor=OPERATOR,
            creditor_id=ids[seller],
            debtor_id=ids[buyer],
            currency=currency,
            limit_minor=CREDIT_LIMIT_MINOR,
            as_owner=as_owner,
            now=now,
        )


def _write_offers(sku: DemoSku, sku_id: int, parties: dict[str, int], currency: str, now: datetime) -> None:
    for (seller, buyer), cost in zip(itertools.pairwise(CHAIN), sku.hop_costs_micro, strict=True):
        make_offer(
            actor=OPERATOR,
            seller_id=parties[seller],
            buyer_id=parties[buyer],
            sku_id=sku_id,
            price_micro=cost,
            currency=currency,
            now=now,
        )
