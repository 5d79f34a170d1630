"""All pages about cards: files that are brought, batches, contested cards."""

from __future__ import annotations

from flask import Blueprint

from admin.imports import looking
from admin.stock import acting, contested


def stock() -> list[Blueprint]:
    """Every page of these rooms that is no list."""
    return [looking.pages, acting.pages, contested.pages]
