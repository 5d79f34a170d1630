"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class MessageCounter(Row):
    """One row of `message_counter`; its meaning and constraints stand in the migration."""

    conversation_id = peewee.UUIDField(primary_key=True)
    last_seq = peewee.BigIntegerField(default=0)

    class Meta:
        table_name = "message_counter"


class Message(Row):
    """One row of `message`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    conversation_id = peewee.UUIDField()
    seq = peewee.BigIntegerField()
    kind = peewee.TextField()
    body = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "message"
