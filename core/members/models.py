"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import DateTimeTZField

from core.db import Row


class Shopper(Row):
    """One row of `shopper`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    locale = peewee.TextField()
    paid_orders = peewee.IntegerField(default=0)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "shopper"


class Identity(Row):
    """One row of `identity`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    shopper_id = peewee.UUIDField()
    merchant_id = peewee.BigIntegerField()
    channel = peewee.TextField()
    external_id = peewee.TextField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "identity"
