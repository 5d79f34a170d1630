"""Cards that a merchant or a supplier brings by the panel: sealed, asked for once, imported, told to no chat."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.actor import Actor, ActorKind
from core.config import Config
from core.conversations.handing import ask_import, hand_over
from core.conversations.restocking import BadCost, CostNotYours, RestockTooOften, UnknownGoods
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.service import Role
from tests.builders import NOON, Shop
from tests.support.restock import Worker, a_member, nothing_came
from tests.support.vaults import DeskVault

CSV = b"note,secret\nx,TENC-0001\ny,TENC-0002\ny,TENC-0002\n"


def somebody(shop: Shop, party: int, role: Role) -> Actor:
    staff = a_member(shop, party, role, email=f"{role.value}@{party}.test")
    return Actor(ActorKind.STAFF, staff, party, frozenset({role}))


def bring(config: Config, actor: Actor, party: int, sku: int, **more: Any) -> UUID:
    given: dict[str, Any] = {"file": io.BytesIO(CSV), "name": "cards.csv", "submission_id": "form-1", "now": NOON}
    return hand_over(
        actor=actor,
        party_id=party,
        sku_id=sku,
        vault_public=config.secret(config.vault.public_key).reveal(),
        seal_key=config.secret(config.secrets.seal_key),
        **{**given, **more},
    )


def test_a_file_by_the_panel_is_imported_once_and_told_to_no_chat(shop: Shop, vault: DeskVault, worker: Worker) -> None:
    merchant = somebody(shop, shop.merchant, Role.CATALOG)
    sku = shop.a_sku("A1")

    first = bring(vault.config, merchant, shop.merchant, sku, column="secret", unit_cost="3.5")
    again = bring(vault.config, merchant, shop.merchant, sku, column="secret", unit_cost="3.5")

    assert first == again
    assert (shop.count("restock"), shop.count("upload")) == (1, 1)
    assert worker.carries_out() == 1
    assert shop.sql("SELECT state, added, duplicates, refused, problem FROM restock") == [("done", 2, 1, 0, None)]
    assert shop.sql("SELECT terms, owner_id, unit_cost_micro, source_name, card_count FROM batch") == [
        ("own", shop.merchant, 3_500_000, "cards.csv", 2)
    ]
    assert shop.sql("SELECT party_id, actor_id FROM audit_entry WHERE action = 'restock.asked'") == [
        (shop.merchant, merchant.id)
    ]
    assert shop.count("message") == 0
    (used,) = shop.sql("SELECT id FROM upload")[0]
    for upload in (used, new_id()):  # imported before, or not there
        with pytest.raises(NotFound):
            ask_import(
                actor=merchant,
                party_id=shop.merchant,
                sku_id=sku,
                upload_id=upload,
                submission_id="form-2",
                seal_key=vault.config.secret(vault.config.secrets.seal_key),
                now=NOON,
            )

    supplier = somebody(shop, shop.a_party("brand1"), Role.STOCK)
    bring(vault.config, supplier, shop.a_party("brand1"), sku, file=io.BytesIO(b"BRND-0009"), name="one.txt")
    worker.carries_out()
    assert shop.sql("SELECT terms, card_count FROM batch WHERE owner_id <> %s", [shop.merchant]) == [("consigned", 1)]


def test_what_may_not_be_brought_by_the_panel_is_not_kept(
    shop: Shop, vault: DeskVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-T1: another party's pool, another party's goods, roles that bring no stock; also bad costs and columns."""
    sku, brand = shop.a_sku("A1"), shop.a_party("brand1")
    other = shop.a_party("other", "merchant")
    foreign = shop.sql(
        "WITH p AS (INSERT INTO product (owner_id, code, kind, category, names, created_at)"
        """ VALUES (%s, 'foreign', 'card_key', 'video', '{"zh-CN": "x"}', now()) RETURNING id)"""
        " INSERT INTO sku (product_id, code, names, issuer_id, created_at)"
        """ SELECT p.id, 'F1', '{"zh-CN": "x"}', (SELECT min(id) FROM issuer), now() FROM p RETURNING id""",
        [other],
    )[0][0]
    merchant = somebody(shop, shop.merchant, Role.CATALOG)
    finance = somebody(shop, shop.merchant, Role.FINANCE)
    auditor = Actor(ActorKind.STAFF, finance.id, shop.merchant, frozenset({Role.AUDITOR}))
    both = Actor(ActorKind.STAFF, merchant.id, shop.merchant, frozenset({Role.AUDITOR, Role.CATALOG}))
    supplier = somebody(shop, brand, Role.STOCK)
    own: tuple[Actor, int, int] = (merchant, shop.merchant, sku)
    refused: list[tuple[type[Exception], tuple[Actor, int, int], dict[str, Any]]] = [
        (NotFound, (merchant, other, sku), {}),
        (UnknownGoods, (merchant, shop.merchant, foreign), {}),
        (NotAllowed, (finance, shop.merchant, sku), {}),
        (NotAllowed, (auditor, other, sku), {}),
        (NotAllowed, (both, other, sku), {}),
        (CostNotYours, (supplier, brand, sku), {"unit_cost": "1"}),
        (BadCost, own, {"unit_cost": "NaN"}),
        (Invalid, own, {"column": "a\0b"}),
        (Invalid, own, {"column": "a" * 201}),
    ]
    for kind, who, more in refused:
        with pytest.raises(kind):
            bring(vault.config, *who, **more)
    assert nothing_came(shop)

    monkeypatch.setattr("core.conversations.handing.A_DAY", 1)
    bring(vault.config, *own)
    with pytest.raises(RestockTooOften):
        bring(vault.config, *own, submission_id="form-2")
    assert shop.count("upload") == 1
    bring(vault.config, *own, submission_id="form-2", now=NOON + timedelta(days=1, seconds=1))
