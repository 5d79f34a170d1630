"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Party(Row):
    """One row of `party`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    kind = peewee.TextField()
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    status = peewee.TextField(default="active")
    is_default = peewee.BooleanField(default=False)
    fee_basis_points = peewee.IntegerField(default=0)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "party"


class Staff(Row):
    """One row of `staff`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    email = peewee.TextField()
    name = peewee.TextField()
    password_hash = peewee.TextField()
    created_at = DateTimeTZField()
    disabled_at = DateTimeTZField(null=True)
    must_change = peewee.BooleanField(default=False)
    handed_over_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "staff"


class StaffRole(Row):
    """One row of `staff_role`; its meaning and constraints stand in the migration."""

    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    role = peewee.TextField()

    class Meta:
        table_name = "staff_role"
        primary_key = peewee.CompositeKey("staff_id", "party_id", "role")


class RoleChange(Row):
    """One row of `role_change`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    role = peewee.TextField()
    is_given = peewee.BooleanField()
    changed_by = peewee.UUIDField()
    at = DateTimeTZField()

    class Meta:
        table_name = "role_change"


class ShopFront(Row):
    """One row of `shop_front`; its meaning and constraints stand in the migration."""

    merchant_id = peewee.BigIntegerField(primary_key=True)
    greeting = BinaryJSONField(default=dict, index=False)
    notice = BinaryJSONField(default=dict, index=False)
    contact = peewee.TextField(default="")
    locale = peewee.TextField(default="zh-CN")
    changed_at = DateTimeTZField()
    set_up_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "shop_front"


class KeptFilter(Row):
    """One row of `kept_filter`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    listed = peewee.TextField()
    name = peewee.TextField()
    cut = peewee.TextField()
    kept_at = DateTimeTZField()

    class Meta:
        table_name = "kept_filter"
