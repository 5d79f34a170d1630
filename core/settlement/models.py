"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import DateTimeTZField

from core.db import Row


class SettlePeriod(Row):
    """One row of `settle_period`; its meaning and constraints stand in the migration."""

    party_id = peewee.BigIntegerField()
    debtor_id = peewee.BigIntegerField()
    days = peewee.IntegerField()

    class Meta:
        table_name = "settle_period"
        primary_key = peewee.CompositeKey("party_id", "debtor_id")


class GatewaySettlement(Row):
    """One row of `gateway_settlement`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    gateway_account_id = peewee.BigIntegerField()
    debtor_id = peewee.BigIntegerField()
    currency = peewee.TextField()
    amount = peewee.BigIntegerField()
    is_own = peewee.BooleanField()
    reference = peewee.TextField()
    recorded_at = DateTimeTZField()
    taken_back_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "gateway_settlement"


class SettledMoney(Row):
    """One row of `settled_money`; its meaning and constraints stand in the migration."""

    debtor_id = peewee.BigIntegerField()
    currency = peewee.TextField()
    settled = peewee.BigIntegerField(default=0)
    settled_for_others = peewee.BigIntegerField(default=0)
    released = peewee.BigIntegerField(default=0)
    released_to_others = peewee.BigIntegerField(default=0)

    class Meta:
        table_name = "settled_money"
        primary_key = peewee.CompositeKey("debtor_id", "currency")


class PayoutRow(Row):
    """One row of `payout`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    party_id = peewee.BigIntegerField()
    debtor_id = peewee.BigIntegerField()
    kind = peewee.TextField()
    period = peewee.DateField()
    currency = peewee.TextField()
    amount = peewee.BigIntegerField()
    state = peewee.TextField()
    bank_id = peewee.UUIDField()
    made_by = peewee.UUIDField()
    requested_at = DateTimeTZField()
    approved_by = peewee.UUIDField(null=True)
    approved_at = DateTimeTZField(null=True)
    sent_by = peewee.UUIDField(null=True)
    sent_at = DateTimeTZField(null=True)
    ended_by = peewee.UUIDField(null=True)
    ended_at = DateTimeTZField(null=True)
    bank_reference = peewee.TextField(null=True)
    reason = peewee.TextField(null=True)

    class Meta:
        table_name = "payout"
