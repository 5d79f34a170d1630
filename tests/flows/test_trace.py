"""The chain of custody: from a secret or an order back to the file it came in, and forward to who has it."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from core import db
from core.config import Config
from core.errors import NotFound
from core.ids import Prefix, public
from core.reports.trace import CardHistory, trace_cards, trace_order
from core.secret import Secret
from ops.bench.order_path import OrderPath
from ops.commands.trace import of_card, of_order
from tests.support.walking import FILE_NAME, a_known_shopper, a_path, card

Sql = Callable[..., list[tuple[Any, ...]]]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def path(sql: Sql, store_db: db.StoreDatabase, config: Config) -> OrderPath:
    return a_path(sql, config, cards=20)


def test_an_order_leads_back_to_the_file_and_forward_to_the_shopper(path: OrderPath, sql: Sql) -> None:
    shopper = a_known_shopper(path, sql)
    path.walk(shopper.session, quantity=2)
    order_id = sql("SELECT id FROM shop_order")[0][0]

    traced = trace_order(order_id=order_id)

    assert (traced.state, traced.shopper_id, traced.channel) == ("closed", shopper.session.shopper_id, "web")
    assert [(payment.gateway, payment.state) for payment in traced.payments] == [("sandbox", "succeeded")]
    (line,) = traced.lines
    assert (line.code, line.quantity, line.delivery_state, line.attempts) == ("A1", 2, "delivered", 1)
    assert [opening.action for opening in line.openings] == ["cards.opened"]
    file = "\n".join(map(card, range(20))).encode()
    assert {(one.batch.file_name, one.batch.source_hash) for one in line.cards} == {
        (FILE_NAME, hashlib.sha256(file).hexdigest())
    }
    assert len({one.id for one in line.cards}) == 2


def test_a_secret_leads_to_its_card_and_the_order_that_has_it(path: OrderPath, sql: Sql) -> None:
    path.walk(a_known_shopper(path, sql).session)
    sold = sql("SELECT id FROM card WHERE state = 'delivered'")[0][0]
    found: dict[Any, CardHistory] = {}

    for number in range(20):
        (history,) = trace_cards(card_ids=path.vault.trace_secret(Secret(card(number))))
        found[history.card.id] = history

    assert len(found) == 20
    assert [history.card.id for history in found.values() if history.order] == [sold]
    order = found[sold].order
    assert order is not None
    assert order.lines[0].cards[0].id == sold


def test_hops_are_named_from_the_pool_down_to_the_merchant(path: OrderPath, sql: Sql) -> None:
    path.walk(a_known_shopper(path, sql).session)
    order_id, hold_id, line_id, sku_id, merchant = sql(
        "SELECT h.order_id, h.id, h.line_id, h.sku_id, l.merchant_id FROM hold h JOIN order_line l ON l.id = h.line_id"
    )[0]
    account = sql("SELECT id FROM account LIMIT 1")[0][0]
    brand, agent = (
        sql(
            "INSERT INTO party (kind, code, names, created_at) VALUES ('supplier', %s, '{}', now()) RETURNING id",
            [code],
        )[0][0]
        for code in ("brand1", "agent1")
    )
    for position, seller, buyer, price in ((10, brand, agent, 9_000_000), (11, agent, merchant, 10_500_000)):
        sql(
            "WITH f AS (INSERT INTO offer (seller_id, buyer_id, sku_id, price_micro, currency, valid_from)"
            " VALUES (%(seller)s, %(buyer)s, %(sku)s, %(price)s, 'CNY', '2026-01-01') RETURNING id)"
            " INSERT INTO line_share (hold_id, line_id, position, role, party_id, account_id, offer_id, amount_minor,"
            " reason) SELECT %(hold)s, %(line)s, %(position)s, 'upstream', %(seller)s, %(account)s, id, 900, 'offer'"
            " FROM f",
            {
                "seller": seller, "buyer": buyer, "sku": sku_id, "price": price, "hold": hold_id, "line": line_id,
                "position": position, "account": account,
            },
        )  # fmt: skip

    hops = trace_order(order_id=order_id).lines[0].hops

    assert [(hop.seller, hop.buyer, hop.price_micro) for hop in hops] == [
        ("brand1", "agent1", 9_000_000),
        ("agent1", "demo", 10_500_000),
    ]


def test_what_is_printed_names_ids_and_times_and_no_secret(path: OrderPath, sql: Sql) -> None:
    path.walk(a_known_shopper(path, sql).session, quantity=2)
    order_id = sql("SELECT id FROM shop_order")[0][0]
    sold, *_ = sql("SELECT id FROM card WHERE state = 'delivered'")[0]

    printed = "\n".join(
        [
            *of_order(trace_order(order_id=order_id), SHANGHAI),
            *(line for one in trace_cards(card_ids=[sold]) for line in of_card(one, SHANGHAI)),
        ]
    )

    assert public(Prefix.ORDER, order_id) in printed
    assert public(Prefix.CARD, sold) in printed
    assert FILE_NAME in printed
    assert not any(card(number) in printed for number in range(20))


def test_an_unsold_card_has_a_file_and_no_order(path: OrderPath, sql: Sql) -> None:
    free = sql("SELECT id FROM card WHERE state = 'free' LIMIT 1")[0][0]

    (history,) = trace_cards(card_ids=[free])

    assert (history.card.state, history.card.batch.file_name, history.order) == ("free", FILE_NAME, None)


def test_what_is_not_there_is_not_found(path: OrderPath) -> None:
    assert path.vault.trace_secret(Secret("CARD-99999-99999")) == []
    with pytest.raises(NotFound):
        trace_order(order_id=uuid4())
    with pytest.raises(NotFound):
        trace_cards(card_ids=[])
