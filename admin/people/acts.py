"""What each page and act of the panel is called on the page of what roles open; a test wants a name for every route."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts import mark

ROOMS: Mapping[str, str] = {
    "": mark("Everybody's own"),
    "goods": mark("Goods"),
    "orders": mark("Orders and shoppers"),
    "people": mark("People"),
    "platform": mark("Parties and records"),
    "stock": mark("Stock"),
}
"""By the package of admin/ that a page is in."""

ACTS: Mapping[str, str] = {
    "home.today": mark("Today: sales and what waits"),
    "signing.second": mark("Show the second factor"),
    "signing.second_begin": mark("Set a second factor up"),
    "signing.sign_out": mark("Sign out"),
    "signing.sessions": mark("Own sessions"),
    "signing.end": mark("End own sessions"),
    "signing.party": mark("Act for another of one's parties"),
    "own.password": mark("Change the own password"),
    "own.second": mark("Replace the own authenticator"),
    "people.everyone": mark("See who works here"),
    "people.one": mark("See one person"),
    "inviting.new": mark("Make a login"),
    "persons.roles": mark("Give and take roles"),
    "persons.close": mark("Close a login"),
    "persons.reopen": mark("Open a login again"),
    "persons.password": mark("Give a first password"),
    "persons.second": mark("Take a lost second factor away"),
    "matrix.roles": mark("See what roles open"),
    "orders.index_view": mark("See orders"),
    "orders.details_view": mark("See one order"),
    "listings.index_view": mark("See goods on sale"),
    "listings.details_view": mark("See one of the goods"),
    "selling.price": mark("Change a price"),
    "selling.switch": mark("Put goods on sale, take them off"),
    "batches.index_view": mark("See batches"),
    "batches.details_view": mark("See one batch"),
    "parties.index_view": mark("See parties"),
    "parties.details_view": mark("See one party"),
    "audit.index_view": mark("See the audit"),
    "audit.details_view": mark("See one entry of the audit"),
}
"""By endpoint."""
