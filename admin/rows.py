"""What the panel's lists read, column by column: a table's other columns are not here and not granted to it."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from admin.reading import panel_db


class PanelRow(peewee.Model):
    """Base of all rows that the panel reads; it never writes one."""

    class Meta:
        database = panel_db
        legacy_table_names = False


class PartyRow(PanelRow):
    """A party, by name."""

    id = peewee.BigIntegerField(primary_key=True)
    kind = peewee.TextField()
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    status = peewee.TextField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "party"


class PartyFeeRow(PanelRow):
    """What a party pays the store, in basis points of a price; seen by the party itself and by the platform."""

    party_id = peewee.BigIntegerField(primary_key=True)
    fee_basis_points = peewee.IntegerField()

    class Meta:
        table_name = "panel_party_fee"


class OrderRow(PanelRow):
    """An order of a merchant."""

    id = peewee.UUIDField(primary_key=True)
    merchant = peewee.ForeignKeyField(PartyRow, backref="orders")
    state = peewee.TextField()
    currency = peewee.TextField()
    total_minor = peewee.BigIntegerField()
    paid_minor = peewee.BigIntegerField()
    refunded_minor = peewee.BigIntegerField()
    placed_at = DateTimeTZField()
    paid_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "shop_order"


class ProductRow(PanelRow):
    """A product, by name."""

    id = peewee.BigIntegerField(primary_key=True)
    names = BinaryJSONField(index=False)

    class Meta:
        table_name = "product"


class SkuRow(PanelRow):
    """A SKU, by code and name."""

    id = peewee.BigIntegerField(primary_key=True)
    product = peewee.ForeignKeyField(ProductRow)
    code = peewee.TextField()
    names = BinaryJSONField(index=False)

    class Meta:
        table_name = "sku"


class ListingRow(PanelRow):
    """What a merchant sells."""

    id = peewee.BigIntegerField(primary_key=True)
    merchant = peewee.ForeignKeyField(PartyRow)
    sku = peewee.ForeignKeyField(SkuRow)
    code = peewee.TextField()
    price_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    on_sale = peewee.BooleanField()

    class Meta:
        table_name = "listing"


class BatchRow(PanelRow):
    """Cards that came together."""

    id = peewee.UUIDField(primary_key=True)
    no = peewee.IntegerField(unique=True)
    owner = peewee.ForeignKeyField(PartyRow)
    sku = peewee.ForeignKeyField(SkuRow)
    terms = peewee.TextField()
    state = peewee.TextField()
    reason = peewee.TextField(null=True)
    locked_by = peewee.BigIntegerField(null=True)
    source_name = peewee.TextField()
    card_count = peewee.IntegerField()
    expires_on = peewee.DateField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "batch"


class AuditRow(PanelRow):
    """Who did what."""

    id = peewee.BigIntegerField(primary_key=True)
    at = DateTimeTZField()
    actor_kind = peewee.TextField()
    actor_id = peewee.UUIDField(null=True)
    action = peewee.TextField()
    object_kind = peewee.TextField()
    object_id = peewee.TextField()
    detail = BinaryJSONField(index=False)
    party_id = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "audit_entry"
