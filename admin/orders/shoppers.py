"""Shoppers of a merchant: a list, one of them with orders, wallet and memberships, and whether orders are taken.

No more of a person than the shop needs: accounts by their last signs, addresses masked, nothing to look anybody up by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import SelectField

from admin.acting import SwitchForm, actor, done, trying
from admin.asked import ask, ask_one
from admin.declared import for_roles
from admin.drawing import draw
from admin.kept import shelf
from admin.orders import sayings
from admin.orders.facts import an_id
from admin.orders.moments import called
from admin.orders.page import READERS, SERVERS
from admin.panel import request_time, signed_in, words
from admin.reading import reading
from admin.scoped import LAST_PAGE, SELLING
from admin.shown import pill
from bot.texts import mark
from core.ids import Prefix, public
from core.ledger.rules import shopper as holder_of
from core.members.blocking import BlockReason, block_shopper, unblock_shopper
from core.money import Money
from core.parties.rules import PLATFORM_ROLES

pages = Blueprint("shoppers", __name__, url_prefix="/shoppers")
A_PAGE = 25

LIST = """
SELECT s.id, s.paid_orders, s.created_at, s.blocked_at, s.locale, p.names AS merchant,
       (SELECT array_agg(DISTINCT i.channel) FROM panel_identity i WHERE i.shopper_id = s.id) AS channels
FROM panel_shopper s JOIN party p ON p.id = s.merchant_id
WHERE (%(party)s::bigint IS NULL OR s.merchant_id = %(party)s) AND s.merged_into IS NULL
ORDER BY s.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
OWN_LIST = LIST.replace("(%(party)s::bigint IS NULL OR s.merchant_id = %(party)s)", "s.merchant_id = %(party)s")
BLOCKED = "AND s.merged_into IS NULL AND s.blocked_at IS NOT NULL"
ONE = """
SELECT s.id, s.merchant_id, s.locale, s.paid_orders, s.created_at, s.merged_into, s.blocked_at, p.names AS merchant
FROM panel_shopper s JOIN party p ON p.id = s.merchant_id WHERE s.id = %(shopper)s
"""
ACCOUNTS = "SELECT channel, hint, created_at FROM panel_identity WHERE shopper_id = %(shopper)s ORDER BY created_at"
CONTACTS = "SELECT kind, masked, confirmed_at FROM panel_contact WHERE shopper_id = %(shopper)s ORDER BY kind"
MEMBERSHIPS = """
SELECT code, names, since, until FROM panel_membership WHERE shopper_id = %(shopper)s ORDER BY until DESC
"""
ORDERS = """
SELECT id, state, currency, total_minor, refunded_minor, placed_at FROM shop_order WHERE shopper_id = %(shopper)s
ORDER BY placed_at DESC LIMIT 25
"""
WALLETS = """
SELECT currency, coalesce(sum(balance) FILTER (WHERE kind = 'wallet'), 0)::bigint AS free_minor,
       coalesce(sum(balance) FILTER (WHERE kind = 'wallet_hold'), 0)::bigint AS held_minor
FROM panel_wallet WHERE holder = %(holder)s AND kind IN ('wallet', 'wallet_hold') GROUP BY currency ORDER BY currency
"""
MOVES = """
SELECT id, at, code, currency, amount_minor, reference FROM panel_wallet_move
WHERE holder = %(holder)s ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
RISKS = """
SELECT count(*) AS in_review FROM order_line l JOIN shop_order o ON o.id = l.order_id
WHERE l.merchant_id = (SELECT merchant_id FROM panel_shopper WHERE id = %(shopper)s) AND l.gate = 'review'
  AND o.shopper_id = %(shopper)s
"""
REASONS = {
    BlockReason.FRAUD: mark("pays with somebody else's money, or tries to"),
    BlockReason.CHARGEBACK: mark("took a payment back after the cards came"),
    BlockReason.ABUSE: mark("insults, threatens or floods"),
    BlockReason.RESALE: mark("buys for resale what is for own use"),
    BlockReason.ASKED: mark("asked for it"),
}


class BlockForm(SwitchForm):
    """Whether orders are taken, and why no further orders are taken; nothing in free words is kept about a person."""

    reason = SelectField(choices=[one.value for one in BlockReason])


@pages.get("/", endpoint="index")
@for_roles(*READERS, kinds=SELLING)
def list_page() -> Response:
    """The newest first; those who are blocked, if they are asked for."""
    session, number = signed_in(), _page_number()
    cut = blocked_cut(request.args)
    is_blocked = bool(cut)
    statement = LIST if session.roles & PLATFORM_ROLES else OWN_LIST
    if is_blocked:
        statement = statement.replace("AND s.merged_into IS NULL", BLOCKED)
    party = None if session.roles & PLATFORM_ROLES else session.party.id
    with reading(session):
        found = ask(statement, party=party, limit=A_PAGE + 1, offset=number * A_PAGE)
        kept = shelf("shoppers", cut)
    return draw(
        "orders/shoppers.html.jinja",
        found=found[:A_PAGE],
        is_more=len(found) > A_PAGE,
        number=number,
        is_blocked=is_blocked,
        kept=kept,
        called=called,
        said=sayings,
        public=_public,
    )


@pages.get("/<number>", endpoint="shopper")
@for_roles(*READERS, kinds=SELLING)
def shopper_page(number: str) -> Response:
    """One of them."""
    shopper = a_shopper(number)
    named = {"shopper": shopper["id"], "holder": holder_of(shopper["id"])}
    with reading(signed_in()):
        wallets, moves = ask(WALLETS, **named), ask(MOVES, **named, limit=10, offset=0)
        values: dict[str, Any] = {
            "accounts": ask(ACCOUNTS, **named),
            "contacts": ask(CONTACTS, **named),
            "memberships": ask(MEMBERSHIPS, **named),
            "orders": ask(ORDERS, **named),
            "risks": ask_one(RISKS, **named),
        }
    return draw(
        "orders/shopper.html.jinja",
        shopper=shopper,
        number=number,
        into=_public(shopper["merged_into"]) if shopper["merged_into"] else "",
        wallets=wallets,
        moves=moves,
        money=_money,
        pill=pill,
        called=called,
        said=sayings,
        order_number=lambda order: public(Prefix.ORDER, order["id"]),
        **values,
    )


@pages.get("/<number>/wallet", endpoint="wallet")
@for_roles(*READERS, kinds=SELLING)
def wallet_page(number: str) -> Response:
    """Everything that went into a shopper's wallet and out of it, the newest first."""
    shopper, place = a_shopper(number), _page_number()
    holder = holder_of(shopper["id"])
    with reading(signed_in()):
        wallets = ask(WALLETS, holder=holder)
        moves = ask(MOVES, holder=holder, limit=A_PAGE + 1, offset=place * A_PAGE)
    return draw(
        "orders/wallet.html.jinja",
        number=number,
        wallets=wallets,
        moves=moves[:A_PAGE],
        is_more=len(moves) > A_PAGE,
        place=place,
        money=_money,
        called=called,
        said=sayings,
    )


@pages.route("/<number>/block", methods=["GET", "POST"], endpoint="block")
@for_roles(*SERVERS, kinds=SELLING)
def block_page(number: str) -> Response:
    """Take no further orders from somebody, or take them again."""
    shopper, form = a_shopper(number), BlockForm()
    form.reason.choices = [(one.value, words().say(sentence)) for one, sentence in REASONS.items()]
    is_blocked = form.turns_on(is_on=shopper["blocked_at"] is None)
    if is_blocked:
        del form.reason
    if form.is_sent():
        with trying(form):
            who = {"actor": actor(), "shopper_id": shopper["id"], "now": request_time()}
            if is_blocked:
                unblock_shopper(**who)
            else:
                block_shopper(**who, reason=BlockReason(form.reason.data))
        if not form.problem:
            said = mark("Orders are taken again.") if is_blocked else mark("No further orders are taken.")
            return done(url_for("shoppers.shopper", number=number), said)
    return draw("orders/block.html.jinja", status=form.status, form=form, number=number, is_blocked=is_blocked)


def a_shopper(number: str) -> dict[str, Any]:
    """A shopper of the party that somebody acts for. Raises NotFound, also for a foreign one."""
    with reading(signed_in()):
        found = ask_one(ONE, shopper=an_id(Prefix.SHOPPER, number))
    if found is None:
        raise NotFound()
    return found


def blocked_cut(given: Mapping[str, str]) -> dict[str, str]:
    """What an address cuts the list to: those who are blocked, or nothing."""
    return {"blocked": "1"} if given.get("blocked") == "1" else {}


def _public(shopper_id: UUID) -> str:
    return public(Prefix.SHOPPER, shopper_id)


def _money(minor: int, currency: str) -> str:
    return words().money(Money(minor, currency))


def _page_number() -> int:
    said = request.args.get("page", "")
    return min(int(said), LAST_PAGE) if said.isascii() and said.isdecimal() and len(said) < 9 else 0
