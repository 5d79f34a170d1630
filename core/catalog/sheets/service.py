"""Keeping a sheet, showing what it would do, doing it, and undoing the last one within a day.

Orders keep the price that they were placed at, whatever a sheet or its undoing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.catalog.changes import set_on_sale, set_price
from core.catalog.editing import archive_listing, change_listing
from core.catalog.goods import NewGoods, create_goods
from core.catalog.rules import Category
from core.catalog.sheets.rows import Kind, Outcome, SheetRow, Standing, as_json, digest, planned, read_rows
from core.catalog.sheets.workbook import read_file
from core.db import atomic, changed, execute
from core.errors import Conflict, NotAllowed, NotFound
from core.ids import new_id
from core.money import Money
from core.parties.service import Role, require_change

UNDONE_WITHIN = timedelta(days=1)

TURN = "SELECT pg_advisory_xact_lock(7190, hashint8(%s))"
KEEP = (
    "INSERT INTO goods_sheet (id, merchant_id, staff_id, file_name, rows, created_at) VALUES (%s, %s, %s, %s, %s, %s)"
)
SHEET = "SELECT rows, before, applied_at, undone_at FROM goods_sheet WHERE id = %s AND merchant_id = %s"
LAST = """
SELECT id FROM goods_sheet WHERE merchant_id = %s AND applied_at IS NOT NULL ORDER BY applied_at DESC, id DESC LIMIT 1
"""
APPLIED = "UPDATE goods_sheet SET before = %s, applied_at = %s WHERE id = %s AND applied_at IS NULL"
UNDONE = "UPDATE goods_sheet SET undone_at = %s WHERE id = %s AND undone_at IS NULL"
STANDING = """
SELECT l.id, l.sku_id, s.product_id, l.code, coalesce(nullif(s.names, '{}'), p.names), p.names,
       p.owner_id = l.merchant_id, p.category, l.price_minor, l.currency, l.maximum_quantity, l.position, l.on_sale,
       l.archived_at IS NOT NULL OR s.archived_at IS NOT NULL OR p.archived_at IS NOT NULL
FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
WHERE l.merchant_id = %s AND (%s::text[] IS NULL OR l.code = ANY (%s::text[])) ORDER BY l.position, l.code
"""
RENAME_SKU = "UPDATE sku SET names = %s WHERE id = %s AND names = ANY (ARRAY[%s, '{}'::jsonb])"
RENAME_PRODUCT = "UPDATE product SET names = %s WHERE id = %s AND names = %s"


class SheetMoved(Conflict):
    """The goods have changed since this was shown."""


class TooLateToUndo(Conflict):
    """It was applied more than a day ago, another sheet came after it, or it was undone before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many fields are as they were, and how many were left because somebody changed them since."""

    restored: int
    left: int


def keep_sheet(*, actor: Actor, merchant_id: int, file_name: str, content: bytes, currency: str, now: datetime) -> UUID:
    """Read a sheet and keep its rows to be looked at; nothing of the goods changes. Raises `SheetUnreadable`."""
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if actor.id is None:
        raise NotAllowed
    rows = read_rows(read_file(content, file_name=file_name), currency=currency)
    sheet = new_id()
    name = "".join(sign for sign in file_name if sign.isprintable())[-200:] or "sheet"
    execute(KEEP, (sheet, merchant_id, actor.id, name, Jsonb([as_json(row) for row in rows]), now))
    return sheet


def plan_of(*, actor: Actor, merchant_id: int, sheet_id: UUID, currency: str) -> list[Outcome]:
    """What a sheet comes to now. Raises `NotFound`."""
    rows, _, _, _ = _sheet(actor, merchant_id, sheet_id)
    return _planned(merchant_id, rows, currency)


def apply_sheet(
    *, actor: Actor, merchant_id: int, sheet_id: UUID, seen: str, currency: str, now: datetime
) -> tuple[int, int]:
    """Do what `seen` (the digest of a plan) showed: all good rows together, wrong ones left out. (new, changed).

    Raises `NotFound`, `NotAllowed`, `SheetMoved`, and what making goods raises; then nothing is done.
    """
    with atomic():
        execute(TURN, (merchant_id,))
        rows, _, applied_at, _ = _sheet(actor, merchant_id, sheet_id)
        plan = _planned(merchant_id, rows, currency)
        if applied_at is not None or digest(plan) != seen:
            raise SheetMoved
        before: list[dict[str, Any]] = []
        for one in plan:
            if one.kind is Kind.NEW:
                before.append(_make(actor, merchant_id, one.row, currency, now))
            elif one.kind is Kind.CHANGED and one.standing is not None:
                before.append(_change(actor, one.standing, {name: new for name, (_, new) in one.changes.items()}, now))
        changed(APPLIED, (Jsonb(before), now, sheet_id))
        _audited(actor, "goods_sheet.applied", sheet_id, merchant_id, now, rows=len(before))
    made = sum(1 for one in before if one["new"])
    return made, len(before) - made


def undo_sheet(*, actor: Actor, merchant_id: int, sheet_id: UUID, now: datetime) -> Undone:
    """Put back what the last sheet changed, within a day: prices, names, limits, on or off; what it made is put away.

    What somebody changed since stays. Raises `NotFound`, `NotAllowed`, `TooLateToUndo`.
    """
    with atomic():
        execute(TURN, (merchant_id,))
        _, before, applied_at, undone_at = _sheet(actor, merchant_id, sheet_id)
        is_last = execute(LAST, (merchant_id,)) == [(sheet_id,)]
        if applied_at is None or undone_at is not None or not is_last or now - applied_at > UNDONE_WITHIN:
            raise TooLateToUndo
        there = {one.listing_id: one for one in standing(merchant_id=merchant_id)}
        restored = left = 0
        for entry in before:
            one = there[entry["listing"]]
            if entry["new"]:
                archive_listing(actor=actor, listing_id=one.listing_id, archived=True, now=now)
                restored += 1
                continue
            back = {name: old for name, (old, new) in entry["set"].items() if getattr(one, name) == new}
            left += len(entry["set"]) - len(back)
            restored += len(back)
            if one.is_archived and back.get("on_sale"):
                del back["on_sale"]
            _change(actor, one, back, now)
        changed(UNDONE, (now, sheet_id))
        _audited(actor, "goods_sheet.undone", sheet_id, merchant_id, now, restored=restored, left=left)
    return Undone(restored, left)


def standing(*, merchant_id: int, codes: Sequence[str] | None = None) -> list[Standing]:
    """What a merchant has listed, or those of these codes."""
    given = list(codes) if codes is not None else None
    return [Standing(*row) for row in execute(STANDING, (merchant_id, given, given))]


def _sheet(
    actor: Actor, merchant_id: int, sheet_id: UUID
) -> tuple[list[SheetRow], Any, datetime | None, datetime | None]:
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    found = execute(SHEET, (sheet_id, merchant_id))
    if not found:
        raise NotFound("goods_sheet")
    rows, before, applied_at, undone_at = found[0]
    return [SheetRow(**row) for row in rows], before, applied_at, undone_at


def _planned(merchant_id: int, rows: Sequence[SheetRow], currency: str) -> list[Outcome]:
    there = standing(merchant_id=merchant_id, codes=[row.code for row in rows])
    return planned(rows, {one.code: one for one in there}, currency=currency)


def _make(actor: Actor, merchant_id: int, row: SheetRow, currency: str, now: datetime) -> dict[str, Any]:
    names = {"zh-CN": row.name_zh or "", **({"en": row.name_en} if row.name_en else {})}
    made = create_goods(
        actor=actor,
        merchant_id=merchant_id,
        goods=NewGoods(
            names=names,
            category=Category(row.category or ""),
            code=row.code,
            price=Money(row.price or 0, currency),
            maximum_quantity=row.most or 100,
            position=row.position or 0,
            on_sale=row.on_sale is not False,
        ),
        now=now,
    )
    return {"listing": made.listing_id, "new": True, "set": {}}


def _change(actor: Actor, one: Standing, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Give a listing these values; returns what they were, as undoing reads it."""
    if "price" in values:
        set_price(actor=actor, listing_id=one.listing_id, price=Money(values["price"], one.currency), now=now)
    if values.keys() & {"most", "position"}:
        change_listing(
            actor=actor,
            listing_id=one.listing_id,
            maximum_quantity=values.get("most", one.most),
            position=values.get("position", one.position),
            now=now,
        )
    if "names" in values:
        _rename(actor, one, values["names"], now)
    if "on_sale" in values:
        set_on_sale(actor=actor, listing_id=one.listing_id, on_sale=values["on_sale"], now=now)
    return {
        "listing": one.listing_id,
        "new": False,
        "set": {name: [_plain(getattr(one, name)), value] for name, value in values.items()},
    }


def _rename(actor: Actor, one: Standing, names: dict[str, str], now: datetime) -> None:
    """Another name for a variant of one's own; its product goes along where it has the same name."""
    if not one.owns:
        raise NotAllowed
    new, old = Jsonb(names), Jsonb(dict(one.names))
    changed(RENAME_SKU, (new, one.sku_id, old))
    changed(RENAME_PRODUCT, (new, one.product_id, old))
    audit.append(
        actor=actor, action="sku.changed", object_kind="sku", object_id=one.sku_id, party_id=actor.party_id, now=now
    )


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value


def _audited(actor: Actor, action: str, sheet_id: UUID, merchant_id: int, now: datetime, **detail: int) -> None:
    audit.append(
        actor=actor,
        action=action,
        object_kind="goods_sheet",
        object_id=sheet_id,
        detail=detail,
        party_id=merchant_id,
        now=now,
    )
