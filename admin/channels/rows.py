"""What the pages of connections read: never what is sealed, only since when something is."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from admin.rows import PanelRow, PartyRow


class ChatRow(PanelRow):
    """A bot or an official account."""

    id = peewee.BigIntegerField(primary_key=True)
    channel = peewee.TextField()
    merchant = peewee.ForeignKeyField(PartyRow)
    external_id = peewee.TextField()
    opaque_id = peewee.TextField()
    username = peewee.TextField()
    names = BinaryJSONField(index=False)
    enabled = peewee.BooleanField()
    created_at = DateTimeTZField()
    left_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "chat_account"


class GatewayRow(PanelRow):
    """An account at a gateway."""

    id = peewee.BigIntegerField(primary_key=True)
    gateway = peewee.TextField()
    merchant = peewee.ForeignKeyField(PartyRow)
    currency = peewee.TextField()
    names = BinaryJSONField(index=False)
    settings = BinaryJSONField(index=False)
    enabled = peewee.BooleanField()
    created_at = DateTimeTZField()
    left_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "gateway_account"


class CheckRow(PanelRow):
    """How a connection was when it was tried last."""

    id = peewee.UUIDField(primary_key=True)
    account_kind = peewee.TextField()
    account_id = peewee.BigIntegerField()
    asked_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)
    outcome = peewee.TextField()
    found = BinaryJSONField(index=False)
    heard_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "connection_check"


class CredentialRow(PanelRow):
    """That a secret is set, and since when."""

    account_kind = peewee.TextField()
    account_id = peewee.BigIntegerField()
    name = peewee.TextField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "credential"
        primary_key = peewee.CompositeKey("account_kind", "account_id", "name")
