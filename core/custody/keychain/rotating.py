"""`keys rotate`: another version of the vault's key, and every batch's data key sealed with it; no card changes.

A batch's data key opens at each moment: the new version is on the disk before anything names it, the old one stays
beside, and each row is changed in one statement. A kill at any step leaves versions of which some seal more batches and
some fewer; the vault goes on by itself at its next round.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.keychain.keyring import KeyVersion, NoSuchVersion
from core.custody.keychain.keys import OpenVault
from core.custody.keychain.versions import KeyRefused, note_versions
from core.custody.staff.seeds import reseal_seeds
from core.db import execute, in_transaction
from core.vault.primitives import SealError
from core.vault.seal import BatchContext, open_batch_key, seal_batch_key

CHUNK = 200
Progress = Callable[[int, int], None]
Fresh = tuple[int, bytes, bytes, bytes | None, bytes | None]
"""A batch's number, its sealed key and its next one, each as it was read and as it is sealed now."""

FOREIGN = """
SELECT k.batch_no, b.id, k.sealed_dek, k.next_sealed_dek FROM batch_key k JOIN batch b ON b.no = k.batch_no
WHERE k.vault_key_id <> %s AND k.batch_no > %s ORDER BY k.batch_no LIMIT %s
"""
LEFT = "SELECT count(*) FROM batch_key WHERE vault_key_id <> %s"
RESEAL = """
UPDATE batch_key SET vault_key_id = %(version)s, sealed_dek = u.fresh, next_sealed_dek = u.fresh_next
FROM unnest(%(numbers)s::int[], %(before)s::bytea[], %(fresh)s::bytea[], %(before_next)s::bytea[],
            %(fresh_next)s::bytea[]) AS u(no, before, fresh, before_next, fresh_next)
WHERE batch_key.batch_no = u.no AND batch_key.sealed_dek = u.before
  AND batch_key.next_sealed_dek IS NOT DISTINCT FROM u.before_next
"""
"""Only rows that are still as they were read: one that changed meanwhile is read again."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The version in use now, how many batches were sealed with it, and how many open with no version at all."""

    version: str
    batches: int
    broken: int


class Turns:
    """One act on keys at a time in this vault."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Raises `KeyRefused` while another act is under way."""
        if not self._lock.acquire(blocking=False):
            raise KeyRefused("another act on the keys is under way: `keys status` says how far it is")
        try:
            yield
        finally:
            self._lock.release()


def rotate(vault: OpenVault, *, to: str | None, now: datetime, progress: Progress) -> Rotated:
    """Make another version, or take one that is there already, and seal every batch's data key with it.

    A version that was made by a rotation that was killed, and sealed nothing yet, is taken instead of another one.
    Raises `KeyRefused`, ConfigError (keys that cannot be written), OSError.
    """
    ring = vault.keys.ring
    version = _version(vault, to) if to else _unused(vault) or ring.add_new()
    note_versions(ring, now=now)
    ring.use(version)
    note_versions(ring, now=now)
    return reseal(vault, now=now, progress=progress)


def reseal(vault: OpenVault, *, now: datetime, progress: Progress) -> Rotated:
    """Seal with the version in use whatever is sealed with another."""
    version, done, broken, last = vault.keys.ring.current, 0, 0, 0
    about = int(execute(LEFT, (version.id,))[0][0])
    while rows := execute(FOREIGN, (version.id, last, CHUNK)):
        fresh = [found for row in rows if (found := _resealed(vault, version, row)) is not None]
        in_transaction(partial(_write, version, fresh), repeatable=True)
        done, broken, last = done + len(fresh), broken + len(rows) - len(fresh), rows[-1][0]
        progress(done, max(about, done))
    seeds = in_transaction(partial(reseal_seeds, vault), repeatable=True)
    if done or seeds:
        in_transaction(partial(_note, version, {"batches": done, "broken": broken, "seeds": seeds}, now))
    return Rotated(version.id, done, broken)


def _note(version: KeyVersion, figures: Mapping[str, int], now: datetime) -> None:
    name = version.id
    append(
        actor=OPERATOR, action="vault.keys_rotated", object_kind="vault_key", object_id=name, detail=figures, now=now
    )


def _resealed(vault: OpenVault, version: KeyVersion, row: Sequence[Any]) -> Fresh | None:
    """A row with its keys sealed anew; None when no version opens them."""
    number, batch, sealed, next_sealed = row
    context = BatchContext(vault.vault_id, batch)

    def again(one: bytes) -> bytes:
        key = vault.keys.ring.opened(lambda private: open_batch_key(private, bytes(one), context))
        return seal_batch_key(version.public, key, context)

    try:
        return number, sealed, again(sealed), next_sealed, again(next_sealed) if next_sealed else None
    except SealError:
        return None


def _write(version: KeyVersion, fresh: list[Fresh]) -> None:
    names = ("numbers", "before", "fresh", "before_next", "fresh_next")
    columns = {name: [row[place] for row in fresh] for place, name in enumerate(names)}
    execute(RESEAL, {"version": version.id} | columns)


def _version(vault: OpenVault, name: str) -> KeyVersion:
    try:
        return vault.keys.ring.find(name)
    except NoSuchVersion:
        raise KeyRefused(f"there is no version {name} here: `keys status` lists them") from None


def _unused(vault: OpenVault) -> KeyVersion | None:
    rows = execute("SELECT id FROM vault_key WHERE current_since IS NULL AND retired_at IS NULL ORDER BY made_at")
    names = {row[0] for row in rows}
    return next((version for version in vault.keys.ring.versions if version.id in names), None)
