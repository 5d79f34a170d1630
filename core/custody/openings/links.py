"""Card pages as the vault sees them: links it makes for messages that bypass web, and presses that it opens and counts.

Nothing of a link is kept but a sealed row: its key is derived, and its cards are opened anew at each press. So a link
stops working the moment its order is paid back, its cards are void or their batch is stopped, and nobody has to
remember to take it away. Whatever is wrong with a press, the answer is the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

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
from core.custody.openings.opening import READ_TIMES, Opener
from core.custody.openings.pickups import has_picked_up
from core.custody.openings.readers import reads
from core.db import execute, in_transaction
from core.ids import Prefix, public
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.client import VaultCode
from core.vault.contacts import SealedContact, is_confirmed
from core.vault.links import (
    LASTS,
    OPENINGS,
    REPEATED_FOR,
    CardLink,
    LinkContact,
    LinkRow,
    is_own_row,
    is_shown,
    link_key,
    row_seal,
    seal_content,
)

LINK_OPENED = "cards.link_opened"
STOPPED = frozenset({"locked", "recalled", "abandoned"})
"""States of a batch whose cards no link opens any more."""

TURN = "SELECT pg_advisory_xact_lock(7150, hashtext(%s))"
"""By delivery: repeats that are written at the same moment find one link."""

_ROW = "id, delivery_id, occasion, identity_id, chat_address, contact_id, locale, made_at, expires_at, seal"
KEPT = f"""
SELECT {_ROW} FROM card_link
WHERE delivery_id = %(delivery)s AND occasion = %(occasion)s AND identity_id = %(identity)s AND chat_address = %(chat)s
  AND contact_id IS NOT DISTINCT FROM %(contact)s::uuid AND made_at > %(since)s
ORDER BY made_at DESC LIMIT 1
"""  # noqa: S608 - constants of this module only
MAKE = f"""
INSERT INTO card_link ({_ROW}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608 - constants of this module only
PRESSED = f"""
SELECT p.proof_hash, {", ".join("k." + name for name in _ROW.split(", "))},
       (SELECT count(*) FROM card_link_opening n WHERE n.link_id = k.id),
       EXISTS (SELECT 1 FROM card_link_opening n WHERE n.link_id = k.id AND n.press_id = p.id)
FROM link_press p JOIN card_link k ON k.id = p.link_id WHERE p.id = %s
"""  # noqa: S608 - constants of this module only
PAID_BACK = """
SELECT o.paid_minor > 0 AND o.refunded_minor >= o.paid_minor FROM delivery d JOIN shop_order o ON o.id = d.order_id
WHERE d.id = %s
"""
COUNT = "SELECT pg_advisory_xact_lock(7151, hashtext(%s))"
"""By link: presses at the same moment are counted one after another."""

OPEN = """
WITH opening AS (
    INSERT INTO card_link_opening (link_id, n, press_id, opened_at)
    SELECT %(link)s, count(*) + 1, %(press)s, %(now)s FROM card_link_opening WHERE link_id = %(link)s
    HAVING count(*) < %(most)s AND NOT coalesce(bool_or(press_id = %(press)s), false) RETURNING n
), reading AS (
    INSERT INTO reading_budget AS r (merchant_id, hour, cards)
    SELECT %(merchant)s, date_trunc('hour', %(now)s::timestamptz), %(cards)s FROM opening
    WHERE %(cards)s::int <= %(limit)s
    ON CONFLICT (merchant_id, hour) DO UPDATE SET cards = r.cards + excluded.cards
        WHERE r.cards + excluded.cards <= %(limit)s
    RETURNING 1
), audit AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, 'system', NULL, %(merchant)s, %(action)s, 'line', %(line)s::text, %(detail)s FROM opening
)
SELECT (SELECT n FROM opening), (SELECT count(*) FROM reading),
       (SELECT max(n) FROM card_link_opening WHERE link_id = %(link)s AND press_id = %(press)s)
"""
"""The opening, its place in the merchant's budget of the hour and its audit entry, committed before anything leaves."""


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """The cards of one press, sealed under the link's key, and what may be said beside them."""

    sealed: bytes
    row: LinkRow
    left: int


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and opens the links of one vault."""

    vault: OpenVault
    opener: Opener
    now: Callable[[], datetime]

    def make(
        self,
        delivery_id: UUID,
        *,
        occasion: UUID,
        locale: str,
        reader: UUID | None = None,
        contact: LinkContact | None = None,
    ) -> CardLink:
        """A link to the cards of a delivery, for the chat `reader` or for an address that `contact` describes.

        Asked again for the same occasion it is the same link. Raises `OpeningRefused`: the cards were not opened yet,
        or this chat, or whoever confirmed this address, may not read them.
        """
        now = self.now()
        delivery = self._delivery(delivery_id, reader, now)
        check_order(self.vault, delivery)
        side = self._reader(delivery, contact)
        self._check_reader(delivery, side, now)
        cards = self._cards(delivery)
        if not cards or not all(card.opened for card in cards):
            raise OpeningRefused(VaultCode.NOT_SENDING, "these cards were not opened yet")
        wanted = LinkRow(
            uuid4(), delivery_id, occasion, side, contact.id if contact else None, locale[:20], now, now + LASTS
        )
        row = in_transaction(lambda: self._kept(wanted))
        key = Secret(link_key(self.vault.keys.link, row.id))
        return CardLink(row.id, key, row.reader.chat_address, row.expires_at)

    def open(self, press_id: UUID) -> OpenedLink:
        """The cards behind a press, counted once however often it is asked.

        Raises `OpeningRefused`: LINK_GONE whatever is wrong with it, BUSY and TOO_OFTEN for later; OSError.
        """
        now = self.now()
        rows = execute(PRESSED, (press_id,))
        if not rows:
            raise gone()
        proof_hash, *kept, used, is_repeat = rows[0]
        row = _row(kept)
        key = link_key(self.vault.keys.link, row.id)
        is_right = is_shown(key, bytes(proof_hash)) and is_own_row(self.vault.keys.link, row, bytes(kept[-1]))
        if not is_right or now >= row.expires_at or (used >= OPENINGS and not is_repeat):
            raise gone()
        delivery, cards = self._readable(row, now)
        try:
            fields = open_cards(self.vault, cards)
        except BrokenSeal as broken:
            self.opener.set_aside(broken, now)
            raise OpeningRefused(VaultCode.BROKEN_CARD, "cards behind a link do not open") from None
        self._journal(delivery, row, cards, now)
        left = in_transaction(lambda: self._count(delivery, row, press_id, cards, now))
        listed = [{"token": public(Prefix.CARD, card.id), **fields[card.id]} for card in cards]
        content = json.dumps({"cards": listed}, ensure_ascii=False, separators=(",", ":")).encode()
        return OpenedLink(seal_content(key, content, link=row.id, press=press_id), row, left)

    def _delivery(self, delivery_id: UUID, reader: UUID | None, now: datetime) -> Delivery:
        rows = execute(sql.DELIVERY, {"delivery": delivery_id, "now": now, "reader": reader})
        if not rows:
            raise OpeningRefused(VaultCode.NOT_SENDING, "there is no such delivery")
        return Delivery(*rows[0])

    def _cards(self, delivery: Delivery) -> list[LineCard]:
        cards = check_cards(delivery, [LineCard(*row) for row in execute(sql.CARDS_OF_LINE, (delivery.line,))])
        if any(card.batch_state in STOPPED for card in cards):
            raise OpeningRefused(VaultCode.BATCH_STOPPED, "a batch of these cards was locked or recalled")
        return cards

    def _reader(self, delivery: Delivery, contact: LinkContact | None) -> Side:
        """The account and chat that a link is for: the chat that asks, or who confirmed the address."""
        if contact is None:
            return delivery.asking
        sealed = SealedContact(contact.id, delivery.merchant, contact.by, contact.address_hash, contact.confirmed_at)
        if not is_confirmed(Secret(self.vault.keys.seal), sealed, contact.seal):
            raise OpeningRefused(VaultCode.OTHER_READER, "nobody confirmed this address")
        return contact.by

    def _check_reader(self, delivery: Delivery, side: Side, now: datetime) -> None:
        if reads(self.vault, order=delivery.order, buyer=delivery.buyer, reader=side, now=now):
            return
        if not delivery.read_again or not has_picked_up(self.vault, order=delivery.order, chat=side):
            raise OpeningRefused(VaultCode.OTHER_READER, "these cards were bought in another chat")

    def _kept(self, wanted: LinkRow) -> LinkRow:
        """The link that a message of the same occasion carried lately, or the new one. In a transaction."""
        execute(TURN, (str(wanted.delivery),))
        named: Mapping[str, Any] = {
            "delivery": wanted.delivery,
            "occasion": wanted.occasion,
            "identity": wanted.reader.identity_id,
            "chat": wanted.reader.chat_address,
            "contact": wanted.contact,
            "since": wanted.made_at - REPEATED_FOR,
        }
        for found in execute(KEPT, named):
            row = _row(found)
            if is_own_row(self.vault.keys.link, row, bytes(found[-1])):
                return row
        side = (wanted.reader.identity_id, wanted.reader.chat_address)
        seal = row_seal(self.vault.keys.link, wanted)
        kept = (wanted.id, wanted.delivery, wanted.occasion, *side, wanted.contact, wanted.locale)
        execute(MAKE, (*kept, wanted.made_at, wanted.expires_at, seal))
        return wanted

    def _readable(self, row: LinkRow, now: datetime) -> tuple[Delivery, list[LineCard]]:
        """What a link opens now. A press may come before the worker has noted that the message went out: later."""
        delivery = self._delivery(row.delivery, None, now)
        if delivery.state == "sending":
            raise OpeningRefused(VaultCode.BUSY, "the message with this link is on its way still")
        try:
            check_order(self.vault, delivery)
            self._check_reader(delivery, row.reader, now)
            cards = self._cards(delivery)
        except OpeningRefused as refused:
            raise refused if refused.code is VaultCode.TOO_OFTEN else gone() from None
        if not cards or not delivery.read_again or execute(PAID_BACK, (row.delivery,))[0][0]:
            raise gone()
        return delivery, cards

    def _journal(self, delivery: Delivery, row: LinkRow, cards: Sequence[LineCard], now: datetime) -> None:
        chosen = [card.id for card in cards]
        self.opener.journal.begin(
            delivery=row.delivery, line=delivery.line, cards=chosen, action=LINK_OPENED, now=now
        ).wait()

    def _count(self, delivery: Delivery, row: LinkRow, press_id: UUID, cards: Sequence[LineCard], now: datetime) -> int:
        """Count an opening and write it down; how many are left."""
        execute(COUNT, (str(row.id),))
        detail = {"delivery": str(row.delivery), "link": str(row.id), "cards": [str(card.id) for card in cards]}
        named = {"link": row.id, "press": press_id, "now": now, "most": OPENINGS, "merchant": delivery.merchant}
        named |= {"cards": len(cards), "limit": READ_TIMES * self.opener.budget(delivery), "line": delivery.line}
        opened, counted, before = execute(OPEN, named | {"action": LINK_OPENED, "detail": Jsonb(detail)})[0]
        if opened is not None and not counted:
            raise OpeningRefused(VaultCode.TOO_OFTEN, "too many cards of the merchant were read again in this hour")
        if opened is None and before is None:
            raise gone()
        used: int = execute("SELECT count(*) FROM card_link_opening WHERE link_id = %s", (row.id,))[0][0]
        return OPENINGS - used


def gone() -> OpeningRefused:
    """One sentence for whatever is wrong: unknown, over, used up, paid back, or pressed without its key."""
    return OpeningRefused(VaultCode.LINK_GONE, "no link that opens anything")


def _row(found: Sequence[Any]) -> LinkRow:
    number, delivery, occasion, identity, chat, contact, locale, made_at, expires_at = found[:9]
    return LinkRow(number, delivery, occasion, Side(identity, chat), contact, locale, made_at, expires_at)
