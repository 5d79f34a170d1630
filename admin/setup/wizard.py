"""Opening a shop in four steps: shop, goods, gateway, chats; each is tried live, and may be left and taken up again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, url_for
from werkzeug.wrappers import Response

from admin.acting import ActForm, actor, done, trying
from admin.channels.overview import chats_of, gateways_of
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, waiting_elsewhere
from admin.reading import reading
from admin.setup.front import MERCHANTS, drawn, filled, saved, shop_address, shop_now
from admin.setup.progress import STEPS, on_sale, progress
from admin.shown import pill
from bot.texts import mark
from core.parties.fronts import finish_setting_up
from core.parties.rules import Role

pages = Blueprint("setup", __name__, url_prefix="/setup")
NEW_GOODS = ("new_goods.form",)
"""The page that puts goods on sale in one form; the list of goods where this panel has none."""

CALLED = {"shop": mark("Shop"), "goods": mark("Goods"), "gateway": mark("Payment"), "chats": mark("Chats")}
ANSWERS = {
    "": (mark("Your shop's page answers."), ""),
    "away": (
        mark("Your shop's page does not answer at its address from here."),
        mark("Open it yourself. If it does not open either, the operator looks at web.public_url and the proxy."),
    ),
    "elsewhere": (
        mark("Another page answers at this address."),
        mark("The operator looks at web.public_url: it must lead to this store."),
    ),
}
NO_PAGE = (mark("Your shop's page answers with an error ({code})."), mark("Tell the operator this number."))


class FinishForm(ActForm):
    """A button."""


@pages.get("", endpoint="begin")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def begin() -> Response:
    """On where it was left."""
    found = progress()
    return redirect(url_for("setup.finished" if found.finished else f"setup.{found.next_step}"))


@pages.route("/shop", methods=["GET", "POST"], endpoint="shop")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def shop() -> Response:
    """1: what the shop is called and says, and where it is."""
    shown = shop_now()
    form = filled(shown)
    if form.is_sent() and saved(form):
        return done(url_for("setup.goods"), mark("Saved. Your shop is there: next come the goods."))
    return step("shop", status=form.status, form=form, **drawn(shown))


@pages.get("/shop/check", endpoint="shop_check")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def shop_check() -> Response:
    """The piece of the first step that says whether the shop's page answers."""
    code = signed_in().party.code
    with waiting_elsewhere():
        found = panel().connecting.platforms.shop_answers(code)
    said, mend = ANSWERS.get(found, NO_PAGE)
    return draw("setup/shop_check.html.jinja", is_ok=not found, said=said, mend=mend, code=found)


@pages.get("/goods", endpoint="goods")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def goods() -> Response:
    """2: something to sell, with cards behind it."""
    return step("goods", goods=on_sale(), new_goods=new_goods_address())


@pages.get("/goods/check", endpoint="goods_check")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def goods_check() -> Response:
    """The piece of the second step that says what shoppers could buy now."""
    return draw("setup/goods_check.html.jinja", goods=on_sale())


@pages.get("/gateway", endpoint="gateway")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def gateway() -> Response:
    """3: how shoppers pay."""
    with reading(signed_in()):
        found = [one for one in gateways_of(signed_in().party.id) if not one.has_left]
    return step("gateway", gateways=found, pill=pill, has_sandbox=panel().connecting.has_sandbox and panel().is_demo)


@pages.route("/chats", methods=["GET", "POST"], endpoint="chats")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def chats() -> Response:
    """4: where shoppers talk; the shop's own page always, a bot and an official account if one likes."""
    form = FinishForm()
    if form.is_sent():
        with trying(form):
            finish_setting_up(actor=actor(), merchant_id=signed_in().party.id, now=request_time())
        if not form.problem:
            return redirect(url_for("setup.finished"))
    with reading(signed_in()):
        found = [one for one in chats_of(signed_in().party.id) if not one.has_left]
    return step("chats", status=form.status, form=form, chats=found, pill=pill, address=shop_address())


@pages.get("/finished", endpoint="finished")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def finished() -> Response:
    """What is ready, what is still missing, and the way into the own shop."""
    shown = drawn(shop_now())
    return draw("setup/finished.html.jinja", progress=progress(), steps=STEPS, called=CALLED, goods=on_sale(), **shown)


def step(name: str, *, status: int = 200, **values: Any) -> Response:
    """The page of one step, with the way through all four."""
    return draw(
        f"setup/{name}.html.jinja", status=status, here=name, progress=progress(), steps=STEPS, called=CALLED, **values
    )


def new_goods_address() -> str:
    """Where goods come on sale in one form."""
    found = (endpoint for endpoint in NEW_GOODS if endpoint in current_app.view_functions)
    return url_for(next(found, "listings.index_view"))
