"""One upload as the custodian reads it: proved to be whole, then opened a piece at a time, wherever it is asked for."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from uuid import UUID

from core import db
from core.custody.imports import import_sql as sql
from core.custody.keychain.keys import OpenVault
from core.vault.chunks import open_chunk, open_file_key
from core.vault.primitives import SealError


class SealedFile:
    """The plaintext of an upload; at most one chunk of it is in memory. Use it in one thread at a time."""

    def __init__(self, vault: OpenVault, upload: UUID, sealed_key: bytes) -> None:
        """Open every chunk once, in order. Raises `SealError` when one is altered, moved, missing or not the last."""
        self._upload = upload
        self._key = open_file_key(vault.keys.ring.privates, sealed_key, vault=vault.vault_id, upload=upload)
        self._count = int(db.execute(sql.COUNT_CHUNKS, (upload,))[0][0])
        self._held = -1, b""
        hashed = hashlib.sha256()
        self._starts: list[int] = []
        self.size = 0
        for number in range(self._count):
            chunk = self._chunk(number)
            hashed.update(chunk)
            self._starts.append(self.size)
            self.size += len(chunk)
        if not self._count:
            raise SealError
        self.source_hash = hashed.digest()

    def piece(self, offset: int, length: int) -> bytes:
        """So many bytes from that place, fewer only at the end."""
        found = bytearray()
        end = min(offset + length, self.size)
        while offset < end:
            number = bisect_right(self._starts, offset) - 1
            inside = offset - self._starts[number]
            taken = self._chunk(number)[inside : inside + end - offset]
            found += taken
            offset += len(taken)
        return bytes(found)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            with db.connection():
                rows = db.execute(sql.UPLOAD_CHUNK, (self._upload, number))
            if not rows:
                raise SealError
            last = number == self._count - 1
            opened = open_chunk(self._key, bytes(rows[0][0]), number=number, last=last, upload=self._upload)
            self._held = number, opened
        return self._held[1]
