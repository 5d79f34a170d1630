"""The models of each room have exactly the columns that the migrations make."""

import importlib
import pkgutil

import peewee
import pytest

import core
from core.db import Row
from tests.builders import Sql

ROOMS = [room.name for room in pkgutil.iter_modules(core.__path__) if room.ispkg]
for room in ROOMS:
    if importlib.util.find_spec(f"core.{room}.models"):
        importlib.import_module(f"core.{room}.models")
MODELS = {model._meta.table_name: model for model in Row.__subclasses__()}

WITHOUT_MODEL = {
    # sealed columns, which only the vault's and the doors' fixed statements name
    "bank_details",
    "batch_key",
    "card_seal",
    "sealed_answer",
    "upload_chunk",
    # the floor's and the engines' own, read by fixed statements
    "checkpoint",
    "checkpoint_balance",
    "checkpoint_batch",
    "claim_quarter",
    "full_reading",
    "report_dirty",
    "report_hop",
    "report_mark",
    "report_order",
    "report_sale",
    "process_figures",
    "audit_link",
    "currency",
    "evidence_use",
    "card_link",
    "card_link_opening",
    "identity_device",
    "installation",
    "keystall_counter",
    "keystall_kv",
    "keystall_schedule",
    "keystall_task",
    "late_answer",
    "buyer_field",
    "api_key",
    "party_application",
    "sign_in_try",
    "staff_session",
    "staff_totp",
    "supplier_vetting",
    "import_quota",
    "supplier_account",
    "supplier_good",
    "supplier_request",
    "supplier_line",
    "line_field",
    "task",
    "link_press",
    "opening_budget",
    "pool_budget",
    "page_browser",
    "page_login",
    "pickup_code",
    "pickup_guess",
    "pickup_use",
    "pickup_wish",
    "credential",
    "reading",
    "notice_consent",
    "reading_budget",
    "sandbox_charge",
    "sandbox_refund",
    "schema_migration",
    "service_window",
    "submission",
    "throttle",
    "trace_budget",
    "backup_made",
    "epoch_gateway",
    "epoch_opening",
    "epoch_payment",
    "lost_card",
    "vault_epoch",
    "vault_key",
    "vault_mark",
    "vault_rekey",
    "vault_round",
    "vault_state",
    "wallet_use",
    "wechat_replay",
    "wechat_token",
}

KINDS = {
    "bigint": {"BIGINT", "BIGAUTO"},
    "integer": {"INT"},
    "smallint": {"SMALLINT"},
    "boolean": {"BOOL"},
    "text": {"TEXT"},
    "uuid": {"UUID"},
    "bytea": {"BLOB"},
    "jsonb": {"JSONB"},
    "date": {"DATE"},
    "timestamp with time zone": {"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"},
    "ARRAY": {"BIGINT"},
    "double precision": {"DOUBLE PRECISION"},
}


@pytest.mark.parametrize("table", sorted(MODELS))
def test_a_model_has_the_columns_of_its_table(table: str, sql: Sql) -> None:
    columns = {
        name: (kind, nullable == "YES")
        for name, kind, nullable in sql(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
    }
    fields: dict[str, peewee.Field] = {field.column_name: field for field in MODELS[table]._meta.sorted_fields}

    assert set(fields) == set(columns)
    for name, field in fields.items():
        kind, nullable = columns[name]
        made = str(field.field_type).upper()
        assert made in KINDS[kind], f"{table}.{name} is {kind} in the database and {made} in the model"
        if not nullable:
            assert not field.null or name in ("id", "no"), f"{table}.{name} may not be NULL in the database"


def test_every_table_has_a_model_or_a_reason_to_have_none(sql: Sql) -> None:
    tables = {name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}

    assert tables - set(MODELS) == WITHOUT_MODEL
