"""Every page of this room."""

from __future__ import annotations

from flask import Blueprint

from admin.reports import drilling, earned, quality, sales


def reports() -> list[Blueprint]:
    """What those who sell see, which three modules fill, and what suppliers do."""
    return list(dict.fromkeys([sales.pages, drilling.pages, quality.pages, earned.pages]))
