"""A file that arrives over a network, sealed to the vault as its pieces come: nothing of it waits anywhere in clear.

Each full chunk is a commit of its own, since a slow sender may take minutes. What breaks off is never complete; its
chunks go with the other uploads that nobody imported, after a day.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.db import atomic, execute
from core.ids import new_id
from core.vault.chunks import CHUNK_BYTES, ChunkSealer
from core.vault.uploads import LARGEST_FILE, FileTooLarge, shown_name

BEGIN = """
INSERT INTO upload (id, owner_id, file_name, size, chunks, complete, sealed_key, created_at)
VALUES (%s, %s, %s, 0, 0, false, %s, %s)
"""
KEEP = "INSERT INTO upload_chunk (upload_id, n, sealed) VALUES (%s, %s, %s)"
COMPLETE = "UPDATE upload SET complete = true, chunks = %s, size = %s WHERE id = %s"


class ArrivingFile:
    """One upload on its way; `owner_id` is whose pool its cards are for."""

    def __init__(self, *, name: str, owner_id: int, vault_public: bytes, now: datetime) -> None:
        self.id = new_id()
        vault: UUID = execute("SELECT vault_id FROM installation")[0][0]
        self._sealer = ChunkSealer(public=vault_public, vault=vault, upload=self.id)
        self._held = bytearray()  # less than one chunk beyond the next, in memory only
        self._chunks = 0
        self.size = 0
        execute(BEGIN, (self.id, owner_id, shown_name(name), self._sealer.sealed_key, now))

    def take(self, piece: bytes) -> None:
        """The next bytes. Raises `FileTooLarge`, after which nothing more of it may come."""
        self.size += len(piece)
        if self.size > LARGEST_FILE:
            raise FileTooLarge(most_megabytes=LARGEST_FILE // 2**20)
        self._held += piece
        while len(self._held) > CHUNK_BYTES:
            self._keep(bytes(self._held[:CHUNK_BYTES]), last=False)
            del self._held[:CHUNK_BYTES]

    def finish(self) -> UUID:
        """It is all here: from now on it can be looked at. Returns the upload's id."""
        with atomic():
            self._keep(bytes(self._held), last=True)
            self._held.clear()
            execute(COMPLETE, (self._chunks, self.size, self.id))
        return self.id

    def _keep(self, chunk: bytes, *, last: bool) -> None:
        execute(KEEP, (self.id, self._chunks, self._sealer.seal(chunk, last=last)))
        self._chunks += 1
