"""`keys rekey`: new data keys for all batches, and every card encrypted anew, while the store sells.

Each batch first gets a second data key beside the one it has, both signed by the vault. Then all cards are walked in
the order of their ids, a chunk and how far it came in one commit; a card opens with either key. At the end of a walk
the second key takes the first one's place. A kill at any step changes nothing that was promised: the vault goes on from
the last commit at its next round. A batch that is being imported gets its new key when it is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import signed_key, statement_of
from core.db import changed, execute, in_transaction
from core.ids import new_id
from core.vault.primitives import NONCE_BYTES, SealError
from core.vault.seal import BatchContext, CardContext, new_batch_key, open_card, seal_batch_key, seal_card, sign_batch

BATCHES, CARDS = 200, 2000
Progress = Callable[[int, int], None]

BEGIN = """
INSERT INTO vault_rekey (id, started_at)
SELECT %s, greatest(%s::timestamptz, max(dek_made_at) + interval '1 microsecond') FROM batch_key
"""
"""Later than every key that there is, also where a clock was set back since: none of them is taken for a new one."""

RUNNING = "SELECT id, started_at, last_card, cards, broken FROM vault_rekey WHERE finished_at IS NULL"
_BATCH = """
SELECT k.batch_no, b.id, b.sku_id, b.owner_id, b.card_count, b.source_hash, k.sealed_dek, k.signature,
       k.next_sealed_dek, k.next_signature
FROM batch_key k JOIN batch b ON b.no = k.batch_no
"""
OLD_KEYS = (
    _BATCH
    + """
WHERE k.dek_made_at < %s AND k.next_sealed_dek IS NULL AND b.state NOT IN ('importing', 'abandoned') AND k.batch_no > %s
ORDER BY k.batch_no LIMIT %s
"""
)
TWO_KEYS = _BATCH + "WHERE k.next_sealed_dek IS NOT NULL"
GIVE_NEXT = """
UPDATE batch_key SET next_sealed_dek = u.sealed, next_signature = u.signature
FROM unnest(%s::int[], %s::bytea[], %s::bytea[]) AS u(no, sealed, signature)
WHERE batch_key.batch_no = u.no AND batch_key.next_sealed_dek IS NULL
"""
CARDS_AFTER = """
SELECT s.card_id, s.sealed, c.batch_no FROM card_seal s JOIN card c ON c.id = s.card_id
WHERE %(last)s::uuid IS NULL OR s.card_id > %(last)s ORDER BY s.card_id LIMIT %(limit)s
"""
SEAL_CARDS = """
UPDATE card_seal SET sealed = u.sealed FROM unnest(%s::uuid[], %s::bytea[]) AS u(id, sealed)
WHERE card_seal.card_id = u.id
"""
MOVE_ON = """
UPDATE vault_rekey SET last_card = %(last)s, cards = cards + %(done)s, broken = broken + %(broken)s
WHERE id = %(id)s AND last_card IS NOT DISTINCT FROM %(before)s AND finished_at IS NULL
"""
TAKE_PLACE = """
UPDATE batch_key SET sealed_dek = next_sealed_dek, signature = next_signature, next_sealed_dek = NULL,
    next_signature = NULL, dek_made_at = (SELECT greatest(%s::timestamptz, started_at) FROM vault_rekey WHERE id = %s)
WHERE next_sealed_dek IS NOT NULL AND batch_no = ANY (%s::int[])
"""
BEGIN_AGAIN = "UPDATE vault_rekey SET last_card = NULL WHERE id = %s"
FINISH = "UPDATE vault_rekey SET finished_at = %s WHERE id = %s AND finished_at IS NULL"
LEFT = """
SELECT count(*) FILTER (WHERE b.state = 'importing'),
       count(*) FILTER (WHERE b.state NOT IN ('importing', 'abandoned'))
FROM batch_key k JOIN batch b ON b.no = k.batch_no WHERE k.dek_made_at < %s
"""
ABOUT = "SELECT coalesce(sum(card_count), 0) FROM batch"


class MovedByAnother(Exception):
    """Another vault went on with this rekeying; ours stops without a trace."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """How many cards were encrypted anew; how many do not open and stay as they are; batches still being imported, and
    batches that are not as the vault signed them and get no new key.
    """

    cards: int
    broken: int
    importing: int
    unsigned: int


@dataclass(frozen=True, slots=True, repr=False)
class BatchKeys:
    """A batch with its sealed keys, in the order of `_BATCH`."""

    number: int
    batch: UUID
    sku: int
    owner: int
    card_count: int
    source_hash: bytes | None
    sealed_key: bytes
    signature: bytes | None
    next_sealed_key: bytes | None
    next_signature: bytes | None


@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """The two open data keys of a batch, and what its cards are bound to."""

    before: bytes
    after: bytes
    batch: UUID
    owner: int


def begin(*, now: datetime) -> None:
    """Have every batch that there is now get a new data key. One that runs already goes on instead."""

    def write() -> None:
        if execute(RUNNING + " FOR UPDATE"):
            return
        rekey = new_id()
        execute(BEGIN, (rekey, now))
        append(actor=OPERATOR, action="vault.rekey_begun", object_kind="vault_rekey", object_id=rekey, now=now)

    in_transaction(write)


def go_on(vault: OpenVault, *, now: datetime, progress: Progress) -> Rekeyed | None:
    """Rekey until nothing but running imports is left; None when nobody asked for it.

    Raises `MovedByAnother`.
    """
    rows = execute(RUNNING)
    if not rows:
        return None
    rekey, started = rows[0][0], rows[0][1]
    while True:
        _give_next(vault, started)
        if pairs := _pairs(vault):
            _walk(vault, rekey, pairs, progress)
            in_transaction(partial(_take_place, rekey, list(pairs), now))
            continue
        importing, unsigned = map(int, execute(LEFT, (started,))[0])
        if not importing:
            in_transaction(partial(_finish, rekey, unsigned, now))
        cards, broken = execute("SELECT cards, broken FROM vault_rekey WHERE id = %s", (rekey,))[0]
        return Rekeyed(int(cards), int(broken), importing, unsigned)


def _give_next(vault: OpenVault, started: datetime) -> None:
    """A second key for each batch whose key is older; none for one that is not as the vault signed it."""
    last = 0
    while rows := execute(OLD_KEYS, (started, last, BATCHES)):
        batches = [BatchKeys(*row) for row in rows]
        last = batches[-1].number
        signed = [one for one in batches if signed_key(vault, one, bytes(one.sealed_key), one.signature) is not None]
        fresh = [_fresh(vault, one) for one in signed]
        columns = [[row[place] for row in fresh] for place in range(3)]
        in_transaction(partial(changed, GIVE_NEXT, columns), repeatable=True)


def _fresh(vault: OpenVault, batch: BatchKeys) -> tuple[int, bytes, bytes]:
    key = new_batch_key()
    sealed = seal_batch_key(vault.keys.public, key, BatchContext(vault.vault_id, batch.batch))
    return batch.number, sealed, sign_batch(vault.keys.sign, statement_of(vault, batch, key))


def _pairs(vault: OpenVault) -> dict[int, Pair]:
    """Both keys of each batch that has two. One whose new key somebody has altered since is left out, and stays so."""
    found = {}
    for batch in (BatchKeys(*row) for row in execute(TWO_KEYS)):
        before = signed_key(vault, batch, bytes(batch.sealed_key), batch.signature)
        after = signed_key(vault, batch, bytes(batch.next_sealed_key or b""), batch.next_signature)
        if after is not None:
            found[batch.number] = Pair(before or after, after, batch.batch, batch.owner)
    return found


def _walk(vault: OpenVault, rekey: UUID, pairs: Mapping[int, Pair], progress: Progress) -> None:
    last, done = execute("SELECT last_card, cards FROM vault_rekey WHERE id = %s", (rekey,))[0]
    about = int(execute(ABOUT)[0][0])
    while rows := execute(CARDS_AFTER, {"last": last, "limit": CARDS}):
        old = [row for row in rows if row[2] in pairs]
        fresh = [(row[0], sealed) for row in old if (sealed := _sealed_anew(vault, pairs[row[2]], row)) is not None]
        step = {"id": rekey, "before": last, "last": rows[-1][0], "done": len(fresh), "broken": len(old) - len(fresh)}
        in_transaction(partial(_write, fresh, step))
        last, done = rows[-1][0], done + len(fresh)
        progress(done, max(about, done))


def _sealed_anew(vault: OpenVault, pair: Pair, row: Sequence[Any]) -> bytes | None:
    """A card under the batch's new key; None when it opens with neither: then it stays as it is, and is set aside when
    somebody buys it.
    """
    context = CardContext(vault.vault_id, pair.owner, pair.batch, row[0])
    for key in (pair.before, pair.after):
        try:
            fields = open_card(key, bytes(row[1]), context)
        except SealError:
            continue
        return seal_card(pair.after, os.urandom(NONCE_BYTES), fields, context)
    return None


def _write(fresh: Sequence[tuple[UUID, bytes]], step: Mapping[str, Any]) -> None:
    if not changed(MOVE_ON, step):
        raise MovedByAnother
    if fresh:
        execute(SEAL_CARDS, ([row[0] for row in fresh], [row[1] for row in fresh]))


def _take_place(rekey: UUID, numbers: list[int], now: datetime) -> None:
    execute(BEGIN_AGAIN, (rekey,))
    batches = changed(TAKE_PLACE, (now, rekey, numbers))
    append(actor=OPERATOR, action="vault.batches_rekeyed", object_kind="vault_rekey", object_id=rekey,
           detail={"batches": batches}, now=now)  # fmt: skip


def _finish(rekey: UUID, unsigned: int, now: datetime) -> None:
    if changed(FINISH, (now, rekey)):
        append(actor=OPERATOR, action="vault.rekey_ended", object_kind="vault_rekey", object_id=rekey,
               detail={"unsigned": unsigned}, now=now)  # fmt: skip
