"""Files on their way to the vault: sealed while they are read, kept as rows that only the vault opens."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO
from uuid import UUID

from core.db import atomic, execute
from core.errors import Invalid
from core.ids import new_id
from core.vault.chunks import ChunkSealer

LARGEST_FILE = 64 * 1024 * 1024  # bytes


class FileTooLarge(Invalid):
    """The file is larger than `most_megabytes`."""


def upload_file(*, file: BinaryIO, name: str, owner_id: int, vault_public: bytes, now: datetime) -> UUID:
    """Seal a file that is read once, store it in one transaction and return the upload's id.

    `owner_id` is whose pool its cards go to. Raises `FileTooLarge`; then nothing is kept.
    """
    upload = new_id()
    vault: UUID = execute("SELECT vault_id FROM installation")[0][0]
    sealer = ChunkSealer(public=vault_public, vault=vault, upload=upload)
    with atomic():
        execute(
            "INSERT INTO upload (id, owner_id, file_name, size, chunks, complete, sealed_key, created_at)"
            " VALUES (%s, %s, %s, 0, 0, false, %s, %s)",
            (upload, owner_id, shown_name(name), sealer.sealed_key, now),
        )
        count = 0
        for sealed in sealer.seal_file(file):
            if sealer.size > LARGEST_FILE:
                raise FileTooLarge(most_megabytes=LARGEST_FILE // 2**20)
            execute("INSERT INTO upload_chunk (upload_id, n, sealed) VALUES (%s, %s, %s)", (upload, count, sealed))
            count += 1
        execute("UPDATE upload SET complete = true, chunks = %s, size = %s WHERE id = %s", (count, sealer.size, upload))
    return upload


def shown_name(name: str) -> str:
    """The last part of a file's name, without what cannot be shown; at most 200 characters."""
    plain = "".join(character for character in PurePath(name).name if character.isprintable())
    return plain[-200:] or "file"
