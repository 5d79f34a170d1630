"""The only way out for a sale: checks first, then the audit and the log on disk, and only when both are kept the cards.

Three statements and one commit, however many cards. What leaves for the web chat is sealed to the sessions of the
identity that ordered, so the worker that asked sees no secret; what a bot or an official account has to write into a
chat leaves open, for exactly the chat that the order's seal names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from core.actor import SYSTEM
from core.connections.chats import read_address
from core.custody import sql
from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import (
    BrokenSeal,
    Delivery,
    LineCard,
    OpeningRefused,
    check_cards,
    check_order,
    open_cards,
)
from core.custody.openings.evidence import Proof, awaits_confirmation, proofs
from core.custody.openings.opening_log import OpeningLog
from core.custody.openings.pickups import has_picked_up
from core.custody.openings.readers import own_sessions, reads
from core.db import execute, in_transaction
from core.ids import Prefix, public
from core.ports import PlainCard
from core.secret import Secret
from core.stock.moving import move_batch
from core.stock.rules import BatchIsNot, BatchState
from core.vault.budgets import POOL_TIMES, free_budget
from core.vault.client import Opened, OpenedCard, VaultCode
from core.vault.primitives import SealError
from core.vault.seal import answer_context, seal_answer
from core.vault.sessions import SealedSession

OPENED = "cards.opened"
READ_AGAIN = "cards.read_again"
NOT_OPENED = "cards.not_opened"  # in the log only: what was written just before did not happen
PEAK_TIMES = 5
READ_TIMES = 4
"""So many times the budget of one SKU is read again at a merchant in an hour: in WeChat many fetch cards that way."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens deliveries of one vault."""

    vault: OpenVault
    journal: OpeningLog
    now: Callable[[], datetime]

    def open_delivery(self, delivery_id: UUID, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        """The cards of a delivery that is being sent, or of a delivered one again. Raises `OpeningRefused`, OSError.

        `reader` is the conversation that asks, else the one that ordered. `plain` gives them open as well, for the one
        platform's chat that the order's seal names; never for the web chat, whose reader has a key of its own.
        """
        now = self.now()
        rows = execute(sql.DELIVERY, {"delivery": delivery_id, "now": now, "reader": reader})
        if not rows:
            raise OpeningRefused(VaultCode.NOT_SENDING, "there is no such delivery")
        delivery = Delivery(*rows[0])
        check_order(self.vault, delivery)
        self._check_reader(delivery, now)
        cards = check_cards(delivery, [LineCard(*row) for row in execute(sql.CARDS_OF_LINE, (delivery.line,))])
        evidence = Proof({}) if delivery.read_again else self._evidence(delivery)
        try:
            fields = open_cards(self.vault, cards)
        except BrokenSeal as broken:
            self.set_aside(broken, now)
            raise OpeningRefused(VaultCode.BROKEN_CARD, f"{len(broken.cards)} cards of the line do not open") from None
        action = READ_AGAIN if delivery.read_again else OPENED
        chosen = [card.id for card in cards]
        prints = [] if delivery.read_again else [bytes(card.fingerprint) for card in cards]
        tell = partial(self.journal.begin, delivery=delivery_id, line=delivery.line, cards=chosen, now=now)
        written = tell(action=action, prints=prints)
        try:
            self._record(delivery, delivery_id, cards, evidence, action, now)
        except OpeningRefused:
            tell(action=NOT_OPENED)
            raise
        sessions = own_sessions(self.vault, delivery.sessions or [], delivery.asking)
        answer = Opened(
            cards=tuple(OpenedCard(public(Prefix.CARD, card.id), card.mask) for card in cards),
            sealed=_sealed(delivery_id, sessions, cards, fields),
            read_again=delivery.read_again,
            plain=_plain(cards, fields) if plain and read_address(delivery.asking.chat_address) else (),
            address=delivery.asking.chat_address,
        )
        written.wait()
        return answer

    def _check_reader(self, delivery: Delivery, now: datetime) -> None:
        """Only the chat that ordered, those that sealed bindings join to it, and one that used a pick-up code of the
        order once its cards were delivered, may read. Raises `OpeningRefused`.
        """
        if reads(self.vault, order=delivery.order, buyer=delivery.buyer, reader=delivery.asking, now=now):
            return
        if not delivery.read_again or not has_picked_up(self.vault, order=delivery.order, chat=delivery.asking):
            raise OpeningRefused(VaultCode.OTHER_READER, "these cards were bought in another chat")

    def _evidence(self, delivery: Delivery) -> Proof:
        bill, notices = delivery.bill(), delivery.notices or []
        found = proofs(self.vault, bill, notices)
        if found is None and awaits_confirmation(self.vault, bill, notices):
            raise OpeningRefused(VaultCode.UNCONFIRMED, "a gateway that signs nothing has to be asked first")
        if found is None:
            raise OpeningRefused(VaultCode.UNPAID, "nothing authentic proves that the order was paid")
        return found

    def _record(
        self,
        delivery: Delivery,
        delivery_id: UUID,
        cards: Sequence[LineCard],
        evidence: Proof,
        action: str,
        now: datetime,
    ) -> None:
        fresh = [card.id for card in cards if not card.opened]
        detail = {"delivery": str(delivery_id), "cards": [str(card.id) for card in cards]}
        asked: dict[str, Any] = {"merchant": delivery.merchant, "sku": delivery.sku, "line": delivery.line, "now": now}
        asked |= {"limit": self.budget(delivery), "fresh": fresh, "fresh_count": len(fresh)}
        asked |= self._of_pools(delivery, Counter(card.owner for card in cards if not card.opened))
        asked |= {"again_count": len(cards) if delivery.read_again else 0, "again_limit": READ_TIMES * asked["limit"]}
        asked |= {"action": action, "detail": Jsonb(detail)}

        def write() -> None:
            told = asked | evidence.asked()
            budget, reading, opened, used, pooled, wallet = execute(sql.RECORD_OPENING, told)[0]
            if opened != len(fresh):
                raise OpeningRefused(VaultCode.BUSY, "the line or its cards changed while they were checked")
            if not evidence.stands(used, wallet):
                raise OpeningRefused(VaultCode.UNPAID, "what proves this payment was used for another order")
            if fresh and not budget:
                raise OpeningRefused(VaultCode.OVER_BUDGET, "more openings than this merchant's budget of the hour")
            if pooled != len(asked["owners"]):
                text = "more openings than the pool's budget of the hour, or more without any money than that of those"
                raise OpeningRefused(VaultCode.OVER_BUDGET, text)
            if delivery.read_again and not reading:
                raise OpeningRefused(VaultCode.TOO_OFTEN, "too many cards of the merchant were read again in this hour")

        in_transaction(write)

    def _of_pools(self, delivery: Delivery, cards: Mapping[int, int]) -> dict[str, Any]:
        """What a statement is told of the pools, by owner, whose cards it opens; a merchant's own limit always fits."""
        most = max(POOL_TIMES * self.vault.opening_budget, self.budget(delivery))
        free: dict[str, Any] = {"free": delivery.is_free, "free_limit": free_budget(self.vault.opening_budget)}
        grows = {"pool_limit": most, "pool_times": POOL_TIMES, "grows": self.vault.budget_grows}
        return {"owners": list(cards), "owner_cards": list(cards.values())} | free | grows

    def budget(self, delivery: Delivery) -> int:
        """How many cards of the delivery's SKU may be opened at its merchant in an hour."""
        usual = delivery.usual_peak if self.vault.budget_grows else None
        return max(self.vault.opening_budget, PEAK_TIMES * (usual or 0))

    def set_aside(self, broken: BrokenSeal, now: datetime) -> None:
        """Quarantine what does not open; a batch whose key or signature is broken sells nothing more."""
        execute(sql.QUARANTINE, {"cards": broken.cards, "now": now})
        log.warning("cards do not open and were set aside", cards=len(broken.cards), batches=len(broken.whole_batches))
        for number in broken.whole_batches:
            batch = execute("SELECT id FROM batch WHERE no = %s", (number,))[0][0]
            try:
                move_batch(actor=SYSTEM, batch_id=batch, to=BatchState.LOCKED, reason="broken_seal", now=now)
            except BatchIsNot:
                continue


def _plain(cards: Sequence[LineCard], fields: dict[UUID, dict[str, str]]) -> tuple[PlainCard, ...]:
    return tuple(
        PlainCard(
            public(Prefix.CARD, card.id), card.mask, {name: Secret(value) for name, value in fields[card.id].items()}
        )
        for card in cards
    )


def _sealed(
    delivery: UUID, sessions: Sequence[SealedSession], cards: Sequence[LineCard], fields: dict[UUID, dict[str, str]]
) -> dict[UUID, bytes]:
    """The same answer for each session: `{"cards": [{"token", "secret", "number"?, "pin"?, "expires"?}, …]}`."""
    listed = [{"token": public(Prefix.CARD, card.id), **fields[card.id]} for card in cards]
    answer = json.dumps({"cards": listed}, ensure_ascii=False, separators=(",", ":")).encode()
    sealed: dict[UUID, bytes] = {}
    for session in sessions:
        try:
            context = answer_context(delivery=delivery, session=session.id)
            sealed[session.id] = seal_answer(session.public_key, answer, context)
        except SealError:
            log.warning("a chat session has a key that is none", session=str(session.id))
    return sealed
