"""Whether an order was really paid: from the gateways' own signed bytes, never from what a table says was paid."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.custody import sql
from core.custody.keys import OpenVault
from core.db import execute
from core.vault.notices import UnsignedNotice, read_notice

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One authentic "paid": `reference` names it for ever; amount in minor units."""

    reference: str
    payment: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What must be proved: that `total_minor` of `currency` came for this order of this shopper."""

    order: UUID
    merchant: int
    shopper: UUID
    payments: frozenset[UUID]
    currency: str
    total_minor: int


def authentic(vault: OpenVault, rows: Iterable[Sequence[Any]]) -> list[Evidence]:
    """The notices among `rows` (gateway account, gateway, opaque id, body in base64, headers) that prove authentic."""
    found: dict[str, Evidence] = {}
    for account, gateway, opaque_id, body, headers in rows:
        if gateway != SANDBOX or vault.sandbox_public_key is None:
            continue
        try:
            notice = read_notice(vault.sandbox_public_key, base64.b64decode(body), headers, account=opaque_id)
        except UnsignedNotice:
            continue
        if notice.kind == "paid":
            reference = f"notice:{account}:{notice.transaction}"
            found[reference] = Evidence(reference, UUID(notice.payment), notice.amount_minor, notice.currency)
    return list(found.values())


def proofs(vault: OpenVault, bill: Bill, notices: Iterable[Sequence[Any]]) -> dict[str, str] | None:
    """What proves the bill, each piece with what it is used for; None when it is not proved. A total of 0 needs none.

    The caller records the uses: a piece that was used for something else before proves nothing.
    """
    used: dict[str, str] = {}
    proved = 0
    for piece in authentic(vault, notices):
        if piece.payment in bill.payments and piece.currency == bill.currency:
            used[piece.reference] = f"order:{bill.order}"
            proved += piece.amount_minor
    if proved >= bill.total_minor:
        return used if bill.total_minor else {}
    from_wallet = _wallet(vault, bill)
    if from_wallet is None or proved + from_wallet[0] < bill.total_minor:
        return None
    return used | from_wallet[1]


def _wallet(vault: OpenVault, bill: Bill) -> tuple[int, dict[str, str]] | None:
    """What the wallet gave for the order, if authentic notices filled the wallet with all that it ever gave."""
    who: dict[str, object] = {"shopper": bill.shopper, "merchant": bill.merchant}
    spent, for_this = execute(sql.WALLET_SPENT, who | {"order": bill.order, "currency": bill.currency})[0]
    if not for_this:
        return None
    filled, used = 0, dict[str, str]()
    for *notice, part in execute(sql.WALLET_FUNDS, who):
        for piece in authentic(vault, [notice]):
            if piece.currency != bill.currency:
                continue
            if part is None:
                used[piece.reference] = f"wallet:{bill.shopper}"
            filled += piece.amount_minor if part is None else min(int(part), piece.amount_minor)
    return (int(for_this), used) if filled >= spent else None
