"""The report file of an import: every refused row with its place, the reason, and the shape of what stood there."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from core.config import Config, ConfigError
from core.vault.client import ImportReport

HEADER = ("place", "reason", "shape")
PAGE = 10_000

REFUSED = """
SELECT r.n, r.place, r.reason, r.shape FROM import_refusal r JOIN import_job j ON j.id = r.job_id
WHERE j.upload_id = %s AND r.n > %s ORDER BY r.n LIMIT %s
"""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet reads a cell that begins so as a formula


@contextlib.contextmanager
def begun(path: Path | None) -> Iterator[None]:
    """Make the file, empty and closed to other users, before anything is imported; take it away if that fails.

    So the corrected try may name the same file. Raises ConfigError when it exists already or cannot be written: a
    report never overwrites a file.
    """
    if path is None:
        yield
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ConfigError(f"{path} exists already: name a new file for --report") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): name another file for --report") from None
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write(path: Path, *, config: Config, upload: UUID, report: ImportReport, sentences: Mapping[str, str]) -> int:
    """Write all refused rows of an upload's import as CSV (UTF-8 with BOM, for spreadsheets); returns how many.

    Only places, reasons and shapes: the values themselves are nowhere in it. A dry run keeps no rows, so of one the
    first 1,000 are written, as they were shown. Raises ConfigError when the disk is full; `begun` leaves no part of it.
    """
    count = 0
    try:
        rows = _of_report(report) if report.dry_run else _kept(config, upload)
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            for place, reason, shape in rows:
                writer.writerow((safe(place), sentences.get(reason, reason), safe(shape)))
                count += 1
    except OSError as error:
        done = "nothing was imported: this was a dry run" if report.dry_run else "the import itself is done"
        raise ConfigError(f"the report could not be written ({error.strerror}) and is removed; {done}") from None
    return count


def safe(text: str) -> str:
    """A cell that a spreadsheet shows as it is: what it would take for a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _of_report(report: ImportReport) -> Iterator[tuple[str, str, str]]:
    return ((row.place, row.reason, row.shape) for row in report.refusals)


def _kept(config: Config, upload: UUID) -> Iterator[tuple[str, str, str]]:
    from core import db

    db.connect(config.database.roles.shop, size=2)
    try:
        last = -1
        while rows := db.execute(REFUSED, (upload, last, PAGE)):
            yield from ((place, reason, shape) for _, place, reason, shape in rows)
            last = rows[-1][0]
    finally:
        db.disconnect()
