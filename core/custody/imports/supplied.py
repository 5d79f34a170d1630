"""What the vault imports of a supplier's answer: everything is derived from the request's row, and bounded by it.

The worker made the call and has sealed the keys as they came; nobody else could attest them better. So it names a
request and nothing else, and whoever has taken it over gets this much: for each line that was really paid and is to be
brought by this supplier, some keys of his own making in that supplier's pool, in a batch of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.custody.imports import import_sql as sql
from core.custody.imports.fingerprint import CardRule
from core.custody.imports.jobs import ImportRefused
from core.custody.imports.once import OneJob
from core.custody.imports.preparing import Job
from core.custody.keychain.keys import OpenVault
from core.db import execute
from core.ids import new_id
from core.vault.seal import new_batch_key

FACTS = """
SELECT r.upload_id, u.sealed_key, u.owner_id = a.party_id AND u.complete, u.file_name, a.party_id, g.sku_id,
       k.issuer_id, k.trim, k.case_sensitive, k.card_shape = 'number_secret',
       coalesce(k.secret_bits < 40, false),
       (SELECT count(*) = r.quantity AND bool_or(l.gate = 'supply') FROM supplier_line s
        JOIN hold h ON h.line_id = s.line_id AND h.state = 'captured'
        JOIN order_line l ON l.id = s.line_id AND l.sku_id = g.sku_id
            AND (l.gate = 'supply' OR (l.gate, l.gate_reason) = ('review', 'went_out_before'))
        WHERE s.request_id = r.id AND l.order_id = r.order_id)
FROM supplier_request r JOIN supplier_good g ON g.id = r.good_id JOIN supplier_account a ON a.id = g.account_id
JOIN sku k ON k.id = g.sku_id JOIN upload u ON u.id = r.upload_id
WHERE r.id = %s AND r.state = 'delivered' AND r.settled_at IS NULL
"""
"""A line whose card went out before a restore is paid and waits for a person; the others of its request are brought."""

ANSWERS = OneJob(
    sql.JOB_OF_REQUEST,
    "import_job_supplier_request_id_key",
    taken_back="the import of this answer was taken back",
    given_up="the import of this answer was given up",
)

MOST_KEYS = 100
"""So many keys one answer may bring; a request asks for ten at most."""


def request_of(asked: Mapping[str, Any]) -> UUID:
    """The supplier request that a request to the vault names. Raises `ImportRefused`."""
    try:
        return UUID(str(asked.get("request")))
    except ValueError:
        raise ImportRefused("the supplier request's id is no id") from None


def job_of_request(vault: OpenVault, request: UUID, *, now: datetime) -> Job:
    """The one job of a request: as it stands, or begun now; whoever asks later gets the same.

    Raises `ImportRefused` (with its `problem` where it is for good), `FileRefused` of a job that was given up.
    """
    return ANSWERS.of(vault, request, lambda: _described(request), now=now)


def _described(request: UUID) -> Job:
    rows = execute(FACTS, (request,))
    if not rows:
        raise ImportRefused("no supplier answered this request")
    upload, key, is_whole, name, party, sku, issuer, *rule, is_paid = rows[0]
    if not is_whole:
        raise ImportRefused("the answer to this request is lost", problem="lost")
    if not is_paid:
        raise ImportRefused("the lines of this request are not paid, or not its own", problem="not_allowed")
    return Job(
        id=new_id(),
        upload=upload,
        upload_key=bytes(key),
        file_name=name,
        column=None,
        batch=new_id(),
        batch_no=0,
        batch_key=new_batch_key(),
        sku_id=sku,
        issuer_id=issuer,
        owner_id=party,
        uploader_id=party,
        terms="consigned",
        unit_cost_micro=0,
        rule=CardRule(*rule),
        request=request,
        most_rows=MOST_KEYS,
    )
