"""The whole order path in one process: real imports, real notices, the vault's desk beside the store."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import db
from core.clock import DatabaseClock
from core.config import Config
from core.conversations.service import Session, open_session, session_by_token
from core.orders.service import OrderKeys
from core.stock.marks import move_marks
from core.vault.client import ImportOrder
from core.vault.notices import sandbox_public_key
from core.vault.uploads import upload_file
from ops.bench.order_path import DeskInProcess, OrderPath
from tests.builders import Shop

Sql = Callable[..., list[tuple[Any, ...]]]
OPAQUE_ID = "sandbox-of-demo-0001"
FILE_NAME = "cards.txt"


@dataclass(frozen=True)
class KnownShopper:
    """A shopper with a paid order, a chat session, and the token that opens what is sealed to it."""

    session: Session
    token: str


def a_path(sql: Sql, config: Config, *, cards: int) -> OrderPath:
    """A shop with imported cards `CARD-00000-…`; the store gets connected with the rights of all its processes."""
    act_key = config.secret(config.secrets.act_key).reveal()
    sql(
        "UPDATE installation SET sandbox_public_key = %s, opening_budget_per_hour = 5000", [sandbox_public_key(act_key)]
    )
    db.connect(config.database.url, size=8)
    clock = DatabaseClock(db.database_now)
    keys = OrderKeys(seal=config.secret(config.secrets.seal_key), session=config.secret(config.secrets.session_key))
    shop = Shop(sql, keys=keys)
    listing = shop.a_listing(price=1500)
    sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        " VALUES (%s, 'sandbox', %s, 'CNY', '{}', now())",
        [OPAQUE_ID, shop.merchant],
    )
    vault = DeskInProcess(config, clock)
    upload = upload_file(
        file=io.BytesIO("\n".join(map(card, range(cards))).encode()),
        name=FILE_NAME,
        owner_id=shop.merchant,
        vault_public=config.secret(config.vault.public_key).reveal(),
        now=clock.now(),
    )
    assert vault.import_upload(ImportOrder(upload=upload, sku="A1")).added == cards
    move_marks(now=clock.now(), zone="Asia/Shanghai")
    return OrderPath(config, clock, shop.policy, keys, listing, OPAQUE_ID, vault)


def card(number: int) -> str:
    """The secret of one imported card."""
    return f"CARD-{number:05}-{number * 7919 % 100000:05}"


def a_known_shopper(path: OrderPath, sql: Sql) -> KnownShopper:
    """A new shopper of the shop."""
    merchant, now = sql("SELECT id FROM party WHERE code = 'demo'")[0][0], path.clock.now()
    new = open_session(seal_key=path.keys.seal, merchant_id=merchant, network="network", locale="zh-CN", now=now)
    sql("UPDATE shopper SET paid_orders = 1 WHERE paid_orders = 0")
    return KnownShopper(session_by_token(token=new.token, now=now), new.token)
