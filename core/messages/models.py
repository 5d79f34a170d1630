"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class MessageCounter(Row):
    """One row of `message_counter`; its meaning and constraints stand in the migration."""

    conversation_id = peewee.UUIDField(primary_key=True)
    last_seq = peewee.BigIntegerField(default=0)
    chat_address = peewee.TextField(null=True)
    pen_until = DateTimeTZField(null=True)

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


class Outgoing(Row):
    """One row of `outgoing`; its meaning and constraints stand in the migration."""

    message_id = peewee.BigIntegerField(primary_key=True)
    conversation_id = peewee.UUIDField()
    state = peewee.TextField()
    attempts = peewee.IntegerField(default=0)
    due_at = DateTimeTZField()
    created_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    otherwise_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "outgoing"


class SendAttempt(Row):
    """One row of `send_attempt`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    conversation_id = peewee.UUIDField()
    message_id = peewee.BigIntegerField(null=True)
    order_id = peewee.UUIDField(null=True)
    way = peewee.TextField()
    outcome = peewee.TextField()
    problem = peewee.TextField(default="")
    external_ref = peewee.TextField(null=True)
    at = DateTimeTZField()

    class Meta:
        table_name = "send_attempt"


class SendPause(Row):
    """One row of `send_pause`; its meaning and constraints stand in the migration."""

    scope = peewee.TextField(primary_key=True)
    until = DateTimeTZField()

    class Meta:
        table_name = "send_pause"


class Alert(Row):
    """One row of `alert`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    kind = peewee.TextField()
    subject = peewee.TextField()
    detail = BinaryJSONField()
    seen = peewee.IntegerField(default=1)
    first_at = DateTimeTZField()
    last_at = DateTimeTZField()
    taken_until = DateTimeTZField(null=True)
    told_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "alert"
