"""Fields that forms about goods have in common: names in both languages, shelves, amounts, small whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from wtforms import Field, SelectField, StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm
from admin.panel import words
from core.catalog.rules import CATEGORY_NAMES
from core.errors import Invalid
from core.money import Money, from_decimal

SHELVES = tuple(CATEGORY_NAMES)


class Unread(Field):
    """What a form has, but does not keep: cards, and rows that a page reads by their names (`rows-3-code`)."""

    def process_formdata(self, _: list[Any]) -> None:
        """Nothing is kept."""


def sent(row: str, number: int, part: str, *, most: int = 200) -> str:
    """What was typed in one cell of rows of a form, without its outer blanks."""
    return request.form.get(f"{row}-{number}-{part}", "")[:most].strip()


class NamesForm(ActForm):
    """A name in Chinese, and one in English for whoever wants it."""

    name_zh = StringField(validators=[InputRequired(), Length(max=200)])
    name_en = StringField(validators=[Length(max=200)])

    @property
    def names(self) -> dict[str, str]:
        """The names by locale, as they were typed."""
        typed = {"zh-CN": self.name_zh.data or "", "en": (self.name_en.data or "").strip()}
        return {locale: name for locale, name in typed.items() if name or locale == "zh-CN"}


def shelf_choices() -> Sequence[tuple[str, str]]:
    """The categories with their names."""
    return [(shelf.value, words().name(CATEGORY_NAMES[shelf])) for shelf in SHELVES]


def shelf_field() -> SelectField:
    """A field of one category."""
    return SelectField(choices=shelf_choices, validators=[InputRequired()])


def price_of(typed: str | None, currency: str) -> Money:
    """A typed price. Raises `Invalid(what="price")`."""
    try:
        return from_decimal((typed or "").strip(), currency)
    except Invalid:
        raise Invalid(what="price") from None


def whole(typed: str | None, *, what: str) -> int:
    """A typed whole number of at most six plain digits. Raises `Invalid(what=…)`."""
    text = (typed or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise Invalid(what=what)
    return int(text)
