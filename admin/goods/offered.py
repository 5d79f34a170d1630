"""What suppliers offer, listed in one submit by a mark-up rule; and prices made anew when a cost has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import Unread, sent
from admin.goods.new import KEEPERS, MERCHANTS
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db, reading
from admin.rows import PartyFeeRow
from bot.texts import mark
from core.catalog.goods import suggested_codes
from core.errors import Invalid
from core.money import EXPONENT, Money
from core.supply.listing_offers import MOST_AT_ONCE, Moved, Pick, follow_costs, list_offers
from core.supply.markup import MOST_BASIS_POINTS, Ending, Markup, margin

pages = Blueprint("offered", __name__, url_prefix="/goods")
LARGEST = 256 * 1024
ENDINGS = {
    Ending.EXACT: mark("as it comes"),
    Ending.WHOLE: mark("a whole number"),
    Ending.HALF: mark("…50"),
    Ending.NINETY: mark("…90"),
    Ending.NINETY_NINE: mark("…99"),
}
USUAL = Markup(2000, Ending.NINETY)

OFFERS = """
SELECT s.id, s.code, coalesce(nullif(s.names, '{}'), p.names), p.names, cheapest.price_micro, cheapest.seller, l.id,
       l.code, l.price_minor, l.on_sale
FROM (SELECT DISTINCT ON (o.sku_id) o.sku_id, o.price_micro, q.names AS seller
      FROM offer o LEFT JOIN party q ON q.id = o.seller_id
      WHERE o.buyer_id = %(party)s AND o.currency = %(currency)s AND o.valid_to IS NULL AND o.valid_from <= %(now)s
      ORDER BY o.sku_id, o.price_micro, o.id) cheapest
JOIN sku s ON s.id = cheapest.sku_id AND s.archived_at IS NULL
JOIN product p ON p.id = s.product_id AND p.archived_at IS NULL AND p.owner_id IN (%(party)s, platform_party())
LEFT JOIN listing l ON l.sku_id = s.id AND l.merchant_id = %(party)s
WHERE l.id IS NULL OR (l.archived_at IS NULL AND l.currency = %(currency)s)
ORDER BY l.id IS NOT NULL, p.position, s.code LIMIT %(most)s
"""
"""The own hop only (INV-T3, INV-T4): what is offered to this merchant, at the price it would pay, by whom."""

RULES = """
SELECT l.id, l.code, coalesce(nullif(s.names, '{}'), p.names), l.price_minor, l.currency, m.basis_points, m.ending,
       m.cost_micro, (SELECT min(o.price_micro) FROM offer o WHERE o.buyer_id = %(party)s AND o.sku_id = l.sku_id
                      AND o.currency = l.currency AND o.valid_to IS NULL AND o.valid_from <= %(now)s)
FROM markup m JOIN listing l ON l.id = m.listing_id JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
WHERE l.merchant_id = %(party)s AND l.archived_at IS NULL ORDER BY l.code LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer as it is drawn: its cost, the price that the rule gives, what is left of it, and what stands now."""

    sku_id: int
    sku_code: str
    name: str
    seller: str
    cost: str
    price: Money
    left: Money
    listing_id: int | None
    code: str
    now: Money | None
    is_selling: bool
    is_picked: bool


@dataclass(frozen=True, slots=True)
class Follower:
    """One listing whose rule gives another price by now."""

    listing_id: int
    code: str
    name: str
    rule: str
    cost_then: str
    cost_now: str
    price_now: Money
    price_new: Money
    left: Money


class PicksForm(ActForm):
    """Rows of offers; they are read by their names, row by row."""

    picks = Unread()
    percent = Unread()
    ending = Unread()


@pages.route("/offers", methods=["GET", "POST"], endpoint="page")
@for_roles(*KEEPERS, kinds=MERCHANTS, largest=LARGEST)
def offers() -> Response:
    """What is offered, with the prices that a rule gives; sent, all that are ticked are listed, or none."""
    form, rule = PicksForm(), USUAL
    with trying(form):
        rule = _rule()
    if form.is_sent() and not form.problem:
        with trying(form):
            count = list_offers(
                actor=actor(),
                merchant_id=signed_in().party.id,
                picks=_picks(),
                rule=rule,
                currency=panel().connecting.currency,
                now=request_time(),
            )
        if not form.problem:
            return done(url_for("listings.index_view"), mark("Goods listed: {count}."), count=count)
    rows, fee = _offered(rule, is_sent=form.is_submitted())
    return draw(
        "goods/offers.html.jinja",
        status=form.status,
        form=form,
        rows=rows,
        percent=percent(rule),
        ending=rule.ending,
        endings=ENDINGS,
        fee=fee,
    )


@pages.route("/follow", methods=["GET", "POST"], endpoint="follow")
@for_roles(*KEEPERS, kinds=MERCHANTS, largest=LARGEST)
def follow() -> Response:
    """Listings whose cost has moved, with the price that their rule gives now; sent, the ticked ones get it."""
    form = PicksForm()
    if form.is_sent():
        with trying(form):
            moved = [
                Moved(_number(sent("picks", n, "id")), _number(sent("picks", n, "seen")))
                for n in range(MOST_AT_ONCE)
                if sent("picks", n, "take")
            ]
            count = follow_costs(actor=actor(), merchant_id=signed_in().party.id, moved=moved, now=request_time())
        if not form.problem:
            return done(url_for("offered.follow"), mark("Prices that follow their cost now: {count}."), count=count)
    followers, ruled, ended = _followers()
    return draw(
        "goods/follow.html.jinja",
        status=form.status,
        form=form,
        rows=followers,
        ruled=ruled,
        ended=ended,
    )


def percent(rule: Markup) -> str:
    """`20` or `12.5`, as it is typed."""
    return f"{rule.basis_points / 100:.2f}".rstrip("0").rstrip(".")


def _rule() -> Markup:
    """The rule that the address or the form says; the usual one where neither does."""
    said = request.values.get("percent", "").strip()
    ending = request.values.get("ending", "")
    if not said and not ending:
        return USUAL
    whole, _, part = said.partition(".")
    if not (said.isascii() and whole.isdigit() and len(whole) <= 5 and len(part) <= 2 and (part.isdigit() or not part)):
        raise Invalid(what="percent")
    if ending not in set(Ending):
        raise Invalid(what="ending")
    return Markup(min(int(whole) * 100 + int(part.ljust(2, "0")), MOST_BASIS_POINTS + 1), Ending(ending))


def _picks() -> list[Pick]:
    return [
        Pick(_number(sent("picks", n, "id")), sent("picks", n, "code").upper()[:40], _number(sent("picks", n, "seen")))
        for n in range(MOST_AT_ONCE)
        if sent("picks", n, "take")
    ]


def _number(said: str) -> int:
    if not (said.isascii() and said.isdecimal() and len(said) <= 18):
        raise Invalid(what="picks")
    return int(said)


def _offered(rule: Markup, *, is_sent: bool) -> tuple[list[Offered], int]:
    currency, session = panel().connecting.currency, signed_in()
    asked = {"party": session.party.id, "currency": currency, "now": request_time(), "most": MOST_AT_ONCE}
    with reading(session):
        found, fee = panel_db.execute_sql(OFFERS, asked).fetchall(), _fee()
    spare = iter(suggested_codes(merchant_id=session.party.id, count=len(found)))
    mine = {row[7] for row in found if row[7]}
    rows = []
    for n, row in enumerate(found):
        price = rule.price(row[4], currency)
        code = row[7] or (row[1] if row[1] not in mine else next(spare))
        rows.append(
            Offered(
                sku_id=row[0],
                sku_code=row[1],
                name=words().name(row[2]),
                seller=words().name(row[5] or {}),
                cost=cost_said(row[4], currency),
                price=price,
                left=_left(price, row[4], fee),
                listing_id=row[6],
                code=sent("picks", n, "code").upper()[:40] if is_sent and not row[6] else code,
                now=Money(row[8], currency) if row[6] else None,
                is_selling=bool(row[9]),
                is_picked=bool(sent("picks", n, "take")) if is_sent else row[6] is None,
            )
        )
    return rows, fee


def _followers() -> tuple[list[Follower], int, int]:
    """Those whose price would change; how many follow a rule at all; how many are offered by nobody any more."""
    session = signed_in()
    with reading(session):
        asked = {"party": session.party.id, "now": request_time()}
        found: list[Any] = panel_db.execute_sql(RULES, asked).fetchall()
        fee = _fee()
    rows, ended = [], 0
    for listing, code, names, minor, currency, basis_points, ending, then, cost in found:
        if cost is None:
            ended += 1
            continue
        rule = Markup(basis_points, Ending(ending))
        price = rule.price(cost, currency)
        if price.minor != minor:
            rows.append(
                Follower(
                    listing_id=listing,
                    code=code,
                    name=words().name(names),
                    rule=words().beside(f"+{percent(rule)}%", words().say(ENDINGS[rule.ending])),
                    cost_then=cost_said(then, currency),
                    cost_now=cost_said(cost, currency),
                    price_now=Money(minor, currency),
                    price_new=price,
                    left=_left(price, cost, fee),
                )
            )
    return rows[:MOST_AT_ONCE], len(found), ended


def _fee() -> int:
    """The store's fee of this merchant, in basis points of a price."""
    return int(PartyFeeRow.get_by_id(signed_in().party.id).fee_basis_points)


def _left(price: Money, cost_micro: int, fee: int) -> Money:
    """What is left above cost and the store's fee, which is rounded up."""
    return margin(price, cost_micro) - Money(-(-price.minor * fee // 10_000), price.currency)


def cost_said(cost_micro: int, currency: str) -> str:
    """A cost a card with as many digits as it has: ¥3.20, ¥0.035."""
    scale = 10 ** EXPONENT[currency]
    minor, rest = divmod(cost_micro * scale, 1_000_000)
    if not rest:
        return words().money(Money(minor, currency))
    return f"{currency} {cost_micro // 1_000_000}.{cost_micro % 1_000_000:06d}".rstrip("0")
