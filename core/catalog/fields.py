"""What a buyer has to tell for goods that are topped up: which fields a SKU asks for, and what may stand in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, execute
from core.errors import Invalid, NotFound
from core.parties.service import Role, require_change
from core.titles import BIDI_CONTROLS, Names, checked_names

NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
MOST_FIELDS = 6

OWNER = "SELECT p.owner_id FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id = %s"
FIELDS = """
SELECT sku_id, name, labels, format, is_secret FROM buyer_field WHERE sku_id = ANY (%s) ORDER BY sku_id, position
"""
FORGET = "DELETE FROM buyer_field WHERE sku_id = %s"
ADD = "INSERT INTO buyer_field (sku_id, name, position, labels, format, is_secret) VALUES (%s, %s, %s, %s, %s, %s)"


class FieldFormat(StrEnum):
    """What may stand in a field; checked at the door, before a secret one is sealed."""

    DIGITS = "digits"  # 4 to 20 digits: a QQ number, a game id
    PHONE = "phone"  # a mobile number of the Chinese mainland
    ACCOUNT = "account"  # one word: a name, an e-mail address
    TEXT = "text"  # a line of up to 128 signs: a password


PATTERNS = {
    FieldFormat.DIGITS: re.compile(r"[0-9]{4,20}"),
    FieldFormat.PHONE: re.compile(r"1[3-9][0-9]{9}"),
    FieldFormat.ACCOUNT: re.compile(r"\S{2,64}"),
    FieldFormat.TEXT: re.compile(r"[^\n]{1,128}"),
}


@dataclass(frozen=True, slots=True)
class BuyerField:
    """One field of a SKU: its name in our tables, its label by locale, what may stand in it, whether it is a secret."""

    name: str
    labels: Names
    format: FieldFormat
    is_secret: bool


def fits(field: BuyerField, typed: str) -> str | None:
    """What was typed, as it is kept; None where it is not of the field's format.

    Outer blanks go, except from a text: there they may belong to a password. Full-width digits are read as digits.
    """
    text = typed if field.format is FieldFormat.TEXT else typed.strip()
    if field.format in (FieldFormat.DIGITS, FieldFormat.PHONE):
        text = unicodedata.normalize("NFKC", text).replace(" ", "")
    is_clean = not any(unicodedata.category(sign) in ("Cc", "Cs") or sign in BIDI_CONTROLS for sign in text)
    return text if is_clean and PATTERNS[field.format].fullmatch(text) else None


def fields_of(*, sku_ids: Sequence[int]) -> dict[int, list[BuyerField]]:
    """The fields of SKUs in their order; those that ask for nothing are absent."""
    found: dict[int, list[BuyerField]] = {}
    for sku_id, name, labels, form, is_secret in execute(FIELDS, (list(sku_ids),)):
        found.setdefault(int(sku_id), []).append(BuyerField(name, labels, FieldFormat(form), is_secret))
    return found


def set_fields(*, actor: Actor, sku_id: int, fields: Sequence[BuyerField], now: datetime) -> None:
    """What buyers of a SKU are asked for from now on. Raises `NotFound`, `NotAllowed`, `Invalid`."""
    rows = execute(OWNER, (sku_id,))
    if not rows:
        raise NotFound("sku")
    require_change(actor, rows[0][0], Role.CATALOG, what="sku")
    names = [field.name for field in fields]
    if len(fields) > MOST_FIELDS or len(set(names)) != len(names) or not all(map(NAME.fullmatch, names)):
        raise Invalid(what="fields")
    with atomic():
        execute(FORGET, (sku_id,))
        for place, field in enumerate(fields):
            labels = Jsonb(checked_names(field.labels, what="label"))
            execute(ADD, (sku_id, field.name, place, labels, field.format.value, field.is_secret))
        audit.append(
            actor=actor,
            action="sku.fields_set",
            object_kind="sku",
            object_id=sku_id,
            detail={"fields": ", ".join(names)},
            party_id=rows[0][0],
            now=now,
        )
