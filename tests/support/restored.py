"""A store that was backed up, sold on, and lost its database: what tests of a restore begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from core import db
from core.config import Config
from core.vault.client import VaultRefused
from core.vault.epoch_requests import EpochRequests, Released
from ops.backups import keys
from ops.backups.making import make
from ops.backups.restoring import restore
from tests.support.sales import Counter, Sale


@dataclass
class Night:
    """A store that was backed up, sold on, and lost its database."""

    counter: Counter
    backup: Path
    given: dict[str, list[str]]  # what each shopper has, by sale
    waiting: Sale  # paid before the backup, delivered after it
    held: Sale  # placed before the backup, paid and delivered after it
    later: Sale  # placed and delivered after the backup
    new: Sale  # of cards that were imported after the backup

    @property
    def config(self) -> Config:
        return self.counter.vault.config

    @property
    def requests(self) -> EpochRequests:
        return EpochRequests(self.counter.vault.client)

    def restore(self) -> None:
        bring_back(self.config, self.backup)
        self.counter.vault.restart()


def bring_back(config: Config, file: Path) -> None:
    db.disconnect()
    try:
        restore(config, file, private=keys.private_key(config, None), replace=name_of(config))
    finally:
        db.connect(config.database.roles.shop, size=24)


def name_of(config: Config) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(config.database.url)["dbname"])


def secrets(counter: Counter, sale: Sale) -> list[str]:
    return sorted(card["secret"] for card in counter.open(sale))


def pay(counter: Counter, sale: Sale) -> None:
    """What `Counter.sell` does in one go, for an order that was placed before."""
    sql = counter.shop.sql
    sql("UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now() WHERE id = %s", [sale.order])
    sql("UPDATE card SET state = 'claimed' WHERE line_id = %s", [sale.line])
    sale.delivery = sql(
        "INSERT INTO delivery (line_id, order_id, state, created_at) VALUES (%s, %s, 'sending', now()) RETURNING id",
        [sale.line, sale.order],
    )[0][0]
    sale.payment = counter.pay(sale.talker, sale.order, sale.total)


def placed(counter: Counter) -> Sale:
    talker = counter.shop.a_shopper()
    order = counter.shop.place(talker, counter.listing, 1)
    db.close()
    line = counter.shop.sql("SELECT id FROM order_line WHERE order_id = %s", [order.order_id])[0][0]
    session, token = counter.a_session(talker)
    nobody = UUID(int=0)
    return Sale(talker, order.order_id, line, nobody, nobody, session, token, order.total.minor)


def a_night(counter: Counter) -> Night:
    before, waiting, held = counter.sell(2), counter.sell(2), placed(counter)
    given = {"before": secrets(counter, before)}
    backup = make(counter.vault.config, counter.vault.config.data_dir / "backups").file
    given["waiting"] = secrets(counter, waiting)
    pay(counter, held)
    given["held"] = secrets(counter, held)
    later = counter.sell(3)
    given["later"] = secrets(counter, later)
    counter.vault.import_bytes(b"FRESH-1\nFRESH-2", "fresh.txt", owner=counter.shop.merchant, sku="A1")
    counter.shop.sql("UPDATE batch SET state = 'locked' WHERE card_count = 40")
    new = counter.sell(1)
    counter.shop.sql("UPDATE batch SET state = 'selling' WHERE card_count = 40")
    given["new"] = secrets(counter, new)
    return Night(counter, backup, given, waiting, held, later, new)


def compare(night: Night) -> None:
    for gateway in night.requests.status().gateways:  # type: ignore[union-attr]
        night.requests.compared(gateway.account)


def release(night: Night) -> Released:
    """Say that the log is the newest one, and sell again."""
    return night.requests.release(log_until=night.requests.status().log_ends)  # type: ignore[union-attr]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(VaultRefused) as no:
        act()
    return str(no.value)
