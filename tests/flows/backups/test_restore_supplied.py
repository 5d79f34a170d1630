"""A restored store buys nothing again from a supplier whose key went out after the backup (fault 100, INV-O4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.restored import Night, bring_back

pytestmark = pytest.mark.slow


def test_fault_100_a_line_whose_supplied_card_went_out_after_the_backup_waits_for_a_person(
    night: Night, sql: Any
) -> None:
    """INV-O4: the backup knows of the paid line, and of no card: it came and was opened later."""
    sale = night.waiting
    bring_back(night.config, night.backup)
    sql(
        f"SET session_replication_role = replica; DELETE FROM card_seal WHERE card_id IN (SELECT id FROM card WHERE"
        f" line_id = '{sale.line}'); DELETE FROM card WHERE line_id = '{sale.line}';"
        f" UPDATE order_line SET gate = 'supply' WHERE id = '{sale.line}';"
        f" UPDATE delivery SET state = 'waiting', lease_until = NULL WHERE line_id = '{sale.line}'",
        role="superuser",
    )

    night.counter.vault.restart()

    assert sql("SELECT gate, gate_reason FROM order_line WHERE id = %s", [sale.line]) == [("review", "went_out_before")]
