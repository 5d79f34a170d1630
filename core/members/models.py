"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Shopper(Row):
    """One row of `shopper`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    locale = peewee.TextField()
    paid_orders = peewee.IntegerField(default=0)
    created_at = DateTimeTZField()
    merged_into = peewee.UUIDField(null=True)
    blocked_at = DateTimeTZField(null=True)

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


class Contact(Row):
    """One row of `contact`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    shopper_id = peewee.UUIDField()
    merchant_id = peewee.BigIntegerField()
    kind = peewee.TextField()
    address = peewee.TextField()
    identity_id = peewee.UUIDField()
    chat_address = peewee.TextField()
    confirmed_at = DateTimeTZField()
    created_at = DateTimeTZField()
    seal = peewee.BlobField()

    class Meta:
        table_name = "contact"


class ContactCode(Row):
    """One row of `contact_code`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    shopper_id = peewee.UUIDField()
    merchant_id = peewee.BigIntegerField()
    conversation_id = peewee.UUIDField()
    kind = peewee.TextField()
    address = peewee.TextField()
    code_hash = peewee.BlobField(null=True)
    tries_left = peewee.SmallIntegerField(default=3)
    asked_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    used_at = DateTimeTZField(null=True)
    seal = peewee.BlobField()
    network = peewee.TextField(default="")

    class Meta:
        table_name = "contact_code"


class Binding(Row):
    """One row of `binding`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    kept_shopper_id = peewee.UUIDField()
    merged_shopper_id = peewee.UUIDField(null=True)
    kept_identity_id = peewee.UUIDField()
    kept_address = peewee.TextField()
    merged_identity_id = peewee.UUIDField()
    merged_address = peewee.TextField()
    bound_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    seal = peewee.BlobField()

    class Meta:
        table_name = "binding"


class BindingRequest(Row):
    """One row of `binding_request`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    asked_identity_id = peewee.UUIDField()
    asked_conversation_id = peewee.UUIDField()
    code_hash = peewee.BlobField()
    asked_at = DateTimeTZField()
    tries = peewee.SmallIntegerField(default=0)
    claim_id = peewee.UUIDField(null=True)
    claimed_identity_id = peewee.UUIDField(null=True)
    claimed_conversation_id = peewee.UUIDField(null=True)
    claimed_at = DateTimeTZField(null=True)
    asked_agreement = peewee.BlobField(null=True)
    claimed_agreement = peewee.BlobField(null=True)
    ended_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "binding_request"


class BindingGuess(Row):
    """One row of `binding_guess`; its meaning and constraints stand in the migration."""

    identity_id = peewee.UUIDField(primary_key=True)
    wrong = peewee.SmallIntegerField()
    first_at = DateTimeTZField()

    class Meta:
        table_name = "binding_guess"


class Plan(Row):
    """One row of `plan`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    merchant_id = peewee.BigIntegerField()
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "plan"


class PlanPeriod(Row):
    """One row of `plan_period`; its meaning and constraints stand in the migration."""

    sku_id = peewee.BigIntegerField(primary_key=True)
    plan_id = peewee.BigIntegerField()
    count = peewee.IntegerField()
    unit = peewee.TextField()

    class Meta:
        table_name = "plan_period"


class MembershipPeriod(Row):
    """One row of `membership_period`; its meaning and constraints stand in the migration."""

    line_id = peewee.UUIDField(primary_key=True)
    plan_id = peewee.BigIntegerField()
    merchant_id = peewee.BigIntegerField()
    shopper_id = peewee.UUIDField()
    identity_id = peewee.UUIDField()
    months = peewee.IntegerField()
    days = peewee.IntegerField()
    zone = peewee.TextField()
    paid_at = DateTimeTZField()
    given_at = DateTimeTZField()
    taken_back_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "membership_period"


class Membership(Row):
    """One row of `membership`; its meaning and constraints stand in the migration."""

    shopper_id = peewee.UUIDField()
    plan_id = peewee.BigIntegerField()
    merchant_id = peewee.BigIntegerField()
    since = DateTimeTZField()
    anchor_day = peewee.SmallIntegerField()
    zone = peewee.TextField()
    months = peewee.IntegerField()
    days = peewee.IntegerField()
    until = DateTimeTZField()

    class Meta:
        table_name = "membership"
        primary_key = peewee.CompositeKey("shopper_id", "plan_id")
