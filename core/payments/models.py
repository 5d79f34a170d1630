"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Payment(Row):
    """One row of `payment`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    order_id = peewee.UUIDField(null=True)
    merchant_id = peewee.BigIntegerField()
    shopper_id = peewee.UUIDField()
    rail = peewee.TextField()
    gateway_account_id = peewee.BigIntegerField(null=True)
    amount_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    state = peewee.TextField()
    refunded_minor = peewee.BigIntegerField(default=0)
    external_ref = peewee.TextField(null=True)
    url = peewee.TextField(null=True)
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    succeeded_at = DateTimeTZField(null=True)
    poll_at = DateTimeTZField(null=True)
    worth_minor = peewee.BigIntegerField(null=True)
    worth_currency = peewee.TextField(null=True)
    rate_minor = peewee.BigIntegerField(null=True)
    rate_units = peewee.BigIntegerField(null=True)
    rate_at = DateTimeTZField(null=True)
    sealed_for = peewee.UUIDField(null=True)
    seal = peewee.BlobField(null=True)

    class Meta:
        table_name = "payment"


class PaymentEvent(Row):
    """One row of `payment_event`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    gateway_account_id = peewee.BigIntegerField()
    external_id = peewee.TextField()
    kind = peewee.TextField()
    named_payment_id = peewee.UUIDField(null=True)
    payment_id = peewee.UUIDField(null=True)
    order_id = peewee.UUIDField(null=True)
    amount_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    body = peewee.BlobField()
    headers = BinaryJSONField(index=False)
    received_at = DateTimeTZField()
    booked_to = peewee.TextField()
    reason = peewee.TextField(null=True)
    decide_by = DateTimeTZField(null=True)
    resolved_at = DateTimeTZField(null=True)
    resolution = peewee.TextField(null=True)
    reconciled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "payment_event"


class Refund(Row):
    """One row of `refund`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    order_id = peewee.UUIDField(null=True)
    payment_id = peewee.UUIDField(null=True)
    event_id = peewee.UUIDField(null=True)
    line_id = peewee.UUIDField(null=True)
    to_wallet = peewee.BooleanField()
    amount_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    state = peewee.TextField()
    reason = peewee.TextField()
    attempts = peewee.IntegerField(default=0)
    lease_until = DateTimeTZField(null=True)
    created_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    reconciled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "refund"


class PaymentConfirmation(Row):
    """One row of `payment_confirmation`; its meaning and constraints stand in the migration."""

    gateway_account_id = peewee.BigIntegerField()
    external_id = peewee.TextField()
    merchant_id = peewee.BigIntegerField()
    payment_id = peewee.UUIDField()
    payer = peewee.TextField()
    amount_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    paid_at = DateTimeTZField()
    proof = peewee.BlobField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "payment_confirmation"
        primary_key = peewee.CompositeKey("gateway_account_id", "external_id")


class GatewayStatement(Row):
    """One row of `gateway_statement`; its meaning and constraints stand in the migration."""

    gateway_account_id = peewee.BigIntegerField(primary_key=True)
    seen = peewee.BigIntegerField()
    read_at = DateTimeTZField()

    class Meta:
        table_name = "gateway_statement"
