"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class ShopOrder(Row):
    """One row of `shop_order`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    shopper_id = peewee.UUIDField()
    identity_id = peewee.UUIDField()
    conversation_id = peewee.UUIDField()
    chat_address = peewee.TextField()
    state = peewee.TextField()
    currency = peewee.TextField()
    total_minor = peewee.BigIntegerField()
    paid_minor = peewee.BigIntegerField(default=0)
    refunded_minor = peewee.BigIntegerField(default=0)
    stranger = peewee.BooleanField()
    network = peewee.TextField()
    risk = BinaryJSONField(index=False)
    seal = peewee.BlobField()
    access_hash = peewee.BlobField()
    placed_at = DateTimeTZField()
    deadline = DateTimeTZField()
    paid_at = DateTimeTZField(null=True)
    ended_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "shop_order"


class OrderLine(Row):
    """One row of `order_line`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    order_id = peewee.UUIDField()
    merchant_id = peewee.BigIntegerField()
    position = peewee.SmallIntegerField()
    listing_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    listing_code = peewee.TextField()
    names = BinaryJSONField(index=False)
    quantity = peewee.IntegerField()
    list_price_minor = peewee.BigIntegerField()
    discount_minor = peewee.BigIntegerField(default=0)
    total_minor = peewee.BigIntegerField()
    reasons = BinaryJSONField(index=False)
    gate = peewee.TextField(default="none")
    gate_reason = peewee.TextField(null=True)
    plan_id = peewee.BigIntegerField(null=True)
    plan_count = peewee.IntegerField(null=True)
    plan_unit = peewee.TextField(null=True)

    class Meta:
        table_name = "order_line"


class LineShare(Row):
    """One row of `line_share`; its meaning and constraints stand in the migration."""

    hold_id = peewee.UUIDField()
    line_id = peewee.UUIDField()
    position = peewee.SmallIntegerField()
    role = peewee.TextField()
    party_id = peewee.BigIntegerField()
    account_id = peewee.BigIntegerField()
    offer_id = peewee.BigIntegerField(null=True)
    amount_minor = peewee.BigIntegerField()
    reason = peewee.TextField()

    class Meta:
        table_name = "line_share"
        primary_key = peewee.CompositeKey("hold_id", "position")


class Hold(Row):
    """One row of `hold`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    line_id = peewee.UUIDField()
    order_id = peewee.UUIDField()
    sku_id = peewee.BigIntegerField()
    quantity = peewee.IntegerField()
    stranger = peewee.BooleanField()
    state = peewee.TextField()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    settled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "hold"


class Delivery(Row):
    """One row of `delivery`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    line_id = peewee.UUIDField()
    order_id = peewee.UUIDField()
    state = peewee.TextField()
    attempts = peewee.IntegerField(default=0)
    lease_until = DateTimeTZField(null=True)
    last_problem = peewee.TextField(null=True)
    created_at = DateTimeTZField()
    delivered_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "delivery"


class TradeHold(Row):
    """One row of `trade_hold`; its meaning and constraints stand in the migration."""

    hold_id = peewee.UUIDField()
    line_id = peewee.UUIDField()
    position = peewee.SmallIntegerField()
    account_id = peewee.BigIntegerField()
    offer_id = peewee.BigIntegerField(null=True)
    amount = peewee.BigIntegerField()
    captured = peewee.BigIntegerField(default=0)
    released = peewee.BigIntegerField(default=0)
    returned = peewee.BigIntegerField(default=0)
    state = peewee.TextField()
    settled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "trade_hold"
        primary_key = peewee.CompositeKey("hold_id", "position")
