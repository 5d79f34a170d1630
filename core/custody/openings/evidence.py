"""Whether an order was really paid: from what gateways signed or told the worker, never from what a table says.

A notice counts once its gateway's signature proves right, or, where the gateway signs nothing (Telegram Stars), once
the worker's confirmation of it does. Money in another currency than the order's counts for what the exchange seal of
its payment says, and for nothing without one (core.vault.confirmations says what an attacker gains).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.custody import sql
from core.custody.keychain.keys import OpenVault
from core.custody.openings.merged import wallets_of
from core.custody.openings.ordered import sealed_order
from core.custody.openings.readers import bindings_of
from core.db import execute
from core.ids import is_bound
from core.vault.confirmations import Confirmation, ExchangedPayment, is_confirmed, is_sealed
from core.vault.notices import UnsignedNotice, read_notice

SANDBOX = "sandbox"
UNSIGNED = frozenset({"stars"})
"""Gateways that sign nothing: what they say counts once the worker has asked them and confirmed it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One authentic "paid": `reference` names it for ever; amount in minor units.

    `merchant` is set where the gateway's own account is proved to be that merchant's, `exchange` where its payment was
    sealed to be worth something in another currency.
    """

    reference: str
    payment: UUID
    amount_minor: int
    currency: str
    merchant: int | None = None
    exchange: ExchangedPayment | None = None


@dataclass(frozen=True, slots=True)
class WalletUse:
    """What a wallet, that of `holders` into which `filled` came, gives for an order, in minor units of `currency`."""

    order: UUID
    currency: str
    holders: list[str]
    amount: int
    filled: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a bill: each authentic piece with what it is used for, and what a wallet gives."""

    used: dict[str, str]
    wallet: WalletUse | None = None

    def asked(self) -> dict[str, Any]:
        """What the statement is told that records the uses (`sql.WALLET_USE`, `evidence_use`).

        In its transaction: orders that one wallet pays wait here for each other.
        """
        told: dict[str, Any] = {"evidence": list(self.used), "used_for": list(self.used.values())}
        use = self.wallet
        if use is None:
            return told | {"paid_order": None, "paid_currency": "", "holders": [], "wallet_amount": 0, "filled": 0}
        execute(sql.WALLETS_TURN, {"holders": use.holders})
        told |= {"paid_order": use.order, "paid_currency": use.currency, "holders": use.holders}
        return told | {"wallet_amount": use.amount, "filled": use.filled}

    def stands(self, used: Iterable[Sequence[str]], wallet: int) -> bool:
        """Whether what the statement answers says that nothing of it was used for anything else before."""
        is_given = wallet == 1 or self.wallet is None
        return is_given and all(self.used[reference] == used_for for reference, used_for in used)


@dataclass(frozen=True, slots=True)
class Bill:
    """What must be proved: that `total_minor` of `currency` came for this order of this shopper."""

    order: UUID
    line: UUID
    merchant: int
    shopper: UUID
    payments: frozenset[UUID]
    currency: str
    total_minor: int
    identity: UUID

    def worth_of(self, piece: Evidence) -> int:
        """What a piece is worth at this merchant, in the bill's currency; 0 where nothing says so."""
        if piece.merchant not in (None, self.merchant):
            return 0
        if piece.currency == self.currency:
            return piece.amount_minor
        sealed = piece.exchange
        if sealed is None or (sealed.merchant, sealed.worth_currency) != (self.merchant, self.currency):
            return 0
        return sealed.worth_minor

    def opened_line(self) -> dict[str, str]:
        """The use of the line itself: its money fills no wallet afterwards, and did not before."""
        return {f"line:{self.line}": f"order:{self.order}"}

    def pays_here(self, piece: Evidence) -> bool:
        """Whether a piece came for this order: by its exchange's seal, else by its payment's id, bound to the order."""
        if piece.payment not in self.payments:
            return False
        return piece.exchange.order == self.order if piece.exchange else is_bound(piece.payment, self.order)


def authentic(vault: OpenVault, rows: Iterable[Sequence[Any]]) -> list[Evidence]:
    """What proves authentic among `rows` (`sql.NOTICE`: account, gateway's bytes, confirmation, exchange)."""
    found: dict[str, Evidence] = {}
    for account, gateway, opaque_id, body, headers, confirmation, exchange in rows:
        heard = None
        if gateway == SANDBOX:
            heard = _signed(vault, account, opaque_id, base64.b64decode(body), headers)
        elif gateway in UNSIGNED and confirmation is not None:
            heard = _confirmed(vault, account, confirmation)
        if heard is not None:
            reference = f"notice:{account}:{heard.external_id}"
            sealed = _exchange(vault, account, heard, exchange) if exchange is not None else None
            merchant = heard.merchant or None
            found[reference] = Evidence(reference, heard.payment, heard.amount_minor, heard.currency, merchant, sealed)
    return list(found.values())


def _signed(vault: OpenVault, account: int, opaque_id: str, body: bytes, headers: Any) -> Confirmation | None:
    if vault.sandbox_public_key is None:
        return None
    try:
        notice = read_notice(vault.sandbox_public_key, body, headers, account=opaque_id)
    except UnsignedNotice:
        return None
    payment = UUID(notice.payment)
    said = Confirmation(account, 0, notice.transaction, payment, "", notice.amount_minor, notice.currency)
    return said if notice.kind == "paid" else None


def _confirmed(vault: OpenVault, account: int, row: Sequence[Any]) -> Confirmation | None:
    external_id, merchant, payment, payer, amount, currency, proof = row
    heard = Confirmation(account, merchant, external_id, UUID(payment), payer, amount, currency)
    return heard if is_confirmed(vault.keys.confirmation, heard, base64.b64decode(proof)) else None


def _exchange(vault: OpenVault, account: int, heard: Confirmation, row: Sequence[Any]) -> ExchangedPayment | None:
    payment, order, merchant, shopper, asked_at, amount, currency, worth, worth_currency, minor, units, seal = row
    sealed = ExchangedPayment(
        payment=UUID(payment),
        order=UUID(order) if order else None,
        merchant=merchant,
        shopper=UUID(shopper),
        gateway_account=asked_at,
        amount_minor=amount,
        currency=currency,
        worth_minor=worth,
        worth_currency=worth_currency,
        rate_minor=minor,
        rate_units=units,
    )
    wanted = (sealed.payment, sealed.gateway_account, sealed.amount_minor, sealed.currency)
    fits = wanted == (heard.payment, account, heard.amount_minor, heard.currency)
    return sealed if fits and is_sealed(vault.keys.seal, sealed, base64.b64decode(seal)) else None


def awaits_confirmation(vault: OpenVault, bill: Bill, notices: Iterable[Sequence[Any]]) -> bool:
    """Whether something that may prove the bill comes from a gateway that the worker has yet to ask."""
    wallet = _paying_wallet(vault, bill)
    funds = [row[:-4] for row in execute(sql.WALLET_FUNDS, wallet.asked)] if wallet is not None else []
    return any(row[1] in UNSIGNED and row[5] is None for row in [*notices, *funds])


def proofs(vault: OpenVault, bill: Bill, notices: Iterable[Sequence[Any]]) -> Proof | None:
    """What proves the bill; None when it is not proved. A total of 0 needs none.

    The caller records the uses: a piece that was used for something else before proves nothing, and a wallet gives no
    more than came into it.
    """
    used: dict[str, str] = {}
    proved = 0
    for piece in authentic(vault, notices):
        worth = bill.worth_of(piece) if bill.pays_here(piece) else 0
        if worth:
            used[piece.reference] = f"order:{bill.order}"
            proved += worth
    if proved >= bill.total_minor:
        return Proof(used | bill.opened_line() if bill.total_minor else {})
    from_wallet = _wallet(vault, bill, bill.total_minor - proved)
    if from_wallet is None:
        return None
    return Proof(used | from_wallet.used | bill.opened_line(), from_wallet.wallet)


@dataclass(frozen=True, slots=True)
class _Wallet:
    """The wallet that gives `given` for an order and gave `spent` for others; it is, or was, that of `owners`."""

    owners: frozenset[UUID]
    holders: list[str]
    asked: dict[str, object]
    spent: int
    given: int


def _paying_wallet(vault: OpenVault, bill: Bill) -> _Wallet | None:
    for owners in wallets_of(vault, order=bill.order, shopper=bill.shopper, identity=bill.identity):
        holders = sorted(f"shopper:{one}" for one in owners)
        asked: dict[str, object] = {"holders": holders, "merchant": bill.merchant, "currency": bill.currency}
        spent, given = execute(sql.WALLET_SPENT, asked | {"order": bill.order})[0]
        if given:
            return _Wallet(owners, holders, asked, int(spent), int(given))
    return None


def _wallet(vault: OpenVault, bill: Bill, amount: int) -> Proof | None:
    """That a wallet gives `amount` for the order: authentic notices filled it with that and all that it gave before."""
    wallet = _paying_wallet(vault, bill)
    if wallet is None or wallet.given < amount:
        return None
    filled, used = dict[str, int](), dict[str, str]()
    for *notice, holder, part, order, line in execute(sql.WALLET_FUNDS, wallet.asked):
        for piece in authentic(vault, [notice]):
            worth = bill.worth_of(piece)
            came = worth if part is None else worth * min(int(part), piece.amount_minor) // piece.amount_minor
            came = min(came, _may_fill(vault, bill, wallet, piece, order, line)) if came else 0
            if not came:
                continue
            used[piece.reference if line is None else f"line:{line}"] = f"wallet:{str(holder).removeprefix('shopper:')}"
            filled[piece.reference] = min(worth, filled.get(piece.reference, 0) + came)
    came = sum(filled.values())
    if came < wallet.spent + amount:
        return None
    return Proof(used, WalletUse(bill.order, bill.currency, wallet.holders, amount, came))


def _may_fill(
    vault: OpenVault, bill: Bill, wallet: _Wallet, piece: Evidence, order: UUID | None, line: UUID | None
) -> int:
    """How much of a piece may have come into this wallet, whatever the tables say; 0 where it is somebody else's.

    A top-up names its shopper by its payment's id; money of an order belongs to who placed it, as the order's seal
    says, and of a refunded line at most what that line cost. The line's own use keeps it from being opened as well.
    """
    everything = piece.exchange.worth_minor if piece.exchange else piece.amount_minor
    if piece.exchange is not None and piece.exchange.shopper not in wallet.owners:
        return 0
    if order is None:
        is_theirs = piece.exchange is not None or any(is_bound(piece.payment, owner) for owner in wallet.owners)
        return everything if is_theirs and line is None else 0
    if piece.exchange is None and not is_bound(piece.payment, order):
        return 0
    sealed = sealed_order(vault, order=order, merchant=bill.merchant)
    if sealed is None or sealed.identity not in _accounts_of(vault, bill.identity):
        return 0
    if line is None:
        return everything
    return next((one.total_minor for one in sealed.lines if one.line == line), 0)


def _accounts_of(vault: OpenVault, identity: UUID) -> set[UUID]:
    """An account and all that sealed bindings ever joined to it: a wallet never comes apart again."""
    joined = (side.identity_id for binding in bindings_of(vault, identity) for side in binding.sides)
    return {identity, *joined}
