"""The menu of the panel: what somebody's roles open, grouped as their work is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, url_for

from admin.declared import Undeclared, declared_for
from bot.texts import mark
from core.parties.staff_sessions import StaffSession


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the menu: its endpoint, what it is called (a message id), its icon."""

    endpoint: str
    called: str
    icon: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as it is drawn."""

    url: str
    called: str
    icon: str
    is_here: bool


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", (Entry("home.today", mark("Today"), "sun"),)),
    (
        mark("Selling"),
        (
            Entry("orders.index_view", mark("Orders"), "receipt-text"),
            Entry("cases.cases", mark("Money to decide about"), "credit-card"),
            Entry("shoppers.index", mark("Shoppers"), "users"),
            Entry("listings.index_view", mark("Goods on sale"), "shopping-bag"),
            Entry("products.index_view", mark("Products"), "package"),
            Entry("reports.sales", mark("Reports"), "chart-column"),
            Entry("earned.earned", mark("Sold and earned"), "chart-column"),
        ),
    ),
    (
        mark("Stock"),
        (
            Entry("hop.stock", mark("My stock"), "package"),
            Entry("offers.list", mark("Offers"), "store"),
            Entry("batches.index_view", mark("Batches"), "package"),
            Entry("imports.list", mark("Imports"), "upload"),
            Entry("contested.list", mark("Contested cards"), "copy"),
        ),
    ),
    (
        mark("Shop"),
        (
            Entry("front.settings", mark("Shop settings"), "store"),
            Entry("channels.index", mark("Channels and payment"), "send-horizontal"),
        ),
    ),
    (
        mark("Money"),
        (
            Entry("money.overview", mark("Money"), "wallet"),
            Entry("payouts.list", mark("Payouts"), "credit-card"),
            Entry("api_keys.list", mark("API keys"), "key-round"),
        ),
    ),
    (
        mark("Records"),
        (
            Entry("parties.index_view", mark("Parties"), "store"),
            Entry("approvals.index", mark("Who asks to be let in"), "circle-check"),
            Entry("people.everyone", mark("People"), "users-round"),
            Entry("matrix.roles", mark("What roles open"), "lock"),
            Entry("audit.index_view", mark("Audit"), "shield-check"),
            Entry("exports.asked", mark("Export"), "download"),
            Entry("jobs.index", mark("Jobs"), "clock"),
            Entry("health.index", mark("Health"), "life-buoy"),
        ),
    ),
)


BELONGS = {
    **dict.fromkeys(("order", "acts", "tasks"), "orders"),
    **dict.fromkeys(("product", "new_goods", "sheets", "offered", "grid", "variants"), "products"),
    "selling": "listings",
    **dict.fromkeys(("batch", "cards", "tracing"), "batches"),
    **dict.fromkeys(("connecting", "switching"), "channels"),
    **dict.fromkeys(("party", "making", "credit"), "parties"),
    **dict.fromkeys(("inviting", "persons"), "people"),
    "entry": "audit",
}
"""Pages that belong to an entry of another blueprint: it stays marked while they are open."""


def menu_of(session: StaffSession, here: str | None) -> Sequence[tuple[str, Sequence[Shown]]]:
    """The groups of the menu that hold anything for this person."""
    groups = []
    for called, entries in GROUPS:
        shown = [_shown(entry, here) for entry in entries if opens(entry.endpoint, session)]
        if shown:
            groups.append((called, shown))
    return groups


def opens(endpoint: str, session: StaffSession) -> bool:
    """Whether a page is for this person: a link to another one is not drawn. Raises `Undeclared` for no page at all.

    Without that a link whose page was renamed would be drawn for nobody, and nobody would miss it.
    """
    declared = declared_for(current_app, endpoint)
    if declared is None:
        raise Undeclared(f"there is no page {endpoint}")
    return declared.admits(session)


def _shown(entry: Entry, here: str | None) -> Shown:
    blueprint = (here or "").partition(".")[0]
    is_here = BELONGS.get(blueprint, blueprint) == entry.endpoint.partition(".")[0]
    return Shown(url_for(entry.endpoint), entry.called, entry.icon, is_here)
