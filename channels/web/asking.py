"""What the checkout page asks of a buyer whose account is topped up by a person; what is secret is sealed right here.

Nothing that was typed is ever shown again: the page may be shared ("pay for me").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.texts import Texts
from channels.web.bill import OPEN, Trouble
from channels.web.door import Door
from channels.web.till import check_of, state_of
from core.catalog.fields import FieldFormat
from core.errors import Refusal, error_id
from core.fulfilment.fields import FieldRefused, FieldsClosed, asked_fields, give_fields
from core.orders.rules import LineGate
from core.orders.service import OrderView
from core.secret import Secret
from core.titles import worded

BUTTON = "fields"
TAKES = OPEN | {"paid", "in_review"}


def asked(door: Door, token: str, view: OrderView, texts: Texts) -> dict[str, Any]:
    """`{"fields", "fields_missing", "fields_check", "fields_action"}` of the page's template."""
    if not any(line.gate is LineGate.TASK for line in view.lines) or state_of(view) not in TAKES:
        return {}
    fields = [
        {
            "input": one.input_name,
            "id": f"field-{place}",
            "label": worded(one.field.labels, texts.locale),
            "hint": hint(one.field.format, texts),
            "is_secret": one.field.is_secret,
            "is_given": one.is_given,
            "mode": "numeric" if one.field.format in (FieldFormat.DIGITS, FieldFormat.PHONE) else "text",
        }
        for place, one in enumerate(asked_fields(order_id=view.id))
    ]
    return {
        "fields": fields,
        "fields_missing": any(not one["is_given"] for one in fields),
        "fields_check": check_of(door, token),
        "fields_action": f"/pay/{token}",
    }


def hint(form: FieldFormat, texts: Texts) -> str:
    """What may stand in a field."""
    match form:
        case FieldFormat.DIGITS:
            return texts.say("Digits only")
        case FieldFormat.PHONE:
            return texts.say("A mobile number with 11 digits")
        case FieldFormat.ACCOUNT:
            return texts.say("Without blanks")
        case FieldFormat.TEXT:
            return texts.say("Exactly as you type it to sign in")


def give(door: Door, view: OrderView, typed: Mapping[str, list[str]]) -> None:
    """Keep what was typed. Raises `FieldRefused`, `FieldsClosed`, `FieldsLater`."""
    given = {name: Secret(values[0]) for name, values in typed.items() if ":" in name and values[0]}
    public = door.shop.pickup_public() if door.shop.pickup_public else None
    give_fields(order_id=view.id, typed=given, vault_public=public, now=door.shop.clock.now())


def trouble_of(refusal: Refusal, texts: Texts) -> Trouble:
    """A refusal in words; what was typed is in none of them."""
    match refusal:
        case FieldRefused():
            text = texts.say("One of these is not right yet. Nothing was kept; please check what you typed.")
        case FieldsClosed():
            text = texts.say("This order takes no changes any more. Please ask the shop in the chat.")
        case _:
            text = texts.say("This cannot be kept right now. Nothing was charged; please try again shortly.")
    return Trouble(text, error_id())
