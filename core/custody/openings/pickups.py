"""Pick-up codes as the vault judges them: right, whole, not too old, not used elsewhere; tries are counted here.

A code that went to an address which nobody confirmed, or somebody who may not read the order, is no right one.

Whatever is wrong with a code, the answer is the same, and nothing but counters has changed. A code is used once, by one
private chat: the use is sealed, and written in one transaction with its audit row. From then on that chat may read what
was delivered of that order as often as the chat that bought, and asking with the same code again is no second use.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import SYSTEM
from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import OpeningRefused
from core.custody.openings.opening_log import OpeningLog
from core.custody.openings.ordered import buyer_of
from core.custody.openings.readers import reads
from core.db import changed, execute, in_transaction
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.client import PickedUp, VaultCode
from core.vault.contacts import SealedContact, is_confirmed
from core.vault.pickups import (
    PickupCode,
    PickupUse,
    PickupWish,
    code_hash,
    is_proved,
    is_used,
    open_typed,
    part_hash,
    seal_use,
)
from core.vault.primitives import SealError

PICKED_UP = "cards.picked_up"

TRIES = 5
"""So many wrong codes that begin like one, and that one is dead."""

WRONG_BY_ONE, WRONG_BY_NETWORK, WITHIN = 5, 20, timedelta(hours=1)
"""So many wrong codes of one account, and of all accounts of one network, within the time; then none is looked at."""

WISH = """
SELECT w.id, w.conversation_id, c.identity_id, c.chat_address, c.merchant_id, w.sealed_code
FROM pickup_wish w JOIN conversation c ON c.id = w.conversation_id WHERE w.id = %s
"""
GUESSES = """
INSERT INTO pickup_guess AS g (asker, wrong, first_at)
SELECT asker, 0, %(now)s FROM unnest(%(askers)s::text[]) AS asker ORDER BY asker
ON CONFLICT (asker) DO UPDATE SET
    wrong = CASE WHEN g.first_at > %(since)s THEN g.wrong ELSE 0 END,
    first_at = CASE WHEN g.first_at > %(since)s THEN g.first_at ELSE excluded.first_at END
RETURNING asker, wrong
"""
"""The counters of who asks, begun anew once their time is over, and locked until the answer is clear."""

GUESSED_WRONG = "UPDATE pickup_guess SET wrong = wrong + 1 WHERE asker = ANY (%s)"

CODES = """
SELECT id, order_id, part_hash, code_hash, made_at, expires_at, proof, wrong,
       contact_id, contact_identity_id, contact_chat, contact_hash, contact_confirmed_at, contact_seal
FROM pickup_code WHERE part_hash = %s ORDER BY id FOR UPDATE
"""
SPEND_TRY = "UPDATE pickup_code SET wrong = wrong + 1 WHERE id = ANY (%s) AND wrong < %s"

USE_OF_CODE = """
SELECT code_id, order_id, conversation_id, identity_id, chat_address, used_at, seal FROM pickup_use WHERE code_id = %s
"""
USES_OF_CHAT = """
SELECT code_id, order_id, conversation_id, identity_id, chat_address, used_at, seal
FROM pickup_use WHERE order_id = %s AND identity_id = %s LIMIT 100
"""
AUDITED = """
SELECT 1 FROM audit_entry
WHERE object_kind = 'order' AND object_id = %s AND action = %s AND detail ->> 'code' = %s LIMIT 1
"""
"""A use whose own row was taken away: the audit only grows."""

DELIVERED = "SELECT id FROM delivery WHERE order_id = %s AND state = 'delivered' ORDER BY delivered_at, id"
USE = """
WITH used AS (
    INSERT INTO pickup_use (code_id, order_id, conversation_id, identity_id, chat_address, used_at, seal)
    VALUES (%(code)s, %(order)s, %(conversation)s, %(identity)s, %(address)s, %(now)s, %(seal)s)
    ON CONFLICT DO NOTHING RETURNING 1
), audit AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, %(actor)s, NULL, %(merchant)s, %(action)s, 'order', %(order)s::text, %(detail)s FROM used
)
SELECT count(*) FROM used
"""


class _No(Enum):
    """Why a code is not exchanged; what is counted by then stays counted."""

    WRONG = auto()
    TOO_OFTEN = auto()


@dataclass(frozen=True, slots=True)
class Pickups:
    """Exchanges the codes of one vault."""

    vault: OpenVault
    journal: OpeningLog
    now: Callable[[], datetime]

    def pick_up(self, wish_id: UUID) -> PickedUp:
        """The order behind the code of a wish, and what was delivered of it; from now on the wish's chat may read it.

        Raises `OpeningRefused` (PICKUP_REFUSED, or TOO_OFTEN whatever the code), OSError.
        """
        now = self.now()
        rows = execute(WISH, (wish_id,))
        if not rows:
            raise _refused()
        wish = PickupWish(rows[0][0], rows[0][1], Side(rows[0][2], rows[0][3]))
        try:
            code, network = self.vault.keys.ring.opened(
                lambda private: open_typed(private, vault=self.vault.vault_id, wish=wish, sealed=bytes(rows[0][5]))
            )
        except SealError:  # nobody typed this here
            raise _refused() from None
        merchant: int = rows[0][4]
        found = in_transaction(lambda: self._exchanged(wish, merchant, code, network, now))
        if found is _No.TOO_OFTEN:
            raise OpeningRefused(VaultCode.TOO_OFTEN, "too many wrong pick-up codes were typed there")
        if isinstance(found, _No):
            raise _refused()
        return found

    def _exchanged(self, wish: PickupWish, merchant: int, code: Secret, network: str, now: datetime) -> PickedUp | _No:
        limits = {f"identity:{wish.chat.identity_id}": WRONG_BY_ONE}
        limits |= {f"network:{network}"[:200]: WRONG_BY_NETWORK} if network else {}
        named: dict[str, Any] = {"askers": list(limits), "now": now, "since": now - WITHIN}
        if any(wrong >= limits[asker] for asker, wrong in execute(GUESSES, named)):
            return _No.TOO_OFTEN
        right = self._right(merchant, code, now)
        may = right is not None and went_where_it_may(self.vault, right, now)
        picked_up = self._used(right, wish, now) if right is not None and may else None
        if picked_up is None:
            changed(GUESSED_WRONG, (list(limits),))
            return _No.WRONG
        return picked_up

    def _right(self, merchant: int, code: Secret, now: datetime) -> PickupCode | None:
        """The code that was typed, if it may still be used; every other one that begins like it loses a try."""
        key, typed = self.vault.keys.pickup, code_hash(self.vault.keys.pickup, merchant=merchant, code=code)
        right, others = None, []
        for row in execute(CODES, (part_hash(key, merchant=merchant, code=code),)):
            kept = _kept(row, merchant)
            is_whole = is_proved(key, kept, bytes(row[6]))
            is_right = hmac.compare_digest(kept.code_hash, typed)
            if not is_right:
                others.append(kept.id)
            elif is_whole and row[7] < TRIES and now < kept.expires_at:
                right = kept
        if others and right is None:
            changed(SPEND_TRY, (others, TRIES))
        return right

    def _used(self, code: PickupCode, wish: PickupWish, now: datetime) -> PickedUp | None:
        """The use of a right code, made now or before by the same chat; None for any other chat's."""
        deliveries = tuple(delivery for (delivery,) in execute(DELIVERED, (code.order,)))
        before = execute(USE_OF_CODE, (code.id,))
        if before:
            is_again = _is_of(self.vault, before[0], order=code.order, chat=wish.chat)
            return PickedUp(code.order, deliveries) if is_again else None
        if not deliveries or execute(AUDITED, (str(code.order), PICKED_UP, str(code.id))):
            return None
        use = PickupUse(code.id, code.order, wish.conversation, wish.chat, now)
        self.journal.append_pickup(code=code.id, order=code.order, conversation=wish.conversation, now=now)
        detail = {"code": str(code.id), "conversation": str(wish.conversation)}
        named = {"code": code.id, "order": code.order, "conversation": wish.conversation, "now": now}
        named |= {"identity": wish.chat.identity_id, "address": wish.chat.chat_address}
        named |= {"seal": seal_use(self.vault.keys.pickup_use, use), "merchant": code.merchant}
        named |= {"actor": SYSTEM.kind.value, "action": PICKED_UP, "detail": Jsonb(detail)}
        return PickedUp(code.order, deliveries) if execute(USE, named) == [(1,)] else None


def _kept(row: Sequence[Any], merchant: int) -> PickupCode:
    """A row of `CODES`."""
    sent_to = SealedContact(row[8], merchant, Side(row[9], row[10]), bytes(row[11]), row[12])
    hashes = (bytes(row[2]), bytes(row[3]))
    return PickupCode(row[0], row[1], merchant, *hashes, row[4], row[5], sent_to, bytes(row[13]))


def went_where_it_may(vault: OpenVault, code: PickupCode, now: datetime) -> bool:
    """Whether a code went to an address that somebody confirmed who may read the order: who placed it, or an account
    bound to that, after the thirty days where the order is older than the binding.
    """
    if not is_confirmed(Secret(vault.keys.seal), code.sent_to, code.contact_seal):
        return False
    buyer = buyer_of(vault, order=code.order, merchant=code.merchant)
    return buyer is not None and reads(vault, order=code.order, buyer=buyer, reader=code.sent_to.by, now=now)


def has_picked_up(vault: OpenVault, *, order: UUID, chat: Side) -> bool:
    """Whether a private chat has used a code of an order, by a use that the vault itself has sealed."""
    rows = execute(USES_OF_CHAT, (order, chat.identity_id))
    return any(_is_of(vault, row, order=order, chat=chat) for row in rows)


def _is_of(vault: OpenVault, row: Sequence[Any], *, order: UUID, chat: Side) -> bool:
    use = PickupUse(row[0], row[1], row[2], Side(row[3], row[4]), row[5])
    return is_used(vault.keys.pickup_use, use, bytes(row[6])) and use.order == order and use.chat == chat


def _refused() -> OpeningRefused:
    """One sentence for whatever is wrong: the worker and its log learn no more than who asks."""
    return OpeningRefused(VaultCode.PICKUP_REFUSED, "no code that may be used here")
