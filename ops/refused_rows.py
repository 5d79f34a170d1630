"""The report file of an import: every refused row with its place, the reason, and the shape of what stood there."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from core.config import Config, ConfigError

HEADER = ("place", "reason", "shape")

REFUSED = """
SELECT r.place, r.reason, r.shape FROM import_refusal r JOIN import_job j ON j.id = r.job_id
WHERE j.upload_id = %s ORDER BY j.created_at, r.n
"""


def begin(path: Path) -> None:
    """Make the file, empty and closed to other users, before anything is imported.

    Raises ConfigError when it exists already or cannot be written: a report never overwrites a file.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ConfigError(f"{path} exists already: name a new file for --report") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): name another file for --report") from None


def write(path: Path, *, config: Config, upload: UUID, sentences: Mapping[str, str]) -> int:
    """Write all refused rows of an upload's import as CSV (UTF-8 with BOM, for spreadsheets); returns how many.

    Only places, reasons and shapes: the values themselves are nowhere in it.
    """
    from core import db

    db.connect(config.database.roles.shop, size=2)
    try:
        rows = db.execute(REFUSED, (upload,))
    finally:
        db.disconnect()
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows((place, sentences.get(reason, reason), shape) for place, reason, shape in rows)
    return len(rows)
