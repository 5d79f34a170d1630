"""A store of one's own for race and bench: real engines and processes in a temporary folder, removed at the end."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg

from core import db
from core.actor import OPERATOR
from core.catalog.rules import Category, ProductKind
from core.catalog.service import create_issuer, create_listing, create_product, create_sku
from core.clock import Clock
from core.config import Config, ConfigError, Database, Pay, PaySandbox, Redis, Secrets, Vault, Web
from core.connections.service import create_gateway_account
from core.conversations.service import Session, open_session, session_by_token
from core.money import Money
from core.orders.service import OrderKeys, OrderPolicy
from core.parties.service import PartyKind, create_party
from ops import wiring
from ops.commands.import_ import imported
from ops.installation import Kind
from ops.processes import vault_wiring
from ops.processes.supervisor import StopSignals
from ops.store import Running, running

NAMES = {"zh-CN": "试验", "en": "Trial"}
PRICE = Money(1500, "CNY")
OWN_STOCK = {"sku": "A1", "supplier": None, "terms": None, "unit_cost_micro": 0, "column": None, "merchant": None}
_LEAST_BUDGET = 1000


@dataclass(frozen=True)
class Buyer:
    """A shopper's session and the bearer token that alone opens what is sealed to it."""

    session: Session
    token: str


@dataclass(frozen=True)
class Trial:
    """The store under trial: `core.db` is connected to it as `shop`. `cards` are the lines of the imported file."""

    running: Running
    clock: Clock
    policy: OrderPolicy
    keys: OrderKeys
    merchant_id: int
    listing_id: int
    opaque_id: str
    cards: frozenset[str]

    @property
    def config(self) -> Config:
        """The settings with every address filled in."""
        return self.running.config

    def buyers(self, count: int, *, strangers: bool = False) -> list[Buyer]:
        """New shoppers with one paid order each (none, for strangers) and network marks of their own."""
        now = self.clock.now()
        tokens = [self._session(f"network-{number}", now) for number in range(count)]
        if not strangers:
            with psycopg.connect(self.config.database.url) as owner:
                owner.execute("UPDATE shopper SET paid_orders = 1 WHERE paid_orders = 0")
        return [Buyer(session_by_token(token=token, now=now), token) for token in tokens]

    def _session(self, network: str, now: datetime) -> str:
        return open_session(
            seal_key=self.keys.seal, merchant_id=self.merchant_id, network=network, locale="zh-CN", now=now
        ).token


@contextlib.contextmanager
def trial(
    config: Config, *, cards: int, names: Sequence[str] = ("vault", "worker", "web"), connections: int = 20
) -> Iterator[Trial]:
    """A fresh store with one merchant, one listing and `cards` imported cards; everything ends with the block.

    Of `config` only [orders] and [store] count: addresses, keys and the opening budget are the trial's own, in a
    database marked `test`. Must be entered in the main thread. Raises ConfigError, KeyboardInterrupt.
    """
    with StopSignals():  # SIGTERM too is a KeyboardInterrupt here, so that nothing stays behind
        folder = Path(tempfile.mkdtemp(prefix="keystall-trial-"))
        try:
            own = of_its_own(config, folder, cards=cards)
            with running(own, Kind.TEST, names=names, durable=True) as store:
                db.connect(store.config.database.roles.shop, size=connections)
                try:
                    yield _furnished(store, cards, connections)
                finally:
                    db.disconnect()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def of_its_own(config: Config, folder: Path, *, cards: int) -> Config:
    """The settings of a store in `folder` that shares nothing with the one of `config`."""
    return Config(
        store=replace(config.store, data_dir=folder),
        database=Database(),
        redis=Redis(),
        web=Web(port=free_port(), ops_port=free_port()),
        vault=Vault(opening_budget_per_hour=max(2 * cards, _LEAST_BUDGET)),
        secrets=Secrets(),
        orders=config.orders,
        pay=Pay(sandbox=PaySandbox(enabled=True)),
    )


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _furnished(store: Running, cards: int, connections: int) -> Trial:
    clock = vault_wiring.clock()
    merchant_id, listing_id, opaque_id = _shop(clock.now())
    lines = [secrets.token_hex(12).upper() for _ in range(cards)]
    file = store.config.data_dir / "cards.txt"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    report, _ = imported(store.config, file, OWN_STOCK, is_running=True)
    file.unlink()
    if report.added != cards:
        raise ConfigError(f"of {cards} cards only {report.added} were imported: see {store.config.data_dir / 'log'}")
    db.connect(store.config.database.roles.shop, size=connections)  # the import gave its own back
    return Trial(
        running=store,
        clock=clock,
        policy=wiring.order_policy(store.config),
        keys=wiring.order_keys(store.config),
        merchant_id=merchant_id,
        listing_id=listing_id,
        opaque_id=opaque_id,
        cards=frozenset(lines),
    )


def _shop(now: datetime) -> tuple[int, int, str]:
    """Platform, merchant, its sandbox account, one product; returns merchant, listing, opaque id."""
    platform = create_party(actor=OPERATOR, kind=PartyKind.PLATFORM, code="platform", names=NAMES, now=now)
    merchant = create_party(
        actor=OPERATOR,
        kind=PartyKind.MERCHANT,
        code="trial",
        names=NAMES,
        is_default=True,
        fee_basis_points=100,
        now=now,
    )
    account = create_gateway_account(
        actor=OPERATOR, merchant_id=merchant, gateway="sandbox", currency="CNY", names=NAMES, now=now
    )
    issuer = create_issuer(actor=OPERATOR, code="trial", names=NAMES, now=now)
    product = create_product(
        actor=OPERATOR,
        owner_id=platform,
        code="trial",
        kind=ProductKind.CARD_KEY,
        category=next(iter(Category)),
        names=NAMES,
        now=now,
    )
    sku = create_sku(actor=OPERATOR, product_id=product, code="A1", names=NAMES, issuer_id=issuer, now=now)
    listing = create_listing(actor=OPERATOR, merchant_id=merchant, sku_id=sku, code="A1", price=PRICE, now=now)
    return merchant, listing, account.opaque_id
