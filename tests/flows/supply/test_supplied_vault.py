"""What the vault imports of a supplier's answer, and what it refuses whoever asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.ids import new_id
from core.vault.client import FileNotImported, VaultCode, VaultRefused
from tests.builders import Talker
from tests.support.supplying import Supplied

KEYS = ["AAAA-1111-KKKK", "BBBB-2222-KKKK"]


def answered(supplied: Supplied, talker: Talker, quantity: int = 2) -> UUID:
    """A request whose keys are sealed and not counted yet."""
    supplied.double.keys = supplied.double.keys or KEYS
    order = supplied.bought(talker, quantity)
    supplied.carries_out(order)
    supplied.till.wait(seconds=5)
    supplied.vault_is_away = True
    with pytest.raises(Exception, match="vault"):
        supplied.carries_out(order)
    ((request,),) = supplied.till.shop.sql("SELECT id FROM supplier_request")
    return UUID(str(request))


def refusal(supplied: Supplied, request: UUID) -> tuple[VaultCode, Any]:
    """How the vault says no; no batch is there after it."""
    with pytest.raises(VaultRefused) as refused:
        supplied.vault.client.import_supplied(request)
    assert supplied.till.shop.sql("SELECT count(*) FROM batch WHERE state <> 'abandoned'") == [(0,)]
    return refused.value.vault_code, refused.value.params.get("problem")


def test_the_vault_brings_in_once_what_a_request_brought_and_locks_it_for_its_lines(
    supplied: Supplied, talker: Talker
) -> None:
    request = answered(supplied, talker)

    first, again = (supplied.vault.client.import_supplied(request) for _ in range(2))

    assert (first, first.added, first.batch) == (again, 2, again.batch)
    assert supplied.till.shop.sql("SELECT state, reason, card_count FROM batch") == [("locked", "supplied", 2)]
    assert supplied.till.shop.sql("SELECT actor_kind FROM audit_entry WHERE action = 'batch.imported'") == [("system",)]


@pytest.mark.parametrize(
    ("bend", "problem"),
    [
        pytest.param("UPDATE hold SET state = 'released'", "not_allowed", id="its lines are not paid"),
        pytest.param("UPDATE order_line SET gate = 'none'", "not_allowed", id="its lines wait for no supplier"),
        pytest.param("UPDATE upload SET complete = false", "lost", id="its file is not whole"),
        pytest.param(
            "UPDATE upload SET owner_id = (SELECT id FROM party WHERE code = 'demo')", "lost", id="another's file"
        ),
        pytest.param("UPDATE supplier_request SET settled_at = now()", None, id="it is over"),
    ],
)
def test_the_vault_imports_nothing_for_a_request_that_does_not_stand(
    supplied: Supplied, talker: Talker, bend: str, problem: str | None
) -> None:
    """Fault 91, INV-O2: whoever writes rows as the worker brings no cards of his own without a paid line for each."""
    request = answered(supplied, talker)
    supplied.till.shop.sql(bend)

    assert refusal(supplied, request) == (VaultCode.IMPORT_REFUSED, problem)
    assert refusal(supplied, new_id()) == (VaultCode.IMPORT_REFUSED, None)


def test_an_answer_with_more_keys_than_any_request_asks_for_is_refused_whole(
    supplied: Supplied, talker: Talker
) -> None:
    supplied.double.keys = [f"KEY-{number:04}-AAAA" for number in range(101)]
    request = answered(supplied, talker)

    with pytest.raises(FileNotImported):
        supplied.vault.client.import_supplied(request)

    assert supplied.till.shop.count("card") == 0
