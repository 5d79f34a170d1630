"""Files sealed while they arrive: no plaintext part of an upload touches a disk or the database.

HPKE is one-shot, so a random file key is sealed to the vault and the chunks are AES-256-GCM under it (the STREAM
construction): the nonce holds a counter and a last-flag, so a chunk that is missing, doubled, moved or cut off at the
end does not open.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO
from uuid import UUID

from core.vault.primitives import (
    KEY_BYTES,
    SealError,
    framed,
    gcm_open_at,
    gcm_seal_at,
    hpke_open,
    hpke_seal,
    public_of,
)
from core.vault.seal import Purpose, key_id

CHUNK_BYTES = 256 * 1024


class ChunkSealer:
    """Seals one upload: `sealed_key` goes into its row, each sealed chunk into a row of its own, in order."""

    def __init__(self, *, public: bytes, vault: UUID, upload: UUID) -> None:
        self._key = os.urandom(KEY_BYTES)
        self._upload = upload
        self._index = 0
        self._hash = hashlib.sha256()
        self._done = False
        self.sealed_key = hpke_seal(public, self._key, _key_info(key_id(public), vault, upload))
        self.size = 0

    def seal(self, chunk: bytes, *, last: bool) -> bytes:
        """The next chunk, 16 bytes longer. Raises `SealError` after the last one."""
        if self._done:
            raise SealError
        self._hash.update(chunk)
        self.size += len(chunk)
        sealed = gcm_seal_at(self._key, _nonce(self._index, last), chunk, _chunk_info(self._upload))
        self._index += 1
        self._done = last
        return sealed

    def seal_file(self, file: BinaryIO) -> Iterator[bytes]:
        """All chunks of a file that is read once; an empty file has one empty chunk."""
        held = file.read(CHUNK_BYTES)
        while True:
            following = file.read(CHUNK_BYTES)
            yield self.seal(held, last=not following)
            if not following:
                return
            held = following

    def source_hash(self) -> bytes:
        """SHA-256 of the plaintext so far: the batch's source hash once the last chunk is sealed."""
        return self._hash.digest()


def open_chunks(
    sealed_chunks: Iterable[bytes], *, privates: Sequence[bytes], sealed_key: bytes, vault: UUID, upload: UUID
) -> Iterator[bytes]:
    """The plaintext chunks in order. Raises `SealError` where one is not the next, or the end is missing.

    `privates` are the vault's private keys, tried in this order. What came before an error was authentic, but a caller
    must not use it as the whole file.
    """
    key = open_file_key(privates, sealed_key, vault=vault, upload=upload)
    info = _chunk_info(upload)
    held: bytes | None = None
    index = 0
    for following in sealed_chunks:
        if held is not None:
            yield gcm_open_at(key, _nonce(index, last=False), held, info)
            index += 1
        held = following
    if held is None:
        raise SealError
    yield gcm_open_at(key, _nonce(index, last=True), held, info)


def open_file_key(privates: Sequence[bytes], sealed_key: bytes, *, vault: UUID, upload: UUID) -> bytes:
    """The file's key, by the first private key that it was sealed for. Raises `SealError` when it is none of them."""
    for private in privates:
        with contextlib.suppress(SealError):
            return hpke_open(private, sealed_key, _key_info(key_id(public_of(private)), vault, upload))
    raise SealError


def open_chunk(key: bytes, sealed: bytes, *, number: int, last: bool, upload: UUID) -> bytes:
    """One chunk by itself, opened as the `number`-th and (not) the `last`. Raises `SealError` if it is another."""
    return gcm_open_at(key, _nonce(number, last), sealed, _chunk_info(upload))


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _key_info(key: str, vault: UUID, upload: UUID) -> bytes:
    return framed(Purpose.UPLOAD_KEY, key, vault, upload)


def _chunk_info(upload: UUID) -> bytes:
    return framed(Purpose.UPLOAD_KEY, "chunk", upload)
