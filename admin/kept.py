"""Filters that somebody keeps, as chips above a list and on the first page: one question a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import url_for

from admin.asked import ask
from admin.menu import opens
from admin.panel import signed_in
from bot.texts import mark
from core.parties.kept_filters import address_part, read_part

LISTS: Mapping[str, tuple[str, str]] = {
    "orders": ("orders.index_view", mark("Orders")),
    "shoppers": ("shoppers.index", mark("Shoppers")),
    "audit": ("audit.index_view", mark("Audit")),
    "sales": ("reports.sales", mark("Sales")),
    "goods": ("reports.goods", mark("Best sellers")),
    "profit": ("reports.profit", mark("Profit")),
    "channels": ("reports.channels", mark("Channels")),
    "suppliers": ("reports.suppliers", mark("Suppliers")),
    "earned": ("earned.earned", mark("Sold and earned")),
}
"""Each list whose filters are kept: its page, and what it is called."""

MINE = """
SELECT id, listed, name, cut FROM kept_filter
WHERE staff_id = %(person)s AND party_id = %(party)s AND (%(listed)s = '' OR listed = %(listed)s)
ORDER BY name, id LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept filter; `part` is what of an address it is."""

    id: UUID
    listed: str
    name: str
    part: str

    @property
    def called(self) -> str:
        """The list that it is of (a message id)."""
        return LISTS[self.listed][1]

    @property
    def url(self) -> str:
        """The list, cut so: always a page of the panel, whatever was kept."""
        return at(self.listed, read_part(self.listed, self.part))


@dataclass(frozen=True, slots=True)
class Shelf:
    """What stands above a list: the filters of it that somebody keeps, and where to keep the one in hand ('': none)."""

    chips: Sequence[Kept]
    here: str
    keep_url: str


def at(listed: str, cut: Mapping[str, str]) -> str:
    """The address of a list that is cut so."""
    return url_for(LISTS[listed][0], **cut)  # type: ignore[arg-type]


def mine(listed: str = "") -> Sequence[Kept]:
    """The filters of one list, or of all, that this person keeps at this party; inside `reading`."""
    session = signed_in()
    rows = ask(MINE, person=session.staff_id, party=session.party.id, listed=listed)
    return [Kept(row["id"], row["listed"], row["name"], row["cut"]) for row in rows if row["listed"] in LISTS]


def mine_that_open() -> Sequence[Kept]:
    """All filters that this person keeps, of lists that the roles of today still open; inside `reading`."""
    return [one for one in mine() if opens(LISTS[one.listed][0], signed_in())]


def shelf(listed: str, cut: Mapping[str, str], chips: Sequence[Kept] | None = None) -> Shelf:
    """What stands above this list while it is cut so; inside `reading`, but where `chips` were read before."""
    chips, here = mine(listed) if chips is None else chips, address_part(cut)
    is_new = bool(cut) and here not in {one.part for one in chips}
    return Shelf(chips, here, url_for("filters.keep", listed=listed, **cut) if is_new else "")  # type: ignore[arg-type]
