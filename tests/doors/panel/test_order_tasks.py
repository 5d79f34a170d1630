"""A top-up by hand in the panel: taken by one person, its secret fields shown once for a code that the vault judges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.actor import OPERATOR
from core.catalog.fields import BuyerField, FieldFormat, set_fields
from core.fulfilment.fields import asked_fields, give_fields
from core.ids import Prefix, public
from core.parties.rules import Role
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from tests.support.panel import Browser, a_login, code_of
from tests.support.sales import Counter, Sale, a_counter
from tests.support.seated import a_seat
from tests.support.vaults import TestVault

PASSWORD = "hunter2-CANARY-field"  # not-a-secret
FIELDS = (
    BuyerField("account", {"zh-CN": "QQ 号", "en": "QQ number"}, FieldFormat.DIGITS, is_secret=False),
    BuyerField("password", {"zh-CN": "登录密码", "en": "Password"}, FieldFormat.TEXT, is_secret=True),
)


@pytest.fixture
def counter(vault: TestVault, sql: Any) -> Counter:
    """A shop with a vault's stock."""
    return a_counter(vault, sql)


@pytest.fixture
def sale(counter: Counter, vault: TestVault, sql: Any) -> Sale:
    """A paid line that waits for a person, and what its buyer told."""
    made = counter.sell(1)
    sql("UPDATE product SET kind = 'manual_top_up'")
    ((sku,),) = sql("SELECT id FROM sku WHERE code = 'A1'")
    set_fields(actor=OPERATOR, sku_id=sku, fields=FIELDS, now=datetime.now(UTC))
    sql("UPDATE order_line SET gate = 'task'")
    sql("UPDATE delivery SET state = 'waiting'")
    names = {one.field.name: one.input_name for one in asked_fields(order_id=made.order)}
    typed = {names["account"]: Secret("10001"), names["password"]: Secret(PASSWORD)}
    public_key = vault.config.secret(vault.config.vault.public_key).reveal()
    assert give_fields(order_id=made.order, typed=typed, vault_public=public_key, now=datetime.now(UTC)) == 2
    return made


def test_its_secret_fields_are_shown_once_to_who_took_it_for_a_code(
    panel: Callable[[], Browser], counter: Counter, sale: Sale
) -> None:
    """INV-K6: no code, a wrong one, somebody else's task: nothing; a right one: once, and the audit has it."""
    shop = counter.shop
    person = a_login("li@demo.test", shop.merchant, Role.SUPPORT)
    holder, colleague = panel(), panel()
    holder.sign_in("li@demo.test")
    letters = holder.set_up_second()
    a_seat(colleague, shop, shop.merchant, Role.OWNER, name="Wang")
    page = f"/orders/{public(Prefix.ORDER, sale.order)}/task"
    assert "QQ number" not in holder.get(page).get_data(as_text=True)

    assert holder.post(f"{page}/take", shown=page).status_code == 302
    assert "10001" in holder.get(page).get_data(as_text=True)
    assert "10001" not in colleague.get(page).get_data(as_text=True)
    assert colleague.post(f"{page}/take", shown=page).status_code == 302
    before = shop.sql("SELECT staff_id, opened_at, done_at FROM task")
    for browser, code in ((holder, ""), (holder, "000000"), (holder, "x" * 3000), (colleague, "123456")):
        answer = browser.post(f"{page}/fields", {"code": code}, shown=page)
        assert (answer.status_code in {403, 409, 422}, PASSWORD in answer.get_data(as_text=True)) == (True, False)
    assert colleague.post(f"{page}/done", shown=page).status_code == 302
    assert shop.sql("SELECT staff_id, opened_at, done_at FROM task") == before == [(person, None, None)]
    shop.sql("UPDATE staff_totp SET last_step = 0, wrong = 0")

    shown = holder.post(f"{page}/fields", {"code": code_of(letters)}, shown=page)
    assert PASSWORD in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    assert PASSWORD not in holder.get(page).get_data(as_text=True)
    shop.sql("UPDATE staff_totp SET last_step = 0")
    again = holder.post(f"{page}/fields", {"code": code_of(letters)}, shown=page)
    assert (again.status_code, PASSWORD in again.get_data(as_text=True)) == (403, False)
    assert shop.sql("SELECT actor_id FROM audit_entry WHERE action = 'fields.opened'") == [(person,)]

    assert holder.post(f"{page}/done", shown=page).status_code == 302
    assert shop.sql("SELECT gate FROM order_line") == [("none",)]
    assert holder.get(page).status_code == 404


@pytest.mark.parametrize("role", [Role.CATALOG, Role.FINANCE])
def test_fault_84_a_role_that_may_not_see_them_is_told_so_and_its_owner_finds_it_in_the_audit(
    panel: Callable[[], Browser], counter: Counter, sale: Sale, role: Role
) -> None:
    """Of the same shop; to people of other parties the page is one that is not there, and nobody's audit has it."""
    shop, browser, owner = counter.shop, panel(), panel()
    page = f"/orders/{public(Prefix.ORDER, sale.order)}/task/fields"
    person = a_seat(browser, shop, shop.merchant, role)

    answer = browser.client.post(page, data={"code": "123456", "csrf_token": "forged"})

    assert (answer.status_code, "error-id" in answer.get_data(as_text=True)) == (403, True)
    written = shop.sql("SELECT actor_id, party_id, object_id FROM audit_entry WHERE action = 'staff.reveal_refused'")
    assert written == [(person, shop.merchant, "tasks.fields")]
    a_seat(owner, shop, shop.merchant, Role.OWNER, name="Wang")
    assert "staff.reveal_refused" in owner.get("/audit/").get_data(as_text=True)
    for kind, party in (("supplier", shop.a_party("s", kind="supplier")), ("platform", shop.platform)):
        stranger = panel()
        a_seat(stranger, shop, party, Role.STOCK if kind == "supplier" else Role.PLATFORM_OPERATOR, name=kind)
        assert stranger.client.post(page, data={"code": "123456"}).status_code == 404
    assert shop.sql("SELECT count(*) FROM audit_entry WHERE action = 'staff.reveal_refused'") == [(1,)]


def test_the_vault_shows_fields_to_nobody_who_does_not_see_to_that_merchants_orders(
    vault: TestVault, counter: Counter, panel: Callable[[], Browser], sale: Sale
) -> None:
    """INV-K6: a task that was written over to somebody of another shop opens nothing, and costs no code."""
    shop = counter.shop
    person = a_login("li@other.test", shop.a_party("other"), Role.SUPPORT)
    browser = panel()
    browser.sign_in("li@other.test")
    letters = browser.set_up_second()
    shop.sql("UPDATE staff_totp SET last_step = 0")
    ((task,),) = shop.sql(
        "INSERT INTO task (id, line_id, order_id, merchant_id, staff_id, taken_at)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, now()) RETURNING id",
        [sale.line, sale.order, shop.merchant, person],
    )

    with pytest.raises(VaultRefused) as refused:
        vault.client.show_fields(task, person, code_of(letters))

    assert refused.value.vault_code is VaultCode.TASK_REFUSED
    assert shop.sql("SELECT last_step FROM staff_totp") == [(0,)]
    shop.sql("INSERT INTO staff_role VALUES (%s, %s, 'support')", [person, shop.merchant])
    assert vault.client.show_fields(task, person, code_of(letters))["password"].reveal() == PASSWORD.encode()
