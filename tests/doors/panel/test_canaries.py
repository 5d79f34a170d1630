"""Fault 88: a canary in every text that people write, looked for on every page, about objects that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.routing import Rule

from core.parties.rules import ROLES_OF, PartyKind
from tests.builders import Shop
from tests.doors.panel.access import rows_of, said
from tests.doors.panel.foreign import NO_OBJECTS, OBJECTS, SUPPLIERS, World
from tests.doors.panel.test_access import FILES, filled, parameters_of, way_of
from tests.support.panel import NOTHING, Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]

EVIL = "</script><img src=x onerror='a\"'>{{7*7}}%(x)s{x}"
NAMES = "jsonb_build_object('en', %(evil)s::text, 'zh-CN', %(evil)s::text)"
TEXTS = {
    "batch": ("source_name", "reason"),
    "api_key": ("called",),
    "upload": ("file_name",),
    "goods_sheet": ("file_name",),
    "brought_file": ("secret_column",),
    "card": ("mask",),
    "chat_account": ("username",),
    "payment_event": ("external_id",),
    "product": ("aliases",),
    "staff": ("name",),
    "staff_session": ("browser", "network"),
    "order_line": ("gate_reason", "listing_code"),
    "party_application": ("contact", "sells"),
    "shop_front": ("contact",),
}
NAMED = ("party", "product", "sku", "issuer", "chat_account", "gateway_account", "order_line")
MORE = (
    f"UPDATE product SET texts = jsonb_build_object('summary', {NAMES}, 'redeem', {NAMES})",
    "UPDATE sku SET axes = jsonb_build_object('period', %(evil)s::text)",
    f"UPDATE shop_front SET greeting = {NAMES}, notice = {NAMES}",
)
"""Kept in other ways than as one text, or as one name in each language."""


@pytest.mark.parametrize("kind", [PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PLATFORM])
def test_what_people_wrote_is_text_wherever_it_stands(panel: Panel, shop: Shop, kind: PartyKind) -> None:
    browser, parties = panel(), {PartyKind.MERCHANT: shop.merchant, PartyKind.PLATFORM: shop.platform}
    parties[PartyKind.SUPPLIER] = shop.a_party("brand1", kind="supplier")
    people = [a_seat(panel(), shop, parties[one], "finance") for one in (PartyKind.MERCHANT, PartyKind.SUPPLIER)]
    world, objects = World(shop, *people), {**OBJECTS, **(SUPPLIERS if kind is PartyKind.SUPPLIER else {})}
    a_seat(browser, shop, parties[kind], *ROLES_OF[kind])
    rules = looks_for(browser.app, kind)
    named = sorted({one for rule in rules for one in parameters_of(rule)} & set(objects))
    made: dict[str, Any] = {**NO_OBJECTS, **{one: objects[one](world) for one in named}}
    written(shop)

    answers = {address: browser.get(address) for address in addresses(rules, made)}
    pages = {
        address: answer.get_data().decode(errors="replace")
        for address, answer in answers.items()
        if answer.is_json is False
    }

    assert {address: answer.status_code for address, answer in answers.items() if answer.status_code >= 500} == {}
    assert {a for a, page in pages.items() if answers[a].mimetype == "text/html" and "<img src=x" in page} == set()
    assert sum("&lt;img src=x" in page for page in pages.values()) > 20


def written(shop: Shop) -> None:
    """Put the canary where people write, past every check that would refuse it."""
    shop.sql(
        "INSERT INTO shop_front (merchant_id, changed_at) SELECT id, now() FROM party WHERE kind = 'merchant' LIMIT 1"
    )
    shop.sql(
        "INSERT INTO party_application (party_id, contact, email, sells, network_hash, applied_at)"
        " SELECT id, 'x', 'x@y', 'x', sha256('x'), now() FROM party WHERE kind = 'supplier' LIMIT 1"
    )
    for table, columns in TEXTS.items():
        for column in columns:
            shop.sql(f"UPDATE {table} SET {column} = %s", [EVIL])
    for table in NAMED:
        shop.sql(f"UPDATE {table} SET names = {NAMES}", {"evil": EVIL})  # type: ignore[arg-type]
    for statement in MORE:
        shop.sql(statement, {"evil": EVIL})  # type: ignore[arg-type]


def looks_for(app: Flask, kind: PartyKind) -> list[Rule]:
    """The pages that people of one kind of party look at."""
    who = {row.address: row.who for row in rows_of(app)}
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in FILES
        and "GET" in (rule.methods or set())
        and any(one.startswith((kind, "anyone")) for one in who[said(rule)])
    ]


def addresses(rules: list[Rule], made: dict[str, Any]) -> Iterator[str]:
    """Their addresses, about the objects that are there."""
    for rule in rules:
        blueprint = rule.endpoint.partition(".")[0]
        values = {one: str(made.get(f"{blueprint}.{one}", NOTHING[way_of(rule, one)])) for one in rule.arguments}
        is_row = f"{blueprint}.id" in parameters_of(rule)
        yield filled(rule, values) + ("?" + urlencode({"id": made[f"{blueprint}.id"]}) if is_row else "")
