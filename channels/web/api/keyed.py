"""What other systems of a party read with its key: stock, batches, sales of the own hop; nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.tokens import refuse_in_address
from core.errors import NotFound
from core.ids import Prefix, parse, public
from core.parties.api_keys import KeyHolder, Scope, holder_of
from core.secret import Secret
from core.supply.own_hop import batches_of, sales_of_hop, stock_of_hop

PER_MINUTE = 300  # requests of one key
LONGEST_SPAN = 92  # days of sales in one answer
MOST = 100

Told = Callable[[Door, KeyHolder, dict[str, str]], dict[str, Any]]


async def stock(request: Request) -> Response:
    """`{"items": [{"sku", "on_sale", "stopped", "sold", "left", "last_brought"}]}`."""
    return await _answer(request, Scope.STOCK_READ, _stock)


async def batches(request: Request) -> Response:
    """`{"items": [{"batch", "sku", "state", "terms", "cards", "expires", "brought"}], "next"}`."""
    return await _answer(request, Scope.BATCHES_READ, _batches)


async def sales(request: Request) -> Response:
    """`{"items": [{"day", "sku", "buyer", "cards", "amount", "returned"}]}` from `from` to `to`, both days included."""
    return await _answer(request, Scope.SALES_READ, _sales)


async def _answer(request: Request, scope: Scope, told: Told) -> Response:
    refuse_in_address(request)
    door: Door = request.app.state.door
    scheme, _, whole = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    address = request.client.host if request.client else ""
    asked = {name: value for name, value in request.query_params.items() if "\0" not in value}
    part = await door.run(_held, door, Secret(whole.strip()), address, scope, asked, told)
    return JSONResponse(part, headers=SAFE_HEADERS)


def _held(door: Door, whole: Secret, address: str, scope: Scope, asked: dict[str, str], told: Told) -> dict[str, Any]:
    try:
        holder = holder_of(whole=whole, address=address, now=door.shop.clock.now())
    except NotFound:
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"}) from None
    if scope not in holder.scopes:
        raise Problem(403, f"This key does not have the scope {scope.value}.")
    if door.counter.hit(f"key:{holder.id}", seconds=60) > PER_MINUTE:
        raise Problem(429, "Too many requests of one key.", headers={"Retry-After": "20"})
    return told(door, holder, asked)


def _stock(door: Door, holder: KeyHolder, asked: dict[str, str]) -> dict[str, Any]:
    del door, asked
    items = [
        {
            "sku": one.sku,
            "on_sale": one.brought,
            "stopped": one.stopped,
            "sold": one.sold,
            "left": one.left,
            "last_brought": one.last_brought.isoformat(),
        }
        for one in stock_of_hop(party_id=holder.party_id)
    ]
    return {"items": items}


def _batches(door: Door, holder: KeyHolder, asked: dict[str, str]) -> dict[str, Any]:
    del door
    limit = asked.get("limit", "50")
    if not (limit.isascii() and limit.isdecimal() and 1 <= len(limit) <= 3 and 1 <= int(limit) <= MOST):
        raise Problem(422, f"limit must be a whole number from 1 to {MOST}.")
    try:
        after = parse(Prefix.BATCH, asked["after"]) if "after" in asked else None
    except NotFound:
        raise Problem(422, "after is a cursor that an earlier answer gave.") from None
    found = batches_of(party_id=holder.party_id, after=after, limit=int(limit))
    items = [
        {
            "batch": public(Prefix.BATCH, one.id),
            "sku": one.sku,
            "state": one.state,
            "terms": one.terms,
            "cards": one.cards,
            "expires": one.expires_on.isoformat() if one.expires_on else None,
            "brought": one.brought_at.isoformat(),
        }
        for one in found
    ]
    return {"items": items, "next": items[-1]["batch"] if len(items) == int(limit) else None}


def _sales(door: Door, holder: KeyHolder, asked: dict[str, str]) -> dict[str, Any]:
    zone, now = ZoneInfo(door.shop.order_policy.zone), door.shop.clock.now()
    today = now.astimezone(zone).date()
    last = _day(asked.get("to"), today)
    first = _day(asked.get("from"), last - timedelta(days=6))
    if not timedelta(0) <= last - first < timedelta(days=LONGEST_SPAN):
        raise Problem(422, f"from is no later than to, and at most {LONGEST_SPAN} days lie between them.")
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    found = sales_of_hop(party_id=holder.party_id, since=since, until=until, zone=zone.key)
    items = [
        {
            "day": one.day.isoformat(),
            "sku": one.sku,
            "buyer": one.buyer,
            "cards": one.units,
            "amount": {"minor": one.amount_minor, "currency": one.currency},
            "returned": {"minor": one.returned_minor, "currency": one.currency},
        }
        for one in found
    ]
    return {"items": items}


def _day(said: str | None, otherwise: date) -> date:
    if said is None:
        return otherwise
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise Problem(422, "from and to are days like 2026-11-25.") from None
    if not 2000 <= day.year < 2200:
        raise Problem(422, "from and to are days like 2026-11-25.")
    return day
