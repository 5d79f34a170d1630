"""Goods as their own pages read them: more columns than the lists of other rooms, and what belongs to them."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from admin.rows import PanelRow, PartyRow


class IssuerRow(PanelRow):
    """Who redeems cards: a shared brand, or the merchant itself (`owner_id`)."""

    id = peewee.BigIntegerField(primary_key=True)
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    owner_id = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "issuer"


class GoodRow(PanelRow):
    """A product with all its words."""

    id = peewee.BigIntegerField(primary_key=True)
    owner = peewee.ForeignKeyField(PartyRow)
    owner_id: int
    code = peewee.TextField()
    kind = peewee.TextField()
    category = peewee.TextField()
    names = BinaryJSONField(index=False)
    texts = BinaryJSONField(index=False)
    aliases = peewee.TextField()
    position = peewee.IntegerField()
    archived_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "product"


class VariantRow(PanelRow):
    """A SKU with what it is made of."""

    id = peewee.BigIntegerField(primary_key=True)
    product = peewee.ForeignKeyField(GoodRow, backref="variants")
    product_id: int
    code = peewee.TextField()
    names = BinaryJSONField(index=False)
    axes = BinaryJSONField(index=False)
    issuer = peewee.ForeignKeyField(IssuerRow)
    minimum_life_days = peewee.IntegerField()
    archived_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "sku"


class PriceRow(PanelRow):
    """A listing with its limits."""

    id = peewee.BigIntegerField(primary_key=True)
    merchant = peewee.ForeignKeyField(PartyRow)
    sku = peewee.ForeignKeyField(VariantRow, backref="listings")
    sku_id: int
    code = peewee.TextField()
    price_minor = peewee.BigIntegerField()
    currency = peewee.TextField()
    maximum_quantity = peewee.IntegerField()
    position = peewee.IntegerField()
    on_sale = peewee.BooleanField()
    archived_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "listing"


class FieldRow(PanelRow):
    """What buyers of a SKU are asked for."""

    sku = peewee.ForeignKeyField(VariantRow)
    sku_id: int
    name = peewee.TextField()
    position = peewee.IntegerField()
    labels = BinaryJSONField(index=False)
    format = peewee.TextField()
    is_secret = peewee.BooleanField()

    class Meta:
        table_name = "buyer_field"
        primary_key = peewee.CompositeKey("sku", "name")


class BroughtRow(PanelRow):
    """A file of cards that staff handed over, and what became of it."""

    id = peewee.UUIDField(primary_key=True)
    party_id = peewee.BigIntegerField()
    sku = peewee.ForeignKeyField(VariantRow)
    sku_id: int
    state = peewee.TextField()
    added = peewee.IntegerField(null=True)
    duplicates = peewee.IntegerField(null=True)
    refused = peewee.IntegerField(null=True)
    problem = peewee.TextField(null=True)
    asked_at = DateTimeTZField()

    class Meta:
        table_name = "restock"
