"""Fees as people write them: percent with up to two decimals, kept as basis points."""

from __future__ import annotations

import re

from core.errors import Invalid

PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")


def basis_points(said: str | None) -> int:
    """2.5 → 250. Raises `Invalid` for what is no percentage from 0 to 100 with two decimals at most."""
    text = (said or "").strip().removesuffix("%").strip()
    if not PERCENT.fullmatch(text):
        raise Invalid(what="fee")
    whole, _, part = text.partition(".")
    points = int(whole) * 100 + int(part.ljust(2, "0") or "0")
    if points > 10_000:
        raise Invalid(what="fee")
    return points


def percent(points: int) -> str:
    """250 → 2.5."""
    whole, part = divmod(points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)
