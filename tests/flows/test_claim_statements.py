"""What changed a claim: figures of closed periods and the open one, always what its transfers say."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from core import db
from core.actor import OPERATOR, Actor, ActorKind
from core.errors import NotFound
from core.ids import new_id
from core.ledger import rules as books
from core.ledger.rules import AccountKind, TransferCode
from core.ledger.service import NewTransfer, open_account, post
from core.settlement.claims import Claim
from core.settlement.service import claim_views
from core.settlement.statement import LINES, statement_of
from ops.migrate import MIGRATIONS
from tests.builders import NOON, Shop, Sql
from tests.support.books import Books, world
from tests.support.trade import CHAIN, a_chain

ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")]
BEGAN = datetime(2026, 3, 6, tzinfo=UTC)  # New York's clocks go forward on the 8th
DAYS = 45  # Lord Howe's go back by half an hour on 5 April
SLOWLY = """
SELECT (t.at AT TIME ZONE %(zone)s)::date, t.code, count(*)::bigint,
       coalesce(sum(t.amount) FILTER (WHERE k.id IS NOT NULL), 0)::bigint,
       coalesce(sum(t.amount) FILTER (WHERE d.id IS NOT NULL), 0)::bigint
FROM transfer t
LEFT JOIN account k ON k.id = t.credit_id AND (k.holder, k.counterparty, k.currency) = (%(holder)s, %(debtor)s, 'CNY')
LEFT JOIN account d ON d.id = t.debit_id AND (d.holder, d.counterparty, d.currency) = (%(holder)s, %(debtor)s, 'CNY')
WHERE (k.id IS NULL) <> (d.id IS NULL)
GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""
"""The same from nothing but transfers, over all days."""


class Claims:
    """Two claims on one debtor, and one of the debtor on itself; money goes in, within, between and out."""

    def __init__(self, shop: Shop) -> None:
        self.owner, self.other = shop.a_party("own", "supplier"), shop.a_party("other", "supplier")
        self.debtor = shop.merchant
        shop.an_offer(self.owner, self.debtor, price_micro=1, credit=None)
        self.finance = finance(shop, "own")
        self.accounts = {
            (holder, kind): open_account(
                kind=kind, holder=books.party(holder), counterparty=books.party(self.debtor), currency="CNY"
            )
            for holder in (self.owner, self.other, self.debtor)
            for kind in (AccountKind.PENDING, AccountKind.AVAILABLE, AccountKind.OWED)
        }
        self.world = world()

    def moves(self, seed: int, count: int) -> None:
        """So many transfers at any time of the days, in any order; nothing is drawn below nothing."""
        draw, owned = random.Random(seed), list(self.accounts.values())
        pending = [self.accounts[holder, AccountKind.PENDING] for holder in (self.owner, self.other)]
        for _ in range(count):
            at = BEGAN + timedelta(seconds=draw.randrange(DAYS * 86400))
            debit, credit = draw.choice(
                [
                    (self.world, pending[0]),
                    (pending[0], self.world),
                    tuple(draw.sample(pending, 2)),
                    (pending[0], draw.choice([one for one in owned if one != pending[0]])),
                ]
            )
            code = draw.choice([TransferCode.SALE, TransferCode.REFUND, TransferCode.RELEASE])
            post(transfers=[NewTransfer(debit, credit, draw.randrange(1, 900), "CNY", code, new_id())], now=at)


@pytest.fixture
def claims(shop: Shop) -> Claims:
    return Claims(shop)


@pytest.fixture
def sealed(shop: Shop, urls: dict[str, str], tmp_path: Path) -> Books:
    return Books(urls, tmp_path / "vault")


def fast(claims: Claims, zone: ZoneInfo, first: date, last: date) -> list[tuple[object, ...]]:
    lines = statement_of(
        actor=claims.finance, party_id=claims.owner, debtor_code="demo", currency="CNY",
        first=first, last=last, zone=zone,
    )  # fmt: skip
    return [(one.day, one.code, one.count, one.came, one.went) for one in lines]


def slow(claims: Claims, zone: ZoneInfo, first: date, last: date) -> list[tuple[object, ...]]:
    asked = {"zone": zone.key, "holder": books.party(claims.owner), "debtor": books.party(claims.debtor)}
    return [tuple(row) for row in db.execute(SLOWLY, asked) if first <= row[0] <= last]


def test_figures_and_the_open_period_say_what_all_transfers_say(claims: Claims, sealed: Books) -> None:
    """At every mark, for days of zones at whole, half and quarter hours, whose clocks change in between."""
    last = BEGAN.date() + timedelta(days=DAYS)
    for mark in range(4):
        claims.moves(mark, 60)
        for zone in ZONES:
            whole = slow(claims, zone, date.min, date.max)
            assert fast(claims, zone, BEGAN.date() - timedelta(days=1), last) == whole
            for day in (BEGAN.date() + timedelta(days=at) for at in (2, 29, 30)):
                asked = (zone, day, day + timedelta(days=mark))
                assert fast(claims, *asked) == slow(claims, *asked)
        assert sealed.checkpoint(NOON + timedelta(hours=2 * mark)) == 1

    assert len(fast(claims, ZONES[0], BEGAN.date(), last)) > DAYS


def test_what_comes_late_stands_on_its_own_day(claims: Claims, sealed: Books) -> None:
    """A clock that was set back: a transfer of a day whose periods are closed, before and after its own is closed."""
    pending = claims.accounts[claims.owner, AccountKind.PENDING]
    for late in range(2):
        post(transfers=[NewTransfer(claims.world, pending, 7, "CNY", TransferCode.SALE, new_id())], now=BEGAN)
        for _ in range(2):
            assert fast(claims, ZONES[0], BEGAN.date(), BEGAN.date()) == [
                (BEGAN.date(), "sale", late + 1, 7 + 7 * late, 0)
            ]
            sealed.checkpoint(NOON + timedelta(hours=2 * late))


def test_no_transfer_of_a_closed_period_is_read(claims: Claims, sealed: Books, sql: Sql) -> None:
    """A page of a year costs its quarters of hours and the open hour, however much was sold."""
    claims.moves(9, 80)
    sealed.checkpoint()
    claims.moves(10, 3)
    asked = {
        "zone": "UTC",
        "currency": "CNY",
        "since": BEGAN,
        "until": BEGAN + timedelta(days=DAYS),
        "holder": books.party(claims.owner),
        "debtor": books.party(claims.debtor),
    }

    plan = sql("EXPLAIN (ANALYZE, FORMAT JSON) " + LINES, asked)[0][0][0]["Plan"]

    assert 1 <= read_of(plan, "transfer") <= 2 * 3
    assert read_of(plan, "claim_quarter") >= 20


def read_of(plan: dict[str, Any], table: str) -> float:
    """The rows that a plan reads of a table, those that a filter threw away included."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if plan.get("Relation Name") == table else 0
    return float(own * plan["Actual Loops"] + sum(read_of(one, table) for one in plan.get("Plans", ())))


def test_a_day_begins_at_a_whole_quarter_in_every_zone() -> None:
    """What the figures rely on; offsets in seconds ended in 1972 (Monrovia, -0:44:30)."""
    days = [date(1990, 1, 1) + timedelta(days=at) for at in range(0, 50 * 365, 73)]
    wrong = {
        name
        for name in available_timezones()
        for zone in [ZoneInfo(name)]
        for day in days
        if datetime.combine(day, time(), zone).timestamp() % 900
    }

    assert wrong == set()


def test_a_store_that_closed_periods_before_gets_their_figures(claims: Claims, sealed: Books, sql: Sql) -> None:
    """Migration 0044, over several checkpoints; nobody but the database's own trigger adds a figure."""
    for mark in range(3):
        claims.moves(mark, 20)
        sealed.checkpoint(NOON + timedelta(hours=2 * mark))
    figures = "SELECT * FROM claim_quarter ORDER BY holder, counterparty, currency, quarter, code, number"
    kept = sql(figures)
    sql("SET session_replication_role = replica; DELETE FROM claim_quarter", role="superuser")

    sql(FILL.findall((MIGRATIONS / "0044_statement_figures.sql").read_text("utf-8"))[0])

    assert (sql(figures), {row[5] for row in kept}) == (kept, {1, 2, 3})


FILL = re.compile(r"^INSERT INTO claim_quarter .*?;", re.DOTALL | re.MULTILINE)


def test_a_claim_of_others_is_not_told(claims: Claims) -> None:
    """INV-T1: not of another party, nor one that is not there."""
    asked = {"currency": "CNY", "first": BEGAN.date(), "last": BEGAN.date(), "zone": ZONES[0], "actor": claims.finance}
    for party, debtor in ((claims.other, "demo"), (claims.owner, "other")):
        with pytest.raises(NotFound):
            statement_of(party_id=party, debtor_code=debtor, **asked)


def test_whose_cash_it_was_is_told_along_ones_own_hop_only(shop: Shop) -> None:
    """INV-T4: a brand whose cards are sold two hops further on is not told by whom, unless somebody there owes it."""
    till = a_chain(shop)
    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 2))
    seen = {code: debtors(shop, code) for code in (*CHAIN, "demo")}
    assert seen == {"brand1": [], "agent1": [], "dist1": ["demo"], "demo": ["demo"]}
    of_brand = {"party_id": shop.a_party("brand1"), "debtor_code": "demo", "currency": "CNY", "zone": ZONES[0]}
    days = {"first": NOON.date(), "last": NOON.date()}
    with pytest.raises(NotFound):
        statement_of(actor=finance(shop, "brand1"), **of_brand, **days)
    assert [(one.came, one.went) for one in statement_of(actor=OPERATOR, **of_brand, **days)] == [(3000, 0), (0, 3000)]

    pending = Claim(shop.a_party("brand1"), shop.merchant, "CNY").account(AccountKind.PENDING)
    post(transfers=[NewTransfer(world(), pending, 5, "CNY", TransferCode.SALE, new_id())], now=NOON)

    assert debtors(shop, "brand1") == ["demo"]
    Claim(shop.a_party("brand1"), shop.merchant, "USD").account(AccountKind.PENDING)
    with pytest.raises(NotFound):
        statement_of(actor=finance(shop, "brand1"), **of_brand | {"currency": "USD"}, **days)
    assert statement_of(actor=finance(shop, "brand1"), **of_brand, **days) != []


def debtors(shop: Shop, code: str) -> list[str]:
    """Of whose cash a party is told that it has claims."""
    return [one.debtor for one in claim_views(actor=finance(shop, code), party_id=shop.a_party(code), now=NOON)]


def finance(shop: Shop, code: str) -> Actor:
    return Actor(ActorKind.STAFF, id=new_id(), party_id=shop.a_party(code), roles=frozenset({"finance"}))
