"""The pages about orders, shoppers and cards, and the search box."""

from __future__ import annotations

from flask import Blueprint

from admin.orders import acts, cards, cases, finding, page, shoppers, tasks, tracing


def selling_pages() -> list[Blueprint]:
    """Every page of this room that is no list."""
    return [page.pages, acts.pages, tasks.pages, cases.pages, shoppers.pages, cards.pages, tracing.pages, finding.pages]
