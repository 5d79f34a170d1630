"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Issuer(Row):
    """One row of `issuer`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    owner_id = peewee.BigIntegerField(null=True, unique=True)

    class Meta:
        table_name = "issuer"


class Product(Row):
    """One row of `product`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    owner_id = peewee.BigIntegerField()
    code = peewee.TextField()
    kind = peewee.TextField()
    category = peewee.TextField()
    names = BinaryJSONField(index=False)
    texts = BinaryJSONField(default=dict, index=False)
    aliases = peewee.TextField(default="")
    position = peewee.IntegerField(default=0)
    archived_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "product"


class Sku(Row):
    """One row of `sku`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    product_id = peewee.BigIntegerField()
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    axes = BinaryJSONField(default=dict, index=False)
    issuer_id = peewee.BigIntegerField()
    card_shape = peewee.TextField(default="secret")
    trim = peewee.BooleanField(default=True)
    case_sensitive = peewee.BooleanField(default=True)
    minimum_life_days = peewee.IntegerField(default=1)
    secret_bits = peewee.IntegerField(null=True)
    archived_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "sku"


class Listing(Row):
    """One row of `listing`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    merchant_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    code = peewee.TextField()
    price_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    maximum_quantity = peewee.IntegerField(default=100)
    on_sale = peewee.BooleanField(default=True)
    version = peewee.IntegerField(default=1)
    position = peewee.IntegerField(default=0)
    created_at = DateTimeTZField()
    archived_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "listing"


class GoodsSheet(Row):
    """One row of `goods_sheet`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    staff_id = peewee.UUIDField()
    file_name = peewee.TextField()
    rows = BinaryJSONField(index=False)
    before = BinaryJSONField(null=True, index=False)
    created_at = DateTimeTZField()
    applied_at = DateTimeTZField(null=True)
    undone_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "goods_sheet"
