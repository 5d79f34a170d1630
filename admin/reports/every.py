"""Every page of this room."""

from __future__ import annotations

from flask import Blueprint

from admin.reports import (
    drilling,  # noqa: F401 - its pages join those of `sales`
    earned,
    quality,  # noqa: F401 - its pages join those of `sales`
    sales,
)


def reports() -> list[Blueprint]:
    """What those who sell see, and what suppliers do."""
    return [sales.pages, earned.pages]
