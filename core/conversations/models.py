"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Conversation(Row):
    """One row of `conversation`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    shopper_id = peewee.UUIDField()
    identity_id = peewee.UUIDField()
    chat_address = peewee.TextField()
    chat_account_id = peewee.BigIntegerField(null=True)
    last_heard_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "conversation"


class ChatSession(Row):
    """One row of `chat_session`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    conversation_id = peewee.UUIDField()
    token_hash = peewee.BlobField()
    answer_public_key = peewee.BlobField()
    network = peewee.TextField()
    start_seq = peewee.BigIntegerField(default=0)
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    seal = peewee.BlobField()

    class Meta:
        table_name = "chat_session"


class Inbox(Row):
    """One row of `inbox`; its meaning and constraints stand in the migration."""

    source = peewee.TextField()
    event_id = peewee.TextField()
    conversation_id = peewee.UUIDField()
    body_hash = peewee.BlobField()
    sealed_body = peewee.BlobField(null=True)
    sealed_answer = peewee.BlobField(null=True)
    received_at = DateTimeTZField()
    handled_at = DateTimeTZField(null=True)
    arrival = peewee.BigIntegerField()
    waits = peewee.BooleanField(default=False)
    urgent = peewee.BooleanField(default=False)
    taken_until = DateTimeTZField(null=True)
    tries = peewee.IntegerField(default=0)

    class Meta:
        table_name = "inbox"
        primary_key = peewee.CompositeKey("source", "event_id")


class Button(Row):
    """One row of `button`; its meaning and constraints stand in the migration."""

    token_hash = peewee.BlobField(primary_key=True)
    conversation_id = peewee.UUIDField()
    intent = peewee.TextField()
    params = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()

    class Meta:
        table_name = "button"


class MenuSent(Row):
    """One row of `menu_sent`; its meaning and constraints stand in the migration."""

    conversation_id = peewee.UUIDField(primary_key=True)
    options = BinaryJSONField(index=False)
    sent_at = DateTimeTZField()
    expires_at = DateTimeTZField()

    class Meta:
        table_name = "menu_sent"


class LivingMessage(Row):
    """One row of `living_message`; its meaning and constraints stand in the migration."""

    conversation_id = peewee.UUIDField(primary_key=True)
    external_ref = peewee.TextField()
    is_newest = peewee.BooleanField(default=True)
    at = DateTimeTZField()

    class Meta:
        table_name = "living_message"


class StaffCode(Row):
    """One row of `staff_code`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    code_hash = peewee.BlobField()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    used_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "staff_code"


class StaffChat(Row):
    """One row of `staff_chat`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    conversation_id = peewee.UUIDField()
    chat_address = peewee.TextField()
    bound_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    seal = peewee.BlobField()

    class Meta:
        table_name = "staff_chat"


class Restock(Row):
    """One row of `restock`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    unit_cost_micro = peewee.BigIntegerField()
    upload_id = peewee.UUIDField()
    conversation_id = peewee.UUIDField(null=True)
    submission = peewee.TextField()
    secret_column = peewee.TextField(null=True)
    state = peewee.TextField(default="asked")
    added = peewee.IntegerField(null=True)
    duplicates = peewee.IntegerField(null=True)
    refused = peewee.IntegerField(null=True)
    problem = peewee.TextField(null=True)
    asked_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    cancel_asked_at = DateTimeTZField(null=True)
    seal = peewee.BlobField()

    class Meta:
        table_name = "restock"


class BroughtFile(Row):
    """One row of `brought_file`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    party_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    upload_id = peewee.UUIDField()
    secret_column = peewee.TextField(null=True)
    submission = peewee.TextField()
    brought_at = DateTimeTZField()
    restock_id = peewee.UUIDField(null=True)
    left_at = DateTimeTZField(null=True)
    seal = peewee.BlobField()

    class Meta:
        table_name = "brought_file"


class FileLook(Row):
    """One row of `file_look`; its meaning and constraints stand in the migration."""

    file_id = peewee.UUIDField(primary_key=True)
    state = peewee.TextField()
    rows_done = peewee.IntegerField(default=0)
    rows_about = peewee.IntegerField(default=0)
    added = peewee.IntegerField(default=0)
    duplicates = peewee.IntegerField(default=0)
    refused = peewee.IntegerField(default=0)
    found = BinaryJSONField(default=dict, index=False)
    problem = peewee.TextField(null=True)
    began_at = DateTimeTZField()
    moved_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "file_look"
