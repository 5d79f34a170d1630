"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class GatewayAccount(Row):
    """One row of `gateway_account`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    opaque_id = peewee.TextField()
    gateway = peewee.TextField()
    merchant_id = peewee.BigIntegerField()
    currency = peewee.TextField()
    names = BinaryJSONField(index=False)
    enabled = peewee.BooleanField(default=True)
    settings = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()
    left_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "gateway_account"


class ChatAccount(Row):
    """One row of `chat_account`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    opaque_id = peewee.TextField()
    channel = peewee.TextField()
    merchant_id = peewee.BigIntegerField()
    external_id = peewee.TextField()
    username = peewee.TextField(default="")
    names = BinaryJSONField(index=False)
    enabled = peewee.BooleanField(default=True)
    settings = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()
    left_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "chat_account"


class ConnectionCheck(Row):
    """One row of `connection_check`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    account_kind = peewee.TextField()
    account_id = peewee.BigIntegerField()
    merchant_id = peewee.BigIntegerField()
    asked_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)
    outcome = peewee.TextField(default="")
    found = BinaryJSONField(default=list, index=False)
    heard_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "connection_check"
