"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class AuditEntry(Row):
    """One row of `audit_entry`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    at = DateTimeTZField()
    actor_kind = peewee.TextField()
    actor_id = peewee.UUIDField(null=True)
    party_id = peewee.BigIntegerField(null=True)
    action = peewee.TextField()
    object_kind = peewee.TextField()
    object_id = peewee.TextField()
    detail = BinaryJSONField(default=dict, index=False)

    class Meta:
        table_name = "audit_entry"
