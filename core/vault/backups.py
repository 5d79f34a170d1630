"""Backups as they lie on a disk: sealed to a public key whose other half the store does not need, and signed by it.

A file is a head that anyone may read, a file key that only the backup key opens, and pieces under it: a counter and a
last-flag in each nonce, so that none is missing, doubled, moved or cut off. At the end stands the store's signature, so
that nobody who has only the public key brings a backup of his own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import IO
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.vault.primitives import KEY_BYTES, SealError, framed, gcm_open_at, gcm_seal_at, hpke_open, hpke_seal
from core.vault.seal import verify_key

MAGIC = b"KEYSTALL-BACKUP-1\n"
PIECE_BYTES = 256 * 1024
_PURPOSE = "keystall backup"
_LONGEST_HEAD = 64 * 1024
_SIGNATURE = 64


class NotABackup(Exception):
    """The file is none, is cut off, altered, or sealed to another key; the text says which as far as that is known."""


@dataclass(frozen=True, slots=True)
class Head:
    """What anyone may know of a backup. Times are UTC; the log's position is in bytes, its hash that of those bytes."""

    id: UUID
    made_at: datetime
    store: str
    kind: str
    vault_id: UUID
    vault_keys: tuple[str, ...]  # versions that batches are sealed to
    migration: str  # the last that had run
    server: str  # PostgreSQL's version
    log_bytes: int
    log_sha256: str
    audit_entry: int  # the last entry, for a look beside the audit's marks
    log: str = field(default="openings.log")

    def dumps(self) -> bytes:
        """As the file has it."""
        values = asdict(self) | {
            "id": str(self.id),
            "vault_id": str(self.vault_id),
            "made_at": self.made_at.isoformat(),
        }
        return json.dumps(values, sort_keys=True).encode()

    @classmethod
    def loads(cls, raw: bytes) -> Head:
        """The other end of `dumps`. Raises `NotABackup`."""
        try:
            values = json.loads(raw)
            values |= {"id": UUID(values["id"]), "vault_id": UUID(values["vault_id"])}
            values |= {"made_at": datetime.fromisoformat(values["made_at"]), "vault_keys": tuple(values["vault_keys"])}
            return cls(**values)
        except (ValueError, KeyError, TypeError):
            raise NotABackup("its head cannot be read: it was made by another version, or is damaged") from None


def write_backup(out: IO[bytes], head: Head, content: IO[bytes], *, public: bytes, sign_key: bytes) -> None:
    """Seal what `content` gives, piece by piece. Raises OSError, `SealError` for a key that is none."""
    signed = hashlib.sha256()

    def write(raw: bytes) -> None:
        signed.update(raw)
        out.write(raw)

    raw_head, key = head.dumps(), os.urandom(KEY_BYTES)
    write(MAGIC)
    _write_part(write, raw_head)
    _write_part(write, hpke_seal(public, key, framed(_PURPOSE, raw_head)))
    info, number, held = _info(raw_head), 0, _read_piece(content)
    while True:
        following = _read_piece(content)
        _write_part(write, gcm_seal_at(key, _nonce(number, last=not following), held, info))
        if not following:
            break
        held, number = following, number + 1
    out.write(Ed25519PrivateKey.from_private_bytes(sign_key).sign(framed(_PURPOSE, signed.digest())))


def read_head(file: IO[bytes]) -> Head:
    """The head of a backup; the file is then at its sealed key. Raises `NotABackup`."""
    return Head.loads(_read_head(file, hashlib.sha256().update))


def read_backup(file: IO[bytes], *, private: bytes, sign_key: bytes) -> Iterator[bytes]:
    """The pieces in clear. Raises `NotABackup` where one is not the next, and at the end when the signature is not the
    store's: whoever uses the pieces must be able to take back what they did until then.
    """
    signed = hashlib.sha256()
    raw_head = _read_head(file, signed.update)
    sealed_key = _read_part(file, signed.update)
    try:
        key = hpke_open(private, sealed_key, framed(_PURPOSE, raw_head))
    except SealError:
        raise NotABackup("it is sealed to another backup key: give the private key that was escrowed with it") from None
    info, number = _info(raw_head), 0
    while True:
        sealed = _read_part(file, signed.update)
        last = False
        try:
            piece = gcm_open_at(key, _nonce(number, last=False), sealed, info)
        except SealError:
            piece, last = _last_piece(key, number, sealed, info), True
        yield piece
        if last:
            break
        number += 1
    signature = file.read(_SIGNATURE + 1)
    try:
        public = Ed25519PublicKey.from_public_bytes(verify_key(sign_key))
        public.verify(signature, framed(_PURPOSE, signed.digest()))
    except (InvalidSignature, SealError, ValueError):
        raise NotABackup("this store did not sign it: keys/sign.key is another, or the file is altered") from None


def _last_piece(key: bytes, number: int, sealed: bytes, info: bytes) -> bytes:
    try:
        return gcm_open_at(key, _nonce(number, last=True), sealed, info)
    except SealError:
        raise NotABackup("it is damaged or altered") from None


def _read_head(file: IO[bytes], update: Callable[[bytes], None]) -> bytes:
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        raise NotABackup("it is no backup of this program")
    update(magic)
    return _read_part(file, update, longest=_LONGEST_HEAD)


def _write_part(write: Callable[[bytes], None], part: bytes) -> None:
    write(len(part).to_bytes(4, "big"))
    write(part)


def _read_part(file: IO[bytes], update: Callable[[bytes], None], *, longest: int = 2 * PIECE_BYTES) -> bytes:
    head = file.read(4)
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > longest:
        raise NotABackup("it is cut off or damaged")
    part = file.read(length)
    if len(part) < length:
        raise NotABackup("it is cut off")
    update(head)
    update(part)
    return part


def _read_piece(content: IO[bytes]) -> bytes:
    """A whole piece; less only at the end."""
    parts, left = [], PIECE_BYTES
    while left and (part := content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _info(raw_head: bytes) -> bytes:
    return framed(_PURPOSE, "piece", raw_head)
