"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import DateTimeTZField

from core.db import Row


class Account(Row):
    """One row of `account`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    kind = peewee.TextField()
    holder = peewee.TextField()
    counterparty = peewee.TextField(default="")
    currency = peewee.TextField()
    bounded = peewee.BooleanField()
    balance = peewee.BigIntegerField(null=True)
    floor = peewee.BigIntegerField(null=True)
    aside = peewee.BigIntegerField(default=0)

    class Meta:
        table_name = "account"


class Transfer(Row):
    """One row of `transfer`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    debit_id = peewee.BigIntegerField()
    credit_id = peewee.BigIntegerField()
    amount = peewee.BigIntegerField()
    currency = peewee.TextField()
    code = peewee.TextField()
    reference = peewee.UUIDField()
    line_id = peewee.UUIDField(null=True)
    at = DateTimeTZField()

    class Meta:
        table_name = "transfer"


class Reversal(Row):
    """One row of `reversal`; its meaning and constraints stand in the migration."""

    transfer_id = peewee.BigIntegerField(primary_key=True)
    by_transfer_id = peewee.BigIntegerField()
    reason = peewee.TextField()

    class Meta:
        table_name = "reversal"


class MoneyHold(Row):
    """One row of `money_hold`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    account_id = peewee.BigIntegerField()
    held_in_id = peewee.BigIntegerField()
    order_id = peewee.UUIDField()
    amount = peewee.BigIntegerField()
    captured = peewee.BigIntegerField(default=0)
    released = peewee.BigIntegerField(default=0)
    state = peewee.TextField()
    created_at = DateTimeTZField()
    settled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "money_hold"
