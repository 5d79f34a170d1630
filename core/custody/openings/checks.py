"""What the vault checks for itself before it opens a line: it trusts seals and signatures, not the tables around."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.custody.keychain.keys import OpenVault
from core.custody.openings.batch_keys import Signed
from core.custody.openings.evidence import Bill
from core.vault.bindings import Side
from core.vault.client import VaultCode
from core.vault.primitives import SealError
from core.vault.seal import (
    BatchContext,
    BatchStatement,
    CardContext,
    SealedLine,
    SealedOrder,
    batch_key_hash,
    check_batch,
    check_order_seal,
    open_batch_key,
    open_card,
    verify_key,
)

READ_AGAIN_PER_HOUR = 30


class OpeningRefused(Exception):
    """Nothing was opened; the text is for staff and logs and names no value."""

    def __init__(self, code: VaultCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the tables say of one delivery, in the order of `sql.DELIVERY`."""

    state: str
    line: UUID
    sku: int
    quantity: int
    gate: str
    order: UUID
    merchant: int
    shopper: UUID
    identity: UUID
    chat_address: str
    order_state: str
    currency: str
    total_minor: int
    seal: bytes
    lines: list[list[Any]]
    payments: list[list[Any]] | None
    notices: list[list[Any]] | None
    sessions: list[list[Any]] | None
    reader: list[str] | None
    read_lately: int
    usual_peak: int | None

    @property
    def read_again(self) -> bool:
        """Whether its cards were delivered before (取卡)."""
        return self.state == "delivered"

    @property
    def is_free(self) -> bool:
        """Whether nothing was to be paid for the line, as the order's seal says."""
        return all(total == 0 for line, _, _, total in self.lines if UUID(line) == self.line)

    @property
    def buyer(self) -> Side:
        """The account that ordered and its chat, both of which the order's seal names."""
        return Side(self.identity, self.chat_address)

    @property
    def asking(self) -> Side:
        """The account and chat that ask for the cards: the buyer's, where no other is named."""
        return Side(UUID(self.reader[0]), self.reader[1]) if self.reader else self.buyer

    def bill(self) -> Bill:
        """What must have been paid."""
        payments = frozenset(UUID(row[0]) for row in self.payments or [])
        whose = (self.shopper, payments, self.currency, self.total_minor, self.identity)
        return Bill(self.order, self.line, self.merchant, *whose)


@dataclass(frozen=True, slots=True)
class LineCard:
    """One card of the line with its seal and its batch, in the order of `sql.CARDS_OF_LINE`."""

    id: UUID
    state: str
    mask: str
    opened: bool
    sealed: bytes
    batch: UUID
    batch_no: int
    batch_state: str
    owner: int
    sku: int
    card_count: int
    source_hash: bytes | None
    sealed_key: bytes
    signature: bytes | None
    next_sealed_key: bytes | None = None
    next_signature: bytes | None = None
    fingerprint: bytes = b""


class BrokenSeal(Exception):
    """Cards that do not open; `whole_batches` are the numbers of batches whose key or signature is broken."""

    def __init__(self, cards: list[UUID], whole_batches: set[int]) -> None:
        super().__init__("cards do not open")
        self.cards = cards
        self.whole_batches = whole_batches


def check_order(vault: OpenVault, delivery: Delivery) -> None:
    """The delivery is under way (or done), the order paid and the one that was placed. Raises `OpeningRefused`."""
    if not delivery.read_again and (delivery.state != "sending" or delivery.gate != "none"):
        raise OpeningRefused(VaultCode.NOT_SENDING, "nobody has taken this delivery")
    if delivery.read_again and delivery.read_lately >= READ_AGAIN_PER_HOUR:
        raise OpeningRefused(VaultCode.TOO_OFTEN, "these cards were read again too many times in this hour")
    if delivery.order_state not in ("paid", "closed"):
        raise OpeningRefused(VaultCode.UNPAID, f"the order is {delivery.order_state}")
    lines = tuple(SealedLine(UUID(line), sku, quantity, total) for line, sku, quantity, total in delivery.lines)
    sealed = SealedOrder(
        order=delivery.order,
        merchant=delivery.merchant,
        identity=delivery.identity,
        chat_address=delivery.chat_address,
        lines=lines,
        currency=delivery.currency,
        total_minor=delivery.total_minor,
    )
    try:
        check_order_seal(vault.keys.seal, sealed, delivery.seal)
    except SealError:
        raise OpeningRefused(VaultCode.ORDER_ALTERED, "the order is not the one that was sealed") from None
    if sum(line.total_minor for line in lines) != delivery.total_minor:
        raise OpeningRefused(VaultCode.ORDER_ALTERED, "the order's lines do not add up to its total")


def check_cards(delivery: Delivery, cards: Sequence[LineCard]) -> list[LineCard]:
    """The cards to open: exactly as many as ordered, of this SKU, on sale or opened before. Raises `OpeningRefused`."""
    chosen = [card for card in cards if card.state in ("claimed", "delivered")]
    given_before = sum(card.opened for card in cards if card not in chosen)
    if len(chosen) + given_before != delivery.quantity or any(card.sku != delivery.sku for card in chosen):
        raise OpeningRefused(VaultCode.CARDS_ALTERED, "the line does not have as many cards of its SKU as were ordered")
    if delivery.read_again and not all(card.opened for card in chosen):
        raise OpeningRefused(VaultCode.CARDS_ALTERED, "a delivered line has a card that was never opened")
    if any(not card.opened and card.batch_state != "selling" for card in chosen):
        raise OpeningRefused(VaultCode.BATCH_STOPPED, "a batch of these cards was locked or recalled")
    return chosen


def open_cards(vault: OpenVault, cards: Sequence[LineCard]) -> dict[UUID, dict[str, str]]:
    """The fields of every card. Raises `BrokenSeal` naming those that do not open, or whose batch is not as signed."""
    keys: dict[int, tuple[bytes, ...]] = {}
    fields: dict[UUID, dict[str, str]] = {}
    for card in cards:
        if card.batch_no not in keys:
            keys[card.batch_no] = _batch_keys(vault, card)
        for key in keys[card.batch_no]:
            with contextlib.suppress(SealError):
                context = CardContext(vault.vault_id, card.owner, card.batch, card.id)
                fields[card.id] = open_card(key, card.sealed, context)
                break
    if len(fields) < len(cards):
        broken = [card.id for card in cards if card.id not in fields]
        raise BrokenSeal(broken, {number for number, found in keys.items() if not found})
    return fields


def _batch_keys(vault: OpenVault, card: LineCard) -> tuple[bytes, ...]:
    """The data keys that the vault signed for the card's batch: two while it gets a new one
    (`core.custody.keychain.rekeying`).

    A card is sealed with either then.
    """
    pairs = ((card.sealed_key, card.signature), (card.next_sealed_key, card.next_signature))
    found = (signed_key(vault, card, sealed, signature) for sealed, signature in pairs if sealed)
    return tuple(key for key in found if key is not None)


class SignedBatch(Protocol):
    """What the vault signs of a batch, as a row has it."""

    @property
    def batch(self) -> UUID: ...
    @property
    def sku(self) -> int: ...
    @property
    def owner(self) -> int: ...
    @property
    def card_count(self) -> int: ...
    @property
    def source_hash(self) -> bytes | None: ...


def signed_key(vault: OpenVault, row: SignedBatch, sealed: bytes, signature: bytes | None) -> bytes | None:
    """A batch's data key, opened by whichever version sealed it; None unless the vault signed the batch with it."""
    context = BatchContext(vault.vault_id, row.batch)

    def open_it() -> bytes | None:
        try:
            key = vault.keys.ring.opened(lambda private: open_batch_key(private, sealed, context))
            check_batch(verify_key(vault.keys.sign), statement_of(vault, row, key), signature or b"")
        except SealError:
            return None
        return key

    source_hash = row.source_hash or b""
    signed = Signed(row.batch, row.sku, row.owner, row.card_count, source_hash, sealed, signature or b"")
    return vault.keys.ring.batch_keys.of(signed, open_it)


def statement_of(vault: OpenVault, row: SignedBatch, key: bytes) -> BatchStatement:
    """What the vault says of a finished batch whose data key this is."""
    return BatchStatement(
        vault=vault.vault_id,
        batch=row.batch,
        sku=row.sku,
        owner=row.owner,
        count=row.card_count,
        source_hash=row.source_hash or b"",
        batch_key_hash=batch_key_hash(key, row.batch),
    )
