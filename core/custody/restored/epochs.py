"""A restored database begins a new epoch of the vault: nothing opens until what went out after the backup is marked.

The opening log lies outside the database, so it knows what the database has forgotten. The vault goes through it
before it answers anybody. A card that went out for a line which is still paid and waits for it goes on: the same cards
are sent again. Every other one is set aside for ever, and its order, where there still is one, waits for a person.
Cards that were imported after the backup are gone from the tables, but not from the world: their fingerprints are kept,
so that the same file does not bring them back on sale.

Then money: payments that may have come in meanwhile are asked about again, and a person says of each gateway that its
own list was compared, since money for orders that are gone shows nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.openings.opening import NOT_OPENED
from core.custody.openings.pickups import PICKED_UP
from core.custody.restored.epoch_log import BEFORE_THE_BACKUP, LogReading, begins_as, take_back
from core.db import changed, execute, in_transaction

AT_ONCE = 500
WHILE_HELD = frozenset(
    {"keys", "rotate", "rekey", "retire", "trace", "audit", "epoch", "epoch_compared", "epoch_release"}
)
"""What the vault answers all the same: nothing of it opens a card for anybody."""

FIND = """
SELECT id, restored_at, backup_made_at, log_bytes, log_sha256, was_never_whole, log_is_whole, log_until FROM vault_epoch
WHERE released_at IS NULL
"""
MARK = """
WITH told AS (
    SELECT DISTINCT ON (card_id) * FROM unnest(%(cards)s::uuid[], %(lines)s::uuid[], %(times)s::timestamptz[],
        %(prints)s::bytea[]) AS t(card_id, line_id, at, fingerprint) ORDER BY card_id, at
), found AS (
    SELECT t.*, c.state, c.opened_at IS NOT NULL AS is_known,
           c.state = 'claimed' AND c.line_id = t.line_id AND c.opened_at IS NULL AS goes_on
    FROM told t LEFT JOIN card c ON c.id = t.card_id
), resumed AS (
    UPDATE card SET opened_at = f.at FROM found f WHERE card.id = f.card_id AND f.goes_on RETURNING card.id
), aside AS (
    UPDATE card SET state = 'quarantined' FROM found f
    WHERE card.id = f.card_id AND NOT f.is_known AND NOT f.goes_on AND f.state IN ('free', 'held', 'claimed')
    RETURNING card.id
), lost AS (
    INSERT INTO lost_card (fingerprint, card_id, opened_at)
    SELECT fingerprint, card_id, at FROM found WHERE state IS NULL AND octet_length(fingerprint) = 32
    ON CONFLICT DO NOTHING
), kept AS (
    INSERT INTO epoch_opening (epoch_id, card_id, line_id, opened_at, outcome)
    SELECT %(epoch)s, card_id, line_id, at,
           CASE WHEN state IS NULL THEN 'gone' WHEN goes_on THEN 'resumed' ELSE 'set_aside' END
    FROM found WHERE NOT coalesce(is_known, false)
    ON CONFLICT DO NOTHING RETURNING line_id, card_id, outcome
), gated AS (
    UPDATE order_line SET gate = 'review', gate_reason = 'went_out_before'
    WHERE id IN (SELECT line_id FROM kept WHERE outcome <> 'resumed')
      AND (gate = 'supply' OR (gate IN ('none', 'date', 'group')
           AND id IN (SELECT line_id FROM kept WHERE outcome = 'set_aside')))
)
SELECT line_id, array_agg(card_id::text) FROM kept WHERE outcome = 'resumed' GROUP BY 1
"""
"""One piece of the log. Cards that the database knows as opened are as they should be. A line that waits for a supplier
had its card brought and opened after the backup: a person looks at it, nothing is bought for it again (INV-O4)."""

OPENED_BEFORE = """
INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id, detail)
VALUES (%s, 'system', 'cards.opened', 'line', %s, jsonb_build_object('cards', %s::text[], 'epoch', %s::text))
"""
SPEND_CODES = """
UPDATE pickup_code SET wrong = 5
WHERE id = ANY (%s::uuid[]) AND NOT EXISTS (SELECT 1 FROM pickup_use u WHERE u.code_id = pickup_code.id)
"""
"""Codes that were used after the backup: who used them is forgotten, so nobody may any more."""

OPENED_BY_THEN = "SELECT EXISTS (SELECT FROM card WHERE opened_at <= %s)"
MARKED = """
UPDATE vault_epoch SET log_is_whole = %s, log_until = %s, marked_at = %s WHERE id = %s AND marked_at IS NULL
"""
STANDING = """
SELECT count(*) FILTER (WHERE outcome = 'resumed'), count(*) FILTER (WHERE outcome = 'set_aside'),
       count(*) FILTER (WHERE outcome = 'gone'),
       count(DISTINCT line_id) FILTER (WHERE NOT EXISTS (SELECT 1 FROM order_line l WHERE l.id = o.line_id)),
       (SELECT count(*) FROM epoch_payment p WHERE p.epoch_id = %(epoch)s AND p.answered_at IS NULL),
       (SELECT count(*) FROM card c JOIN batch b ON b.no = c.batch_no
        WHERE c.state IN ('free', 'held', 'claimed') AND c.opened_at IS NULL AND b.created_at <= %(made)s)
FROM epoch_opening o WHERE o.epoch_id = %(epoch)s
"""
GATEWAYS = """
SELECT g.opaque_id, g.gateway, m.code, e.compared_at FROM epoch_gateway e
JOIN gateway_account g ON g.id = e.gateway_account_id JOIN party m ON m.id = g.merchant_id
WHERE e.epoch_id = %s ORDER BY g.id
"""
COMPARED = """
UPDATE epoch_gateway e SET compared_at = %(now)s FROM gateway_account g
WHERE e.epoch_id = %(epoch)s AND g.id = e.gateway_account_id AND g.opaque_id = %(account)s
"""
ANSWERED_BY_HAND = """
UPDATE epoch_payment e SET answered_at = %(now)s FROM payment p JOIN gateway_account g ON g.id = p.gateway_account_id
WHERE e.epoch_id = %(epoch)s AND p.id = e.payment_id AND g.opaque_id = %(account)s AND e.answered_at IS NULL
"""
"""Whoever has looked through the gateway's own list knows more than it answers."""

OLD_BATCHES = """
UPDATE batch SET state = 'locked', reason = 'restored_without_its_opening_log'
WHERE state = 'selling' AND created_at <= %s
"""
RELEASE = "UPDATE vault_epoch SET released_at = %s WHERE id = %s AND released_at IS NULL"


class EpochRefused(Exception):
    """What cannot be done yet; the text says why and what to do, in one sentence."""


PutAside = Callable[[UUID], str | None]
"""Puts the vault's record of checkpoints aside where the database does not have its end; the name it then has."""


@dataclass(frozen=True, slots=True)
class Released:
    """What the release did: batches that were locked, and the name of the record of checkpoints it put aside."""

    locked: int
    checkpoints: str | None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A restored database that nobody has released yet, in the order of `FIND`."""

    id: UUID
    restored_at: datetime
    backup_made_at: datetime
    log_bytes: int
    log_sha256: str
    was_never_whole: bool
    log_is_whole: bool | None
    log_until: datetime | None

    @property
    def log_ends(self) -> str:
        """When the log's last entry was written, as a person says it again; `none` where it has none."""
        return f"{self.log_until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if self.log_until else "none"

    @property
    def sentence(self) -> str:
        """Why nothing is sold."""
        return (
            f"the database was restored from a backup of {self.backup_made_at:%Y-%m-%d %H:%M}Z: see"
            " `restore --status`, then `restore --release`"
        )


def find_epoch() -> Epoch | None:
    """The epoch that holds the vault, if one does."""
    rows = execute(FIND)
    return Epoch(*rows[0]) if rows else None


def mark(epoch: Epoch, log: Path, *, now: datetime) -> None:
    """Go through the opening log, once; a kill in between has it gone through again, with the same end. Raises OSError.

    `log_is_whole` says whether it is the log that the backup knew: at least as long, the same until there, and from
    there on no line that cannot be read.
    """
    if epoch.log_is_whole is not None:
        return
    is_whole = _is_known(epoch) and begins_as(log, epoch.log_bytes, epoch.log_sha256)
    reading = LogReading(log, max(0, epoch.log_bytes - BEFORE_THE_BACKUP) if is_whole else 0)
    entries, codes = list[Mapping[str, Any]](), list[str]()
    for entry in reading.entries():
        if entry.get("action") == PICKED_UP:
            codes.append(str(entry["code"]))
        elif entry.get("action") == NOT_OPENED:
            take_back(entries, entry)
        elif entry.get("cards"):
            entries.append(entry)
        if len(entries) >= AT_ONCE:
            in_transaction(partial(_mark, epoch, entries, now), repeatable=True)
            entries = []
    in_transaction(partial(_mark, epoch, entries, now), repeatable=True)
    is_whole = is_whole and not reading.unreadable
    in_transaction(partial(_marked, epoch, codes, is_whole, reading, now), repeatable=True)


def standing(epoch: Epoch) -> dict[str, Any]:
    """What was found and what is left, as it goes over the socket."""
    values = {"epoch": epoch.id, "made": epoch.backup_made_at}
    resumed, set_aside, gone, orders_gone, unanswered, unsold = map(int, execute(STANDING, values)[0])
    gateways = [
        {"account": account, "gateway": gateway, "merchant": merchant, "compared": compared is not None}
        for account, gateway, merchant, compared in execute(GATEWAYS, (epoch.id,))
    ]
    return {
        "restored_at": epoch.restored_at.isoformat(),
        "backup_made_at": epoch.backup_made_at.isoformat(),
        "log_is_whole": bool(epoch.log_is_whole),
        "log_ends": epoch.log_ends,
        "resumed": resumed,
        "set_aside": set_aside,
        "gone": gone,
        "orders_gone": orders_gone,
        "unanswered": unanswered,
        "unsold": unsold,
        "gateways": gateways,
    }


def compared(epoch: Epoch, account: str, *, now: datetime) -> None:
    """A person has compared a gateway's own list. Raises `EpochRefused` for an account that is none."""

    def write() -> None:
        if not changed(COMPARED, {"now": now, "epoch": epoch.id, "account": account}):
            raise EpochRefused(f"there is no gateway account {account} to compare: `restore --status` lists them")
        changed(ANSWERED_BY_HAND, {"now": now, "epoch": epoch.id, "account": account})
        append(
            actor=OPERATOR, action="restore.compared", object_kind="vault_epoch", object_id=epoch.id,
            detail={"account": account}, now=now,
        )  # fmt: skip

    in_transaction(write)


def release(epoch: Epoch, *, old_stock: str, log_until: str, put_aside: PutAside, now: datetime) -> Released:
    """Sell again. `old_stock` is `lock`, `accept` or nothing; `log_until` is `Epoch.log_ends`, said by a person.

    One of them must be said: where the opening log is not whole, nobody knows what of the old stock went out after the
    backup, and an older copy of a whole one looks like the newest. Raises `EpochRefused` while anything is left to do.
    """
    found = standing(epoch)
    if found["unanswered"]:
        raise EpochRefused(f"{found['unanswered']} payments are still asked about: leave the worker running and wait")
    if left := [one["account"] for one in found["gateways"] if not one["compared"]]:
        raise EpochRefused(f"gateway {left[0]} was not compared: do that, then `restore --compared {left[0]}`")
    if not found["log_is_whole"] and old_stock not in ("lock", "accept"):
        raise EpochRefused(
            f"the opening log of that time is not here: {found['unsold']} cards may have gone out after the backup; say"
            " --lock-old-stock to sell only what is imported from now on, or --accept-old-stock to sell them, some"
            " perhaps twice"
        )
    if old_stock not in ("lock", "accept") and log_until != epoch.log_ends:
        raise EpochRefused(
            f"the last entry of the opening log here is of {epoch.log_ends}: if nothing went out later, say --log-until"
            f" {epoch.log_ends}; if it is an older copy, put the newest one in its place and restore again, or say"
            " --lock-old-stock or --accept-old-stock"
        )
    aside = put_aside(epoch.id)

    def write() -> int:
        locked = changed(OLD_BATCHES, (epoch.backup_made_at,)) if old_stock == "lock" else 0
        changed(RELEASE, (now, epoch.id))
        append(
            actor=OPERATOR, action="restore.released", object_kind="vault_epoch", object_id=epoch.id,
            detail={
                "log_is_whole": found["log_is_whole"], "log_until": epoch.log_ends, "old_stock": old_stock,
                "locked": locked, "checkpoints_put_aside": aside,
            },
            now=now,
        )  # fmt: skip
        return locked

    return Released(in_transaction(write), aside)


def _is_known(epoch: Epoch) -> bool:
    """Whether anything can be said of the log: not where the backup saw none though cards had been opened by then."""
    if epoch.was_never_whole:
        return False
    return epoch.log_bytes > 0 or not execute(OPENED_BY_THEN, (epoch.backup_made_at,))[0][0]


def _mark(epoch: Epoch, entries: list[Mapping[str, Any]], now: datetime) -> None:
    columns: dict[str, list[Any]] = {"cards": [], "lines": [], "times": [], "prints": []}
    for entry in entries:
        prints = [_print(text) for text in entry.get("prints", [])]
        for place, card in enumerate(entry["cards"]):
            columns["cards"].append(card)
            columns["lines"].append(entry["line"])
            columns["times"].append(datetime.fromisoformat(entry["at"]))
            columns["prints"].append(prints[place] if place < len(prints) else b"")
    for line, cards in execute(MARK, {"epoch": epoch.id} | columns):
        _note(line, cards, epoch, columns)


def _note(line: UUID, cards: list[str], epoch: Epoch, columns: Mapping[str, list[Any]]) -> None:
    """The audit row that the opening once had: every opened card has one."""
    times = [at for card, at in zip(columns["cards"], columns["times"], strict=True) if card in cards]
    execute(OPENED_BEFORE, (min(times), str(line), cards, str(epoch.id)))


def _marked(epoch: Epoch, codes: list[str], is_whole: bool, reading: LogReading, now: datetime) -> None:
    execute(SPEND_CODES, (codes,))
    if changed(MARKED, (is_whole, reading.until, now, epoch.id)):
        append(
            actor=OPERATOR, action="restore.marked", object_kind="vault_epoch", object_id=epoch.id,
            detail={"log_is_whole": is_whole}, now=now,
        )  # fmt: skip


def _print(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        return b""
