"""What the rows of a sheet of goods say, and what they come to beside the goods that are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from core.catalog.offered import CODE
from core.catalog.rules import CATEGORY_NAMES, Category
from core.catalog.sheets.cells import SheetUnreadable
from core.errors import Invalid
from core.money import from_decimal
from core.titles import checked_title


class Column(StrEnum):
    """The columns of a sheet, in the order in which they are written."""

    CODE = "code"
    NAME_ZH = "name_zh"
    NAME_EN = "name_en"
    CATEGORY = "category"
    PRICE = "price"
    MOST = "most"
    POSITION = "position"
    ON_SALE = "on_sale"


HEADERS: Mapping[Column, tuple[str, ...]] = {
    Column.CODE: ("编号", "code"),
    Column.NAME_ZH: ("中文名称", "name in chinese", "名称", "name"),
    Column.NAME_EN: ("英文名称", "name in english"),
    Column.CATEGORY: ("分类", "shelf"),
    Column.PRICE: ("价格", "price"),
    Column.MOST: ("单笔最多购买", "at most in one order"),
    Column.POSITION: ("排序", "place among others"),
    Column.ON_SALE: ("在售", "on sale"),
}
"""How a column may be called, the first as it is written in Chinese, the second in English."""

YES = frozenset({"是", "yes", "y", "1", "true", "在售", "√"})
NO = frozenset({"否", "no", "n", "0", "false", "下架"})
SHELVES = {
    **{shelf.value: shelf for shelf in Category},
    **{name.lower(): shelf for shelf, names in CATEGORY_NAMES.items() for name in names.values()},
}


class Kind(StrEnum):
    """What a row comes to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class Wrong(StrEnum):
    """Why a row cannot be taken; the others are."""

    CODE = "code"
    TWICE = "twice"
    NAME = "name"
    CATEGORY = "category"
    PRICE = "price"
    MOST = "most"
    POSITION = "position"
    ON_SALE = "on_sale"
    NEW_NEEDS = "new_needs"  # goods that are new need name, shelf and price
    ARCHIVED = "archived"
    CURRENCY = "currency"
    SHARED = "shared"  # the name of shared goods is not the merchant's
    SHELF = "shelf"  # of goods that are there the shelf is changed at the product


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row as it was read; None where a cell says nothing, which leaves things as they are."""

    line: int
    code: str
    name_zh: str | None = None
    name_en: str | None = None
    category: str | None = None
    price: int | None = None
    most: int | None = None
    position: int | None = None
    on_sale: bool | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A listing as it is; `owns` says whether its product is the merchant's own."""

    listing_id: int
    sku_id: int
    product_id: int
    code: str
    names: Mapping[str, str]
    product_names: Mapping[str, str]
    owns: bool
    category: str
    price: int
    currency: str
    most: int
    position: int
    on_sale: bool
    is_archived: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one row comes to; `changes` has the old and the new value of each field that would change."""

    row: SheetRow
    kind: Kind
    standing: Standing | None = None
    wrong: Wrong | None = None
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def read_rows(cells: Sequence[Sequence[str]], *, currency: str) -> list[SheetRow]:
    """The rows below a header. Raises `SheetUnreadable` where the header names no code."""
    called = {name: column for column, names in HEADERS.items() for name in names}
    places = {called[name.lower()]: place for place, name in enumerate(cells[0]) if name.lower() in called}
    if Column.CODE not in places:
        raise SheetUnreadable(what="sheet", problem="header")
    return [
        _row(line, {column: row[place] for column, place in places.items() if place < len(row)}, currency)
        for line, row in enumerate(cells[1:], start=2)
    ]


def planned(rows: Sequence[SheetRow], there: Mapping[str, Standing], *, currency: str) -> list[Outcome]:
    """What each row comes to, in the order of the sheet."""
    seen: set[str] = set()
    outcomes = []
    for row in rows:
        outcomes.append(_outcome(row, there.get(row.code), is_twice=row.code in seen, currency=currency))
        seen.add(row.code)
    return outcomes


def digest(outcomes: Sequence[Outcome]) -> str:
    """What stands for a whole plan: whoever confirms one confirms no other."""
    said = [[one.row.line, one.kind, one.wrong, list(one.changes.items())] for one in outcomes]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:32]


def as_json(row: SheetRow) -> dict[str, Any]:
    """A row as it is kept."""
    return asdict(row)


def _row(line: int, cells: Mapping[Column, str], currency: str) -> SheetRow:
    said = {column: text for column, text in cells.items() if text}
    code = said.pop(Column.CODE, "").upper()
    read: dict[str, Any] = {}
    if not CODE.fullmatch(code):
        return SheetRow(line, code[:40], wrong=Wrong.CODE)
    for column, text in said.items():
        try:
            read[column.value] = _value(column, text, currency)
        except (Invalid, ValueError, KeyError):
            wrong = Wrong.NAME if column in (Column.NAME_ZH, Column.NAME_EN) else Wrong(column.value)
            return SheetRow(line, code, wrong=wrong)
    return SheetRow(line, code, **read)


def _value(column: Column, text: str, currency: str) -> Any:
    if column in (Column.NAME_ZH, Column.NAME_EN):
        return checked_title(text, what="name")
    if column is Column.CATEGORY:
        return SHELVES[text.lower()].value
    if column is Column.PRICE:
        return from_decimal(text, currency).minor
    if column is Column.ON_SALE:
        if text.lower() not in YES | NO:
            raise ValueError
        return text.lower() in YES
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise ValueError
    if column is Column.MOST and not 1 <= int(text) <= 1000:
        raise ValueError
    return int(text)


def _outcome(row: SheetRow, standing: Standing | None, *, is_twice: bool, currency: str) -> Outcome:
    wrong = Wrong(row.wrong) if row.wrong else Wrong.TWICE if is_twice else None
    if wrong is None and standing is None:
        wrong = None if row.name_zh and row.category and row.price is not None else Wrong.NEW_NEEDS
        return Outcome(row, Kind.WRONG if wrong else Kind.NEW, wrong=wrong)
    if wrong is None and standing is not None:
        wrong = _wrong_with(row, standing, currency)
    if wrong is not None or standing is None:
        return Outcome(row, Kind.WRONG, standing, wrong)
    changes = _changes(row, standing)
    return Outcome(row, Kind.CHANGED if changes else Kind.SAME, standing, changes=changes)


def _wrong_with(row: SheetRow, standing: Standing, currency: str) -> Wrong | None:
    if standing.is_archived:
        return Wrong.ARCHIVED
    if row.price is not None and standing.currency != currency:
        return Wrong.CURRENCY
    if not standing.owns and _names(row, standing) != dict(standing.names):
        return Wrong.SHARED
    return Wrong.SHELF if row.category not in (None, standing.category) else None


def _changes(row: SheetRow, standing: Standing) -> dict[str, tuple[Any, Any]]:
    wanted = {"price": row.price, "most": row.most, "position": row.position, "on_sale": row.on_sale}
    changes = {
        name: (getattr(standing, name), value)
        for name, value in wanted.items()
        if value is not None and value != getattr(standing, name)
    }
    names = _names(row, standing)
    return {**changes, "names": (dict(standing.names), names)} if names != dict(standing.names) else changes


def _names(row: SheetRow, standing: Standing) -> dict[str, str]:
    said = {"zh-CN": row.name_zh, "en": row.name_en}
    return {**standing.names, **{locale: name for locale, name in said.items() if name}}
