"""Top-ups by hand: what the buyer tells is sealed at the door, shown once to who holds the task, and wiped (INV-K6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.actor import OPERATOR, Actor
from core.catalog.fields import BuyerField, FieldFormat, fits, set_fields
from core.config import Config
from core.errors import NotAllowed
from core.fulfilment.fields import FieldRefused, FieldsClosed, asked_fields, give_fields, plain_fields, wipe_fields
from core.fulfilment.tasks import (
    FieldsMissing,
    TaskNotHeld,
    TaskTaken,
    finish_task,
    give_back,
    holder_of,
    take_task,
    task_of,
    waiting_tasks,
)
from core.parties.service import Role, create_staff
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from core.vault.key_requests import KeyRequests
from core.work import Work
from tests.support.dialog import queued
from tests.support.exchange import Exchange
from tests.support.sales import Sale, a_counter
from tests.support.vault_keys import ring, with_own_keys
from tests.support.vaults import desk_vault

PASSWORD = "hunter2-CANARY-field"  # not-a-secret
FIELDS = (
    BuyerField("account", {"zh-CN": "QQ 号", "en": "QQ number"}, FieldFormat.DIGITS, is_secret=False),
    BuyerField("password", {"zh-CN": "登录密码", "en": "Password"}, FieldFormat.TEXT, is_secret=True),
)


@pytest.fixture
def desk(store_db: Any, sql: Any, config: Config, urls: dict[str, str]) -> Exchange:
    """A shop whose A1 is topped up by a person; its stock are receipts."""
    made = Exchange(a_counter(desk_vault(with_own_keys(config)), sql), urls)
    sql("UPDATE product SET kind = 'manual_top_up'")
    ((sku,),) = sql("SELECT id FROM sku WHERE code = 'A1'")
    set_fields(actor=OPERATOR, sku_id=sku, fields=FIELDS, now=datetime.now(UTC))
    return made


@pytest.fixture
def sale(desk: Exchange) -> Sale:
    """A paid line that waits for a person."""
    made = desk.counter.sell(1)
    desk.counter.shop.sql("UPDATE delivery SET state = 'waiting' WHERE id = %s", [made.delivery])
    return made


def tell(desk: Exchange, sale: Sale, **typed: str) -> int:
    """What the door does with a form."""
    names = {one.field.name: one.input_name for one in asked_fields(order_id=sale.order)}
    return give_fields(
        order_id=sale.order,
        typed={names[name]: Secret(value) for name, value in typed.items()},
        vault_public=desk.config.secret(desk.config.vault.public_key).reveal(),
        now=datetime.now(UTC),
    )


def somebody_of(desk: Exchange, email: str, *roles: Role) -> str:
    create_staff(
        actor=OPERATOR, party_id=desk.counter.shop.merchant, email=email, name="Li", password=Secret("x" * 16),
        roles=frozenset(roles or {Role.SUPPORT}), now=datetime.now(UTC),
    )  # fmt: skip
    return email


def taken(desk: Exchange, sale: Sale, email: str = "li@example.com") -> tuple[UUID, Actor]:
    task = task_of(order_id=sale.order)
    actor = holder_of(task=task, email=somebody_of(desk, email))
    return take_task(actor=actor, task=task, now=datetime.now(UTC)), actor


def opened(desk: Exchange, task: UUID, actor: Actor) -> Mapping[str, Secret] | VaultCode:
    assert actor.id is not None
    try:
        return desk.counter.vault.client.open_fields(task, staff=actor.id)
    except VaultRefused as refusal:
        return refusal.vault_code


def holding(desk: Exchange, canary: str) -> list[str]:
    """The tables that have a text in clear."""
    sql = desk.counter.shop.sql
    tables = [name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found = [one for one in tables if sql(f"SELECT 1 FROM {one} t WHERE t::text LIKE %s LIMIT 1", [f"%{canary}%"])]
    hexed = canary.encode().hex()
    return found + [
        one for one in tables if sql(f"SELECT 1 FROM {one} t WHERE t::text LIKE %s LIMIT 1", [f"%{hexed}%"])
    ]


def test_inv_k6_a_secret_field_is_sealed_at_the_door_shown_once_to_who_holds_the_task_and_wiped_a_day_after(
    desk: Exchange, sale: Sale, sql: Any
) -> None:
    """INV-K6: from the form to the wipe; INV-K4: the audit entry is there with the answer."""
    assert tell(desk, sale, account=" １０００1 ", password=PASSWORD) == 2
    assert holding(desk, PASSWORD) == []
    with pytest.raises(Exception, match="permission denied"):
        sql("SELECT sealed FROM line_field", role="shop")  # the door cannot even read what it sealed
    task, actor = taken(desk, sale)

    shown = opened(desk, task, actor)
    again = opened(desk, task, actor)

    assert isinstance(shown, dict)
    assert {name: value.reveal().decode() for name, value in shown.items()} == {"password": PASSWORD}
    assert plain_fields(line_id=sale.line) == {"account": "10001"}
    assert again is VaultCode.TASK_REFUSED
    assert PASSWORD not in repr(shown)
    audit = sql("SELECT actor_kind, actor_id, detail ->> 'task' FROM audit_entry WHERE action = 'fields.opened'")
    assert audit == [("staff", actor.id, str(task))]
    assert "fields.opened" in (desk.config.data_dir / "vault" / "openings.log").read_text()

    now = datetime.now(UTC)
    finish_task(actor=actor, task=task_of(order_id=sale.order), now=now)
    assert queued(Work.DELIVER.value) == 1
    assert sql("SELECT l.gate, d.state FROM order_line l JOIN delivery d ON d.line_id = l.id") == [("none", "ready")]
    with desk.as_worker():
        assert wipe_fields(now=now + timedelta(hours=23)) == 0
        assert wipe_fields(now=now + timedelta(hours=25)) == 2
    assert sql("SELECT text, sealed, wiped_at IS NOT NULL FROM line_field") == [(None, None, True)] * 2
    assert waiting_tasks() == []


def test_inv_k6_nobody_else_is_shown_a_field_and_nothing_changes(desk: Exchange, sale: Sale, sql: Any) -> None:
    """INV-K6: another person, a task that was given back, an order that is not as it was sealed or paid."""
    tell(desk, sale, account="10001", password=PASSWORD)
    task, actor = taken(desk, sale)
    other = holder_of(task=task_of(order_id=sale.order), email=somebody_of(desk, "wang@example.com"))

    def refused(holder: Actor = actor) -> bool:
        before = sql("SELECT count(*) FROM audit_entry WHERE action = 'fields.opened'")
        answer = opened(desk, task, holder)
        return answer is VaultCode.TASK_REFUSED and before == sql(
            "SELECT count(*) FROM audit_entry WHERE action = 'fields.opened'"
        )

    assert refused(other)
    with pytest.raises(TaskTaken):
        take_task(actor=other, task=task_of(order_id=sale.order), now=datetime.now(UTC))
    sql("UPDATE shop_order SET chat_address = 'web:somebody' WHERE id = %s RETURNING id", [sale.order])
    assert refused()
    sql("UPDATE shop_order SET chat_address = %s WHERE id = %s", [f"web:{sale.talker.identity_id}", sale.order])
    sql("UPDATE payment_event SET body = body || 'x'::bytea")
    assert refused()
    give_back(actor=actor, task=task_of(order_id=sale.order), now=datetime.now(UTC))
    assert refused()
    with pytest.raises(TaskNotHeld):
        finish_task(actor=actor, task=task_of(order_id=sale.order), now=datetime.now(UTC))


def test_a_notice_that_paid_for_another_order_shows_no_field(desk: Exchange, sale: Sale, sql: Any) -> None:
    """Fault 106: what proves one payment is used once, for fields as for cards."""
    tell(desk, sale, account="10001", password=PASSWORD)
    task, actor = taken(desk, sale)
    ((account, number),) = sql("SELECT gateway_account_id, external_id FROM payment_event WHERE kind = 'paid'")
    reference = f"notice:{account}:{number}"
    sql("INSERT INTO evidence_use VALUES (%s, 'order:another')", [reference])

    assert opened(desk, task, actor) is VaultCode.TASK_REFUSED
    assert sql("SELECT opened_at FROM task") == [(None,)]
    assert sql("SELECT count(*) FROM audit_entry WHERE action = 'fields.opened'") == [(0,)]
    assert sql("SELECT * FROM evidence_use") == [(reference, "order:another")]

    sql("DELETE FROM evidence_use")
    assert isinstance(opened(desk, task, actor), dict)
    used = "SELECT * FROM evidence_use ORDER BY evidence DESC"
    assert sql(used) == [(reference, f"order:{sale.order}"), (f"line:{sale.line}", f"order:{sale.order}")]


def test_inv_k2_a_field_that_was_moved_to_another_order_does_not_open(desk: Exchange, sale: Sale, sql: Any) -> None:
    """INV-K2: who writes into the tables shows nobody's password to a task of his own."""
    tell(desk, sale, account="10001", password=PASSWORD)
    mine = desk.counter.sell(1)
    sql("UPDATE delivery SET state = 'waiting' WHERE id = %s", [mine.delivery])
    tell(desk, mine, account="20002", password="another one")
    sql(
        "UPDATE line_field m SET sealed = v.sealed FROM line_field v"
        " WHERE m.line_id = %s AND v.line_id = %s AND m.name = 'password' AND v.name = 'password'",
        [mine.line, sale.line],
    )
    task, actor = taken(desk, mine)

    assert opened(desk, task, actor) is VaultCode.TASK_REFUSED


def test_what_does_not_fit_is_refused_as_a_whole_and_what_is_at_work_takes_no_change(
    desk: Exchange, sale: Sale, sql: Any
) -> None:
    with pytest.raises(FieldRefused) as refused:
        tell(desk, sale, account="not a number", password=PASSWORD)
    assert PASSWORD not in repr(refused.value) + str(refused.value)
    assert refused.value.params == {"field": "account"}
    assert sql("SELECT count(*) FROM line_field") == [(0,)]
    with pytest.raises(FieldsMissing):
        taken(desk, sale, "early@example.com")

    tell(desk, sale, account="10001", password="first")
    tell(desk, sale, password="second")
    task, actor = taken(desk, sale)
    with pytest.raises(FieldsClosed):
        tell(desk, sale, password="third")

    shown = opened(desk, task, actor)
    assert isinstance(shown, dict)
    assert shown["password"].reveal() == b"second"


def test_only_people_who_see_to_a_merchants_orders_take_its_tasks(desk: Exchange, sale: Sale) -> None:
    tell(desk, sale, account="10001", password=PASSWORD)
    for email in (somebody_of(desk, "goods@example.com", Role.CATALOG), "nobody@example.com"):
        with pytest.raises(NotAllowed):
            holder_of(task=task_of(order_id=sale.order), email=email)


@pytest.mark.parametrize(
    ("form", "typed", "kept"),
    [
        (FieldFormat.DIGITS, " １００01 ", "10001"),
        (FieldFormat.DIGITS, "10a01", None),
        (FieldFormat.PHONE, "138 0013 8000", "13800138000"),
        (FieldFormat.PHONE, "12800138000", None),
        (FieldFormat.ACCOUNT, " me@example.com ", "me@example.com"),
        (FieldFormat.ACCOUNT, "two words", None),
        (FieldFormat.TEXT, " kept as it is ", " kept as it is "),
        (FieldFormat.TEXT, "x" * 129, None),
        (FieldFormat.TEXT, "bell\x07", None),
        (FieldFormat.TEXT, "turned\u202e", None),
        (FieldFormat.TEXT, "", None),
    ],
)
def test_what_may_stand_in_a_field(form: FieldFormat, typed: str, kept: str | None) -> None:
    assert fits(BuyerField("f", {}, form, is_secret=True), typed) == kept


def test_inv_k3_a_version_that_a_buyers_field_is_sealed_with_is_not_retired(
    desk: Exchange, sale: Sale, sql: Any
) -> None:
    """INV-K3: the paid buyer's password would open for nobody any more."""
    config, acts = desk.counter.vault.config, KeyRequests(desk.counter.vault.client)
    old = ring(config).current.id
    tell(desk, sale, account="10001", password=PASSWORD)
    new = acts.rotate().version
    sql("UPDATE vault_key SET replaced_at = replaced_at - interval '1 day'")

    with pytest.raises(VaultRefused) as no:
        acts.retire(old)

    assert no.value.vault_code is VaultCode.KEYS_REFUSED
    assert str(no.value).startswith(f"1 files, codes or buyers' fields that wait are sealed with {old}")
    assert {one.id: one.waiting for one in acts.status()[0]} == {new: 0, old: 1}
    shown = opened(desk, *taken(desk, sale))
    assert isinstance(shown, dict)
    assert shown["password"].reveal().decode() == PASSWORD
    sql("UPDATE line_field SET sealed = NULL, wiped_at = now()")
    acts.retire(old)
    assert [one.id for one in ring(config).versions] == [new]
