"""Tables of this room, as peewee sees them: the SQL migrations are the truth, a test compares the two."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from core.db import Row


class Upload(Row):
    """One row of `upload`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    owner_id = peewee.BigIntegerField()
    file_name = peewee.TextField()
    size = peewee.BigIntegerField()
    chunks = peewee.IntegerField()
    complete = peewee.BooleanField(default=False)
    sealed_key = peewee.BlobField()
    created_at = DateTimeTZField()

    class Meta:
        table_name = "upload"


class Batch(Row):
    """One row of `batch`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    no = peewee.IntegerField(null=True)
    owner_id = peewee.BigIntegerField()
    supplier_id = peewee.BigIntegerField(null=True)
    sku_id = peewee.BigIntegerField()
    terms = peewee.TextField()
    unit_cost_micro = peewee.BigIntegerField(default=0)
    state = peewee.TextField()
    reason = peewee.TextField(null=True)
    locked_by = peewee.BigIntegerField(null=True)
    upload_id = peewee.UUIDField(null=True)
    source_name = peewee.TextField()
    source_hash = peewee.BlobField(null=True)
    card_count = peewee.IntegerField(default=0)
    expires_on = peewee.DateField(null=True)
    created_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "batch"


class BatchMark(Row):
    """One row of `batch_mark`; its meaning and constraints stand in the migration."""

    batch_no = peewee.IntegerField(primary_key=True)
    low_pos = peewee.BigIntegerField(default=0)
    free_count = peewee.IntegerField(default=0)
    updated_at = DateTimeTZField()

    class Meta:
        table_name = "batch_mark"


class Card(Row):
    """One row of `card`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    batch_no = peewee.IntegerField()
    owner_id = peewee.BigIntegerField()
    sku_id = peewee.BigIntegerField()
    pos = peewee.BigIntegerField()
    state = peewee.TextField()
    line_id = peewee.UUIDField(null=True)
    mask = peewee.TextField()
    contested = peewee.BooleanField(default=False)
    expires_on = peewee.DateField(null=True)
    opened_at = DateTimeTZField(null=True)
    delivered_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "card"


class ImportJob(Row):
    """One row of `import_job`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    upload_id = peewee.UUIDField()
    batch_id = peewee.UUIDField(null=True)
    dry_run = peewee.BooleanField(default=False)
    secret_column = peewee.TextField(null=True)
    state = peewee.TextField()
    rows_done = peewee.IntegerField(default=0)
    added = peewee.IntegerField(default=0)
    duplicates = peewee.IntegerField(default=0)
    refused = peewee.IntegerField(default=0)
    error = peewee.TextField(null=True)
    created_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)
    restock_id = peewee.UUIDField(null=True)
    supplier_request_id = peewee.UUIDField(null=True)
    rows_about = peewee.IntegerField(default=0)
    moved_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "import_job"


class ImportRefusal(Row):
    """One row of `import_refusal`; its meaning and constraints stand in the migration."""

    job_id = peewee.UUIDField()
    n = peewee.IntegerField()
    place = peewee.TextField()
    reason = peewee.TextField()
    shape = peewee.TextField(default="")

    class Meta:
        table_name = "import_refusal"
        primary_key = peewee.CompositeKey("job_id", "n")


class StockEvent(Row):
    """One row of `stock_event`; its meaning and constraints stand in the migration."""

    id = peewee.BigAutoField()
    kind = peewee.TextField()
    card_id = peewee.UUIDField(null=True)
    batch_no = peewee.IntegerField(null=True)
    detail = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()
    handled_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "stock_event"


class ContestedDecision(Row):
    """One row of `contested_decision`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    batch_no = peewee.IntegerField()
    card_id = peewee.UUIDField(null=True)
    given_to = peewee.TextField()
    reason = peewee.TextField()
    decided = peewee.IntegerField(default=0)
    decided_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "contested_decision"


class ContestedWish(Row):
    """One row of `contested_wish`; its meaning and constraints stand in the migration."""

    id = peewee.UUIDField(primary_key=True)
    staff_id = peewee.UUIDField()
    batch_id = peewee.UUIDField()
    given_to = peewee.TextField()
    reason = peewee.TextField()
    asked_at = DateTimeTZField()
    seal = peewee.BlobField()
    state = peewee.TextField(default="asked")
    decided = peewee.IntegerField(null=True)
    held = peewee.IntegerField(null=True)
    sold = peewee.IntegerField(null=True)
    ended_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "contested_wish"
