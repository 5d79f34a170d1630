"""A press on a card page: asked by web, opened and counted by the vault, relayed unread; and the links that lead there.

The page's own server never has the key that the cards are sealed under: it stands in the fragment of the address.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from core.catalog.service import find_listings, product_view
from core.db import changed, execute, in_transaction, wake
from core.errors import NotFound, Unavailable
from core.ids import Prefix, public
from core.titles import worded
from core.vault.client import RETRY_LATER, VaultAway, VaultRefused
from core.vault.link_requests import OpenedPress
from core.vault.links import proof_hash
from core.waking import DOORS
from core.work import Work, enqueue, enqueue_missing

log = structlog.get_logger()

AGAIN_AFTER, GIVEN_UP_AFTER = timedelta(seconds=5), timedelta(minutes=10)
"""A press that nobody has answered is asked of the worker again, for a while; its answer is kept no longer either."""

GONE: Mapping[str, Any] = {"gone": True}
"""The one answer to whatever is wrong with a press."""

ASK = """
INSERT INTO link_press (id, link_id, proof_hash, asked_at) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
"""
ASKED = "SELECT link_id, proof_hash FROM link_press WHERE id = %s"
ANSWER = "SELECT answer FROM link_press WHERE id = %s"
OPEN = "SELECT 1 FROM link_press WHERE id = %s AND answered_at IS NULL"
SETTLE = "UPDATE link_press SET answer = %s, answered_at = %s WHERE id = %s AND answered_at IS NULL"
LEFT = """
SELECT id FROM link_press WHERE answered_at IS NULL AND asked_at BETWEEN %s AND %s ORDER BY asked_at LIMIT %s
"""
OLD = "DELETE FROM link_press WHERE id IN (SELECT id FROM link_press WHERE asked_at < %s LIMIT %s)"
ABOUT = """
SELECT o.id, o.merchant_id, m.names, l.listing_id, l.names FROM delivery d JOIN order_line l ON l.id = d.line_id
JOIN shop_order o ON o.id = d.order_id JOIN party m ON m.id = o.merchant_id WHERE d.id = %s
"""


class PressLater(Unavailable):
    """The vault or the worker is away: the page asks again with the same press, which counts once."""


class LinkVault(Protocol):
    """`core.vault.client.VaultClient`, or what a test puts in its place."""

    def open_link(self, press: UUID, /) -> OpenedPress: ...


@dataclass(frozen=True, slots=True)
class Press:
    """One press of the button: its number as the page minted it, the link, and the proof that the page has its key."""

    id: UUID
    link: UUID
    proof: bytes

    @property
    def topic(self) -> str:
        """What wakes who waits for the answer."""
        return f"press:{self.id}"


def ask_press(*, press: Press, now: datetime) -> bool:
    """Have the vault open what a press asks for, once however often it is sent; False for another press's number."""
    hashed = proof_hash(press.proof)

    def work() -> bool:
        if changed(ASK, (press.id, press.link, hashed, now)):
            enqueue(Work.OPEN_LINK, press.id)
            return True
        rows = execute(ASKED, (press.id,))
        return bool(rows) and rows[0][0] == press.link and bytes(rows[0][1]) == hashed

    return in_transaction(work, repeatable=True)


def press_answer(*, press_id: UUID) -> dict[str, Any] | None:
    """`{"sealed", "shop", "goods", …}`, or `GONE`; None while it is looked at. Raises `NotFound` after its time."""
    rows = execute(ANSWER, (press_id,))
    if not rows:
        raise NotFound("press")
    return dict(rows[0][0]) if rows[0][0] is not None else None


def carry_out_press(*, press_id: UUID, vault: LinkVault, now: datetime) -> bool:
    """The worker's part: have the vault open the link, and answer the page; whether cards came of it.

    A crash anywhere leaves the press, which a sweep finds: asked again the vault counts nothing twice.
    """
    if not execute(OPEN, (press_id,)):
        return False
    try:
        answer = _answer(vault.open_link(press_id))
    except VaultAway:
        return False
    except VaultRefused as refusal:
        if refusal.vault_code in RETRY_LATER:
            log.info("card page waits", press=str(press_id), problem=refusal.vault_code.value)
            return False
        log.info("card page does not open", press=str(press_id), problem=refusal.vault_code.value)
        answer = dict(GONE)
    if changed(SETTLE, (Jsonb(answer), now, press_id)):
        wake(DOORS, f"press:{press_id}")
    return answer != GONE


def presses_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for presses that nobody has answered; returns how many."""
    waiting = [press for (press,) in execute(LEFT, (now - GIVEN_UP_AFTER, now - AGAIN_AFTER, limit))]
    return enqueue_missing(Work.OPEN_LINK, waiting)


def forget_presses(*, now: datetime, limit: int = 2000) -> int:
    """For the sweep: remove presses and their answers once nobody waits for them."""
    return changed(OLD, (now - GIVEN_UP_AFTER, limit))


def _answer(opened: OpenedPress) -> dict[str, Any]:
    """What the page is told: sealed cards, and in the link's language the words around them."""
    order_id, merchant_id, shop, listing_id, goods = execute(ABOUT, (opened.delivery,))[0]
    return {
        "sealed": base64.b64encode(opened.sealed).decode(),
        "locale": opened.locale,
        "shop": worded(shop, opened.locale),
        "goods": worded(goods, opened.locale),
        "redeem": _redeem(merchant_id, listing_id, opened.locale),
        "order": public(Prefix.ORDER, order_id)[-6:],
        "left": opened.left,
        "until": opened.expires_at.isoformat(),
    }


def _redeem(merchant_id: int, listing_id: int, locale: str) -> str:
    listing = find_listings(merchant_id=merchant_id, listing_ids=[listing_id]).get(listing_id)
    if listing is None:
        return ""
    try:
        return product_view(merchant_id=merchant_id, product_id=listing.product_id, locale=locale).redeem
    except NotFound:
        return ""
