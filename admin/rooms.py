"""All rooms of the panel: their pages and lists, in one place."""

from __future__ import annotations

from flask import Blueprint

from admin import home, keeping, signing
from admin.exports import asking as exporting
from admin.goods.every import goods, goods_lists
from admin.orders.every import selling_pages
from admin.orders.lists import Orders
from admin.people import changing, inviting, lists, matrix, own
from admin.platform.every import platform
from admin.platform.lists import Audit, Parties
from admin.reports.every import reports
from admin.rows import AuditRow, BatchRow, OrderRow, PartyRow
from admin.scoped import ScopedView
from admin.setup.every import setting_up
from admin.stock.every import stock
from admin.stock.lists import Batches
from admin.supplying.every import supplying


def all_pages() -> list[Blueprint]:
    """Every page that is no list."""
    return [
        signing.pages,
        home.pages,
        keeping.pages,
        *reports(),
        exporting.pages,
        *goods(),
        *selling_pages(),
        *stock(),
        *setting_up(),
        lists.pages,
        inviting.pages,
        changing.pages,
        own.pages,
        matrix.pages,
        *supplying(),
        *platform(),
    ]


def all_lists() -> list[ScopedView]:
    """Every list with its place in the panel."""
    return [
        Orders(OrderRow, endpoint="orders", url="/orders"),
        *goods_lists(),
        Batches(BatchRow, endpoint="batches", url="/batches"),
        Parties(PartyRow, endpoint="parties", url="/parties"),
        Audit(AuditRow, endpoint="audit", url="/audit"),
    ]
