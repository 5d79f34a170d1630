"""What the passwords of processes can do about payouts: look at them, and the worker makes old sales available."""

from __future__ import annotations

import contextlib
from datetime import date

import psycopg
import pytest

from core.db import atomic, execute
from tests.flows.payouts.test_payout_constraints import a_copy
from tests.support.payouts import Treasury

ACTS = {
    "ask": a_copy(days="2"),
    "let go": "UPDATE payout SET state = 'approved', approved_by = made_by, approved_at = now()"
    " WHERE state = 'requested'",
    "send": "UPDATE payout SET state = 'sent', sent_by = made_by, sent_at = now() WHERE state = 'approved'",
    "decline": "UPDATE payout SET state = 'failed', ended_by = made_by, ended_at = now(), reason = 'x'",
    "say where to": "INSERT INTO bank_details (id, party_id, sealed, mask, changed_by, changed_at)"
    " SELECT gen_random_uuid(), party_id, sealed, mask, changed_by, now() FROM bank_details",
    "say that a gateway settled": "INSERT INTO gateway_settlement (id, gateway_account_id, debtor_id, currency, amount,"
    " is_own, reference, recorded_at) SELECT gen_random_uuid(), gateway_account_id, debtor_id, currency, amount,"
    " is_own, 'mine', now() FROM gateway_settlement",
    "unsay it": "UPDATE gateway_settlement SET taken_back_at = now()",
    "count more as settled": "UPDATE settled_money SET settled = settled + 1",
    "wait for no refund": "INSERT INTO settle_period (party_id, debtor_id, days) SELECT id, id, 0 FROM party",
}

WITH_A_CODE = {"ask", "let go", "send", "decline", "say where to"}
"""What the vault writes, once the person who acts showed it a second factor."""


class Undone(Exception):
    """Ends a transaction whose statement ran."""


def test_fault_106_no_process_lets_money_go_or_says_where_it_goes(treasury: Treasury) -> None:
    """Fault 106: it is the right alone that refuses; the owner's hand runs each of them."""
    treasury.ready(10_000)
    treasury.approved(1_000)
    treasury.asked(2_000, day=date(2026, 4, 2))
    before = treasury.shop.fingerprint()

    for act, statement in ACTS.items():
        for role in ("shop", "worker", "panel", "direct", *(("vault",) if act not in WITH_A_CODE else ())):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                treasury.shop.sql(statement, role=role)
        with contextlib.suppress(Undone), atomic():
            execute(statement)
            raise Undone(act)

    assert treasury.shop.fingerprint() == before
