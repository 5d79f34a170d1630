"""`batch`: a batch taken off sale and put back from the command line, and what cannot be."""

from datetime import date

import pytest

from core.actor import OPERATOR
from core.config import Config
from core.db import execute
from core.ids import Prefix, new_id, public
from core.stock.moving import move_batch
from core.stock.rules import BatchState
from core.stock.service import available
from tests.builders import NOON, Shop
from tests.support.command_line import Command


def a_batch(shop: Shop, state: str = "selling") -> str:
    no = shop.a_batch(cards=5, state=state)
    return public(Prefix.BATCH, shop.sql("SELECT id FROM batch WHERE no = %s", [no])[0][0])


def on_sale(shop: Shop) -> int:
    sku = shop.a_sku("A1")
    return available(merchant_id=shop.merchant, sku_ids=[sku], usable_on=date(2026, 3, 2)).get(sku, 0)


def test_a_locked_batch_sells_nothing_until_it_is_unlocked_and_the_audit_has_both(
    command: Command, config: Config, shop: Shop
) -> None:
    name = a_batch(shop)
    before = on_sale(shop)

    locked = command(config, "batch", "lock", name, "--reason", "the supplier asked")
    while_locked = on_sale(shop)
    reason = execute("SELECT reason FROM batch")[0][0]
    unlocked = command(config, "batch", "unlock", name, "--reason", "all is well")

    assert locked == (0, f"{name} is locked: nothing of it is sold\n", "")
    assert unlocked == (0, f"{name} is on sale again\n", "")
    assert (before, while_locked, on_sale(shop)) == (5, 0, 5)
    assert reason == "the supplier asked"
    steps = execute("SELECT actor_kind, action FROM audit_entry WHERE object_kind = 'batch' ORDER BY id")
    assert steps == [("operator", "batch.locked"), ("operator", "batch.selling")]


@pytest.mark.parametrize(
    ("state", "move", "sentence"),
    [
        ("locked", "lock", "is locked: only a batch that is selling can be locked"),
        ("selling", "unlock", "is selling: only a batch that is locked can be unlocked"),
        ("recalled", "unlock", "is recalled: only a batch that is locked can be unlocked"),
        ("importing", "unlock", "is importing: only a batch that is locked can be unlocked"),
        ("importing", "lock", "is importing: only a batch that is selling can be locked"),
    ],
)
def test_a_batch_in_another_state_stays_as_it_is(
    command: Command, config: Config, shop: Shop, state: str, move: str, sentence: str
) -> None:
    name = a_batch(shop, state="locked" if state == "recalled" else state)
    if state == "recalled":
        batch_id = shop.sql("SELECT id FROM batch")[0][0]
        move_batch(actor=OPERATOR, batch_id=batch_id, to=BatchState.RECALLED, reason="test", now=NOON)
    before = shop.fingerprint()

    status, _, error = command(config, "batch", move, name, "--reason", "why not")

    assert status == 2
    assert sentence in error
    assert shop.fingerprint() == before
    assert shop.sql("SELECT state FROM batch") == [(state,)]


@pytest.mark.parametrize(
    ("name", "reason", "sentence"),
    [
        ("17", "because", "is no batch number"),
        (public(Prefix.BATCH, new_id()), "because", "there is no batch"),
        (public(Prefix.BATCH, new_id()), "  ", "--reason is empty"),
    ],
    ids=["malformed", "missing", "without a reason"],
)
def test_a_wrong_number_or_an_empty_reason_is_refused_in_one_sentence(
    command: Command, config: Config, shop: Shop, name: str, reason: str, sentence: str
) -> None:
    status, _, error = command(config, "batch", "lock", name, "--reason", reason)

    assert status == 2
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
