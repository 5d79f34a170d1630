"""What a party may claim, where it is paid to, its trade accounts and its payouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.acting import actor
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in, words
from admin.platform.rows import party_names
from admin.shown import pill
from bot.texts import mark
from core.money import EXPONENT, Money
from core.parties.rules import Role
from core.settlement.service import ClaimView, NoBankDetails, claim_views, payouts_of
from core.settlement.statement import StatementLine, statement_of
from core.settlement.views import bank_mask
from core.supply.trade import TradeAccountView, trade_accounts

pages = Blueprint("money", __name__, url_prefix="/money")
WHO = (Role.OWNER, Role.FINANCE, Role.PLATFORM_OWNER, Role.AUDITOR)
PAID_TO = (Role.OWNER, Role.FINANCE, Role.PLATFORM_OWNER)

AHEAD = timedelta(minutes=5)
"""A transfer may be of a clock that is a little before the reader's."""

LINES_SHOWN = 500

RANGES = {"30": mark("30 days"), "90": mark("90 days"), "365": mark("a year")}
WORDS = {
    "sale": mark("sales"),
    "refund": mark("refunds"),
    "refunded_outside": mark("refunds made at the gateway"),
    "trade_kept": mark("settled on trade accounts"),
    "trade_returned": mark("trade accounts, given back"),
    "paid_out": mark("paid out"),
    "reversal": mark("corrections"),
    "purchase": mark("bought cards"),
}
"""Why money moved, as a statement says it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement as it is drawn."""

    day: str
    called: str
    count: int
    came: str
    went: str


@pages.get("/", endpoint="overview")
@for_roles(*WHO)
def overview() -> Response:
    """Claims by debtor and currency, bank details, trade accounts, the last payouts."""
    party = signed_in().party
    claims = claim_views(actor=actor(), party_id=party.id, now=request_time())
    trade = trade_accounts(actor=actor(), party_id=party.id)
    return draw(
        "money/overview.html.jinja",
        pill=pill,
        claims=claims,
        trade=trade,
        payouts=payouts_of(actor=actor(), party_id=party.id, with_ended=True, limit=10),
        bank=_bank(party.id),
        may_act=bool(signed_in().roles & frozenset(PAID_TO)),
        own=party.code,
        called=party_names(
            [one.debtor for one in claims] + [code for one in trade for code in (one.creditor, one.debtor)]
        ),
        money=money,
        room=_room,
    )


@pages.get("/statement", endpoint="statement")
@for_roles(*WHO)
def statement_page() -> Response:
    """What changed one claim, by day."""
    debtor, currency = request.args.get("debtor", ""), request.args.get("currency", "")
    asked = request.args.get("days", "30")
    days = asked if asked in RANGES else "30"
    claim = a_claim(debtor, currency)
    now, zone = request_time(), words().zone
    lines = statement_of(
        actor=actor(),
        party_id=signed_in().party.id,
        debtor_code=debtor,
        currency=currency,
        first=now.astimezone(zone).date() - timedelta(days=int(days) - 1),
        last=(now + AHEAD).astimezone(zone).date(),
        zone=zone,
    )
    came, went = sum(one.came for one in lines), sum(one.went for one in lines)
    return draw(
        "money/statement.html.jinja",
        claim=claim,
        debtor=party_names([claim.debtor])(claim.debtor),
        lines=_drawn(lines[:LINES_SHOWN], currency),
        left=max(0, len(lines) - LINES_SHOWN),
        came=money(came, currency),
        went=money(went, currency),
        days=days,
        ranges=RANGES,
        money=money,
    )


def money(minor: int, currency: str) -> str:
    """An amount of minor units in words."""
    return words().money(Money(minor, currency))


def a_claim(debtor: str, currency: str) -> ClaimView:
    """One of the party's own claims. Raises `NotFound`."""
    if currency in EXPONENT:
        for one in claim_views(actor=actor(), party_id=signed_in().party.id, now=request_time()):
            if (one.debtor, one.currency) == (debtor, currency):
                return one
    raise NotFound()


def _drawn(lines: Sequence[StatementLine], currency: str) -> list[Line]:
    said = words()
    return [
        Line(
            said.day(one.day),
            said.say(WORDS[one.code]) if one.code in WORDS else one.code,
            one.count,
            money(one.came, currency) if one.came else "",
            money(one.went, currency) if one.went else "",
        )
        for one in lines
    ]


def _room(one: TradeAccountView) -> str:
    return money(one.room, one.currency)


def _bank(party_id: int) -> tuple[str, datetime] | None:
    try:
        return bank_mask(actor=actor(), party_id=party_id)
    except NoBankDetails:
        return None
