"""Which versions of the vault's key there are, since when, and what hangs on each; retiring one that nothing needs.

Four tables hold what is sealed to the vault's public key. The data keys of a batch (`batch_key`, sealed anew by a
rotation) say their version; the key of a file on its way (`upload`), a pick-up code that waits to be looked at
(`pickup_wish`) and a buyer's secret field (`line_field`, wiped a day after its line is done) do not: each is opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.keychain.keyring import Keyring, KeyVersion, NoSuchVersion
from core.custody.keychain.keys import OpenVault
from core.custody.staff.seeds import versions_of_seeds
from core.db import execute, in_transaction
from core.vault.bindings import Side
from core.vault.chunks import open_file_key
from core.vault.fields import FieldPlace, open_field
from core.vault.pickups import PickupWish, open_typed
from core.vault.primitives import SealError

STILL_SEALED_WITH = timedelta(minutes=10)
"""web and bot ask the vault every half minute which key is new; a file on its way takes no longer than this."""

USE = """
SELECT k.vault_key_id, count(*), coalesce(sum(b.card_count), 0) FROM batch_key k JOIN batch b ON b.no = k.batch_no
GROUP BY 1
"""
NOTE = """
WITH named AS (
    INSERT INTO vault_key AS v (id, made_at, current_since)
    SELECT id, %(now)s, CASE WHEN id = %(current)s THEN %(now)s END FROM unnest(%(ids)s::text[]) AS id
    ON CONFLICT (id) DO UPDATE SET retired_at = NULL,
        current_since = CASE WHEN v.id <> %(current)s THEN v.current_since
                             WHEN v.replaced_at IS NULL THEN coalesce(v.current_since, %(now)s) ELSE %(now)s END,
        replaced_at = CASE WHEN v.id <> %(current)s AND v.current_since IS NOT NULL
                           THEN coalesce(v.replaced_at, %(now)s) END
        WHERE v.retired_at IS NOT NULL
           OR (v.id = %(current)s) <> (v.current_since IS NOT NULL AND v.replaced_at IS NULL)
    RETURNING id, (xmax = 0) AS is_new
)
SELECT id FROM named WHERE id = %(current)s AND EXISTS (SELECT 1 FROM vault_key)
"""
"""Keeps the table as the files are: which versions there are, and since when which one is in use. Gives the version in
use when it has just become that in a store that had another before."""

TIMES = "SELECT id, made_at, current_since, replaced_at FROM vault_key WHERE id = ANY (%s::text[])"
WAITING_UPLOADS = """
SELECT u.id, u.sealed_key FROM upload u WHERE EXISTS (SELECT 1 FROM upload_chunk c WHERE c.upload_id = u.id)
"""
WAITING_WISHES = """
SELECT w.id, w.conversation_id, c.identity_id, c.chat_address, w.sealed_code
FROM pickup_wish w JOIN conversation c ON c.id = w.conversation_id
"""
WAITING_FIELDS = """
SELECT l.order_id, f.line_id, f.name, f.sealed FROM line_field f JOIN order_line l ON l.id = f.line_id
WHERE f.sealed IS NOT NULL
"""
RETIRED = "UPDATE vault_key SET retired_at = %s WHERE id = %s"


class KeyRefused(Exception):
    """An act on keys that cannot be done; the text says why and how to mend it, in one sentence."""


@dataclass(frozen=True, slots=True)
class VersionUse:
    """One version: when it was made, in use, replaced; and how many batches and cards need it, and how many files,
    codes and buyers' fields that wait."""

    id: str
    is_current: bool
    made_at: datetime
    current_since: datetime | None
    replaced_at: datetime | None
    batches: int
    cards: int
    waiting: int

    @property
    def is_needed(self) -> bool:
        """Whether anything would be lost with its private key."""
        return self.is_current or self.batches > 0 or self.waiting > 0


def note_versions(ring: Keyring, *, now: datetime) -> None:
    """Keep the table as the files are; the audit says when another version came into use."""

    def write() -> None:
        values = {"ids": [version.id for version in ring.versions], "current": ring.current.id, "now": now}
        for (version,) in execute(NOTE, values):
            append(actor=OPERATOR, action="vault.key_in_use", object_kind="vault_key", object_id=version, now=now)

    in_transaction(write, repeatable=True)


def uses(vault: OpenVault, *, now: datetime) -> list[VersionUse]:
    """Every version of the ring, the one in use first, and every other that batches are still sealed to."""
    ring = vault.keys.ring
    counted = {version: (int(batches), int(cards)) for version, batches, cards in execute(USE)}
    names = [version.id for version in ring.versions]
    names += sorted(counted.keys() - set(names))
    times = {row[0]: row[1:] for row in execute(TIMES, (names,))}
    waiting = dict.fromkeys(names, 0)
    for version in _waiting(vault):
        waiting[version] += 1
    found = []
    for name in names:
        made_at, since, replaced_at = times.get(name, (now, None, None))
        batches, cards = counted.get(name, (0, 0))
        is_current = name == ring.current.id
        found.append(VersionUse(name, is_current, made_at, since, replaced_at, batches, cards, waiting[name]))
    return found


def retire(vault: OpenVault, name: str, *, now: datetime) -> None:
    """Take a version's private key away. Raises `KeyRefused` while anything needs it, ConfigError, OSError."""
    ring = vault.keys.ring
    version = _version(ring, name)
    found = next(use for use in uses(vault, now=now) if use.id == name)
    if found.is_current:
        raise KeyRefused(f"{name} is the version in use: `keys rotate` first")
    if found.batches:
        raise KeyRefused(f"{found.batches} batches are sealed with {name}: `keys rotate` seals them with the new one")
    if found.waiting:
        raise KeyRefused(
            f"{found.waiting} files, codes or buyers' fields that wait are sealed with {name}: import the files, finish"
            " the tasks, and try again a day later"
        )
    if found.replaced_at is not None and now - found.replaced_at < STILL_SEALED_WITH:
        until = found.replaced_at + STILL_SEALED_WITH
        raise KeyRefused(f"{name} was in use until a moment ago: try again after {until:%H:%M:%S}Z")
    ring.forget(version)
    in_transaction(lambda: _note_retired(name, now))


def _note_retired(name: str, now: datetime) -> None:
    execute(RETIRED, (now, name))
    append(actor=OPERATOR, action="vault.key_retired", object_kind="vault_key", object_id=name, now=now)


def _version(ring: Keyring, name: str) -> KeyVersion:
    try:
        return ring.find(name)
    except NoSuchVersion:
        raise KeyRefused(f"there is no version {name} here: `keys status` lists them") from None


def _waiting(vault: OpenVault) -> Iterator[str]:
    """The version of each second factor, file that waits to be imported, code that waits, and field that is kept."""
    yield from versions_of_seeds(vault)
    for upload, sealed in execute(WAITING_UPLOADS):
        yield from _opened_by(vault, partial(_open_upload, vault.vault_id, upload, bytes(sealed)))
    for wish_id, conversation, identity, address, sealed in execute(WAITING_WISHES):
        wish = PickupWish(wish_id, conversation, Side(identity, address))
        yield from _opened_by(vault, partial(_open_wish, vault.vault_id, wish, bytes(sealed)))
    for order, line, name, sealed in execute(WAITING_FIELDS):
        place = FieldPlace(vault.vault_id, order, line, name)
        yield from _opened_by(vault, partial(open_field, sealed=bytes(sealed), place=place))


def _open_upload(vault_id: UUID, upload: UUID, sealed: bytes, private: bytes) -> object:
    return open_file_key([private], sealed, vault=vault_id, upload=upload)


def _open_wish(vault_id: UUID, wish: PickupWish, sealed: bytes, private: bytes) -> object:
    return open_typed(private, vault=vault_id, wish=wish, sealed=sealed)


def _opened_by(vault: OpenVault, open_with: Callable[[bytes], object]) -> Iterator[str]:
    """The version that opens it; none where no version does: whatever it is, no key is needed for it."""
    with contextlib.suppress(SealError):
        yield vault.keys.ring.which(open_with).id
