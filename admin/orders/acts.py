"""What is done about an order: each act on a page that says what it does, before its button."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.orders import sayings
from admin.orders.facts import an_order, order_facts
from admin.orders.moments import called
from admin.orders.page import RELEASERS, SERVERS
from admin.panel import request_time, words
from admin.scoped import SELLING
from bot.texts import mark
from core.fulfilment.giving_back import Obstacle, Prospect, for_us, give_back_lines, prospect
from core.fulfilment.memberships import NotForUs
from core.fulfilment.sending_again import A_DAY, send_again
from core.money import Money
from core.orders.ending import cancel_unpaid
from core.orders.hurrying import deliver_now
from core.orders.service import release_order

pages = Blueprint("acts", __name__, url_prefix="/orders")

OBSTACLES = {
    Obstacle.NOT_PAID: mark("nothing was paid for it"),
    Obstacle.GIVEN_BACK: mark("was given back before"),
    Obstacle.IN_HAND: mark("is just being delivered: look again in a minute"),
    Obstacle.SUPPLIER: mark("its supplier was asked and has not answered: until then nobody knows whether it comes"),
    Obstacle.TASK: mark("somebody is topping it up: the task has to be given back first"),
    Obstacle.WENT_OUT: mark("its cards went out before a restore: the shopper has them"),
    Obstacle.OTHERS_CARDS: mark("cards of a supplier were delivered: the platform decides with the supplier"),
}


@pages.route("/<number>/refund", methods=["GET", "POST"], endpoint="refund")
@for_roles(*SERVERS, kinds=SELLING)
def refund_page(number: str) -> Response:
    """Money back for lines, the way it came."""
    order, form = an_order(number), ActForm()
    chosen = _chosen()
    if form.is_sent():
        with trying(form):
            given = give_back_lines(actor=actor(), order_id=order["id"], line_ids=chosen, now=request_time())
        if not form.problem:
            said = mark("{amount} goes back to the shopper.")
            return done(url_for("order.order", number=number), said, amount=words().money(given))
    seen = prospect(actor=actor(), order_id=order["id"], line_ids=chosen if form.is_submitted() else ())
    return draw(
        "orders/refund.html.jinja",
        status=form.status,
        form=form,
        number=number,
        seen=seen,
        refused=_not_for_us(order["id"]),
        fee=_fee(seen, order["currency"]),
        obstacles=OBSTACLES,
        money=lambda minor: words().money(Money(minor, order["currency"])),
        total=words().money(seen.total),
        to_source=words().money(seen.to_source),
        to_wallet=words().money(seen.to_wallet),
    )


@pages.route("/<number>/release", methods=["GET", "POST"], endpoint="release")
@for_roles(*RELEASERS, kinds=SELLING)
def release_page(number: str) -> Response:
    """Let what waits for a person go on; or refuse it, which is giving its money back."""
    facts, form = order_facts(number), ActForm()
    if form.is_sent():
        with trying(form):
            count = release_order(actor=actor(), order_id=facts.order["id"], now=request_time())
        if not form.problem:
            said = mark("Released ({count}): delivered as soon as the vault has checked it again.")
            return done(url_for("order.order", number=number), said, count=count)
    waiting = [line for line in facts.lines if line["gate"] == "review"]
    return draw(
        "orders/release.html.jinja",
        status=form.status,
        form=form,
        number=number,
        waiting=waiting,
        called=called,
        said=sayings,
    )


@pages.route("/<number>/hurry", methods=["GET", "POST"], endpoint="hurry")
@for_roles(*SERVERS, kinds=SELLING)
def hurry_page(number: str) -> Response:
    """Try what waits for its next try at once."""
    order, form = an_order(number), ActForm()
    if form.is_sent():
        with trying(form):
            deliver_now(actor=actor(), order_id=order["id"], now=request_time())
        if not form.problem:
            return done(url_for("order.order", number=number), mark("It is being delivered now."))
    effects = (
        ("zap", mark("What waits for its next try is tried at once: the same cards, into the same chat.")),
        ("shield-check", mark("Nothing goes out twice: the vault opens the cards of this order and no others.")),
    )
    title, button = mark("Deliver again now"), mark("Deliver now")
    return draw("orders/act.html.jinja", status=form.status, form=form, number=number, effects=effects, called=title,
                button=button)  # fmt: skip


@pages.route("/<number>/again", methods=["GET", "POST"], endpoint="again")
@for_roles(*SERVERS, kinds=SELLING)
def again_page(number: str) -> Response:
    """Send delivered cards once more into the chat that bought them."""
    order, form = an_order(number), ActForm()
    if form.is_sent():
        with trying(form):
            send_again(actor=actor(), order_id=order["id"], now=request_time())
        if not form.problem:
            return done(url_for("order.order", number=number), mark("The cards are on their way to the chat."))
    effects = (
        ("send-horizontal", mark("The shopper gets the same cards once more, in the chat that bought them.")),
        ("lock", mark("You do not see them: the vault opens them for that chat only.")),
        ("clock", mark("At most {count} times a day for one order.")),
    )
    title, button = mark("Send the cards again"), mark("Send them again")
    return draw("orders/act.html.jinja", status=form.status, form=form, number=number, effects=effects, called=title,
                button=button, count=A_DAY)  # fmt: skip


@pages.route("/<number>/cancel", methods=["GET", "POST"], endpoint="cancel")
@for_roles(*SERVERS, kinds=SELLING)
def cancel_page(number: str) -> Response:
    """Cancel an unpaid order for the shop."""
    order, form = an_order(number), ActForm()
    if form.is_sent():
        with trying(form):
            cancel_unpaid(actor=actor(), order_id=order["id"], now=request_time())
        if not form.problem:
            return done(url_for("order.order", number=number), mark("The order is cancelled, its shopper was told."))
    effects = (
        ("package", mark("Its cards go back on the shelf, wallet money held for it goes back to the wallet.")),
        ("message-square", mark("The shopper is told in the chat that the shop cancelled it.")),
        ("credit-card", mark("If money comes all the same, it buys the cards if there are some, or it goes back.")),
        ("triangle-alert", mark("This cannot be undone: the shopper has to order anew.")),
    )
    title, button = mark("Cancel the order"), mark("Cancel it for good")
    return draw("orders/act.html.jinja", status=form.status, form=form, number=number, effects=effects, called=title,
                button=button, is_final=True)  # fmt: skip


def _chosen() -> list[UUID]:
    """The lines that were ticked; what is no id is none of this order's, and is left to the use case."""
    found = []
    for said in request.form.getlist("line")[:1000]:
        try:
            found.append(UUID(said))
        except ValueError:
            found.append(UUID(int=0))
    return found


def _not_for_us(order_id: UUID) -> str:
    try:
        for_us(order_id)
    except NotForUs as refusal:
        return str(refusal.params["why"])
    return ""


def _fee(seen: Prospect, currency: str) -> str:
    """The platform's fee that comes back with all lines that can; empty where there is none."""
    fee = sum(line.fee_minor for line, stays in seen.lines if stays is None)
    return words().money(Money(fee, currency)) if fee else ""
