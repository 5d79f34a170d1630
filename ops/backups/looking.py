"""What `doctor` says of backups: when the last was made, and whether the key that opens them still lies here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg

from core.config import Config
from ops.backups import keys

OLD = timedelta(days=2)


def looked_at(config: Config) -> Iterator[tuple[str, bool]]:
    """Sentences, each with whether somebody should look at it; nothing where the database does not answer."""
    try:
        with psycopg.connect(config.database.roles.shop) as connection:
            row = connection.execute(
                "SELECT max(made_at), EXISTS (SELECT 1 FROM installation WHERE kind = 'production')"
                " AND EXISTS (SELECT 1 FROM batch) FROM backup_made"
            ).fetchone()
    except psycopg.Error:  # no database, or no schema: said elsewhere
        return
    last, has_much_to_lose = row or (None, False)
    if last is None:
        yield "none was made yet: `python run.py backup` makes one while the store sells", bool(has_much_to_lose)
    elif (age := datetime.now(UTC) - last) > OLD:
        yield f"the last backup is {age.days} days old ({last:%Y-%m-%d %H:%M}Z): have `backup` run every night", True
    else:
        yield f"the last was made {last:%Y-%m-%d %H:%M}Z", False
    private, _ = keys.files(config)
    if last is not None and private.exists():
        yield f"{private} opens every backup: move it to a safe place, away from this machine", True
