"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import ArrayField, DateTimeTZField

from core.db import Row


class Offer(Row):
    """One row of `offer`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    seller_id = peewee.BigIntegerField()
    buyer_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    price_micro = peewee.BigIntegerField()
    currency = peewee.TextField()
    valid_from = DateTimeTZField()
    valid_to = DateTimeTZField(null=True)

    class Meta:
        table_name = "offer"


class TradeAccount(Row):
    """One row of `trade_account`; its meaning and constraints stand in the migration."""

    account_id = peewee.BigIntegerField(primary_key=True)
    creditor_id = peewee.BigIntegerField()
    debtor_id = peewee.BigIntegerField()
    currency = peewee.TextField()
    sales_id = peewee.BigIntegerField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "trade_account"


class TradeTopup(Row):
    """One row of `trade_topup`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    account_id = peewee.BigIntegerField()
    amount = peewee.BigIntegerField()
    reference = peewee.TextField()
    transfer_id = peewee.BigIntegerField()
    approved_at = DateTimeTZField()
    taken_back_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "trade_topup"


class Markup(Row):
    """One row of `markup`; its meaning and constraints stand in the migration."""

    listing_id = peewee.BigIntegerField(primary_key=True)
    basis_points = peewee.IntegerField()
    ending = peewee.TextField()
    cost_micro = peewee.BigIntegerField()
    set_at = DateTimeTZField()

    class Meta:
        table_name = "markup"


class Source(Row):
    """One row of `source`; its meaning and constraints stand in the migration."""

    merchant_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    pool_owner_id = peewee.BigIntegerField()
    offer_ids = ArrayField(peewee.BigIntegerField, default=list, index=False)
    position = peewee.IntegerField(default=0)

    class Meta:
        table_name = "source"
        primary_key = peewee.CompositeKey("merchant_id", "sku_id", "pool_owner_id")
