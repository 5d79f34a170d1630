"""Who may bring stock by a chat: those who are bound, as long as they may; nobody else notices anything of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.engine import Engine
from core.clock import FixedClock
from core.config import Config
from core.parties.service import Role
from tests.builders import NOON, Shop
from tests.support.chats import an_account
from tests.support.restock import (
    CSV,
    EMAIL,
    LINES,
    StaffChatter,
    Worker,
    a_code,
    a_member,
    as_anybody,
    nothing_came,
)
from tests.support.vaults import DeskVault


@pytest.mark.parametrize(
    "words", [LINES, "补货 A1", "补货", "restock A1\nX-1", "员工 退出", "员工 AAAA-AAAA", "staff leave"]
)
@pytest.mark.parametrize("is_on", [False, True])
def test_nobody_else_notices_that_there_is_such_a_thing(
    shop: Shop, engine: Engine, vault: DeskVault, words: str, is_on: bool
) -> None:
    chat = StaffChatter(shop, engine, an_account(shop, restock=is_on and "AAAA" not in words))
    said = chat.says(words)
    other = chat.says("量子 阿尔法")

    echoed = words.partition("\n")[0]
    assert said.text.replace(echoed, "…") == other.text.replace("量子 阿尔法", "…")
    assert as_anybody(said)[1] == as_anybody(other)[1]
    assert nothing_came(shop)


def test_a_file_of_a_shopper_is_not_even_fetched(shop: Shop, chat: StaffChatter, vault: DeskVault) -> None:
    from bot.incoming import SentFile

    assert not chat.engine.wants_file(chat.incoming("补货 A1", file=SentFile("cards.csv", 10)))
    assert chat.sends(CSV).text == chat.says("补货 A1").text
    assert nothing_came(shop)


def test_switched_off_it_ends_at_once_for_those_who_are_bound(supplier: StaffChatter, shop: Shop, sql: Any) -> None:
    sql("""UPDATE chat_account SET settings = settings || '{"restock": false}'""")

    assert supplier.says(LINES).uncleared is None
    assert "补货" not in supplier.says("帮助").text
    assert nothing_came(shop)


def disabled(shop: Shop) -> None:
    shop.sql("UPDATE staff SET disabled_at = now()")


def role_lost(shop: Shop) -> None:
    shop.sql("DELETE FROM staff_role")


def only_orders_left(shop: Shop) -> None:
    shop.sql("UPDATE staff_role SET role = 'support'")


def party_suspended(shop: Shop) -> None:
    shop.sql("UPDATE party SET status = 'suspended' WHERE code = 'brand1'")


ENDS = [disabled, role_lost, only_orders_left, party_suspended]


@pytest.mark.parametrize("ends", ENDS)
def test_who_may_not_any_more_can_do_nothing_at_once(
    supplier: StaffChatter, shop: Shop, ends: Callable[[Shop], None]
) -> None:
    ends(shop)

    assert supplier.says(LINES).uncleared is None
    assert "补货" not in supplier.says("帮助").text
    assert nothing_came(shop)


@pytest.mark.parametrize("ends", ENDS)
def test_the_vault_refuses_what_was_sealed_before_that(
    supplier: StaffChatter, worker: Worker, shop: Shop, ends: Callable[[Shop], None]
) -> None:
    supplier.says(LINES)
    ends(shop)
    worker.carries_out()

    assert [(one["kind"], one["problem"]) for one in supplier.told()] == [("restock_refused", "not_allowed")]
    assert shop.count("batch") == 0


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FINANCE])
def test_no_code_is_made_for_other_roles(shop: Shop, config: Config, vault: DeskVault, role: Role) -> None:
    from core.errors import NotFound

    a_member(shop, shop.merchant, role)

    with pytest.raises(NotFound):
        a_code(config, EMAIL)
    assert shop.count("staff_code") == 0


def test_who_works_for_several_says_for_whom(shop: Shop, config: Config, vault: DeskVault) -> None:
    from core.conversations.staff import WhichParty

    a_member(shop, shop.a_party("brand1"), Role.OWNER)
    a_member(shop, shop.merchant, Role.OWNER)

    with pytest.raises(WhichParty) as refused:
        a_code(config, EMAIL)
    assert set(str(refused.value.params["codes"]).split(", ")) == {"demo", "brand1"}
    assert a_code(config, EMAIL, party="brand1")


def test_goods_of_another_merchant_are_as_unknown_as_none(supplier: StaffChatter, shop: Shop, sql: Any) -> None:
    foreign = shop.a_party("other")
    shop.a_sku("F1")
    sql("ALTER TABLE product DISABLE TRIGGER product_owner_fixed")
    sql("UPDATE product SET owner_id = %s WHERE code = 'product-F1'", [foreign])

    said, missing = supplier.says("补货 F1\nAAA-1"), supplier.says("补货 ZZ9\nAAA-1")

    assert said.text == missing.text
    assert "没有您可以补货的这个商品编号" in said.text
    assert "您的消息还在聊天里" in said.text
    assert nothing_came(shop)


def test_goods_that_are_offered_may_be_brought(supplier: StaffChatter, worker: Worker, shop: Shop, sql: Any) -> None:
    shop.a_sku("F1")
    sql("ALTER TABLE product DISABLE TRIGGER product_owner_fixed")
    sql("UPDATE product SET owner_id = %s WHERE code = 'product-F1'", [shop.merchant])
    sql(
        "INSERT INTO offer (seller_id, buyer_id, sku_id, price_micro, currency, valid_from)"
        " VALUES (%s, %s, %s, 20000000, 'CNY', '2026-01-01Z')",
        [shop.a_party("brand1"), shop.merchant, shop.a_sku("F1")],
    )

    supplier.says("补货 F1\nAAA-1")

    assert worker.carries_out() == 1
    assert shop.card_states() == {"free": 1}


def test_help_names_it_for_those_who_are_bound_only(supplier: StaffChatter, shop: Shop, engine: Engine) -> None:
    stranger = StaffChatter(shop, engine, supplier.account, "5009")

    assert "补货 A1：换行贴卡密" in supplier.says("帮助").text
    assert "补货" not in stranger.says("帮助").text
    assert "成本" not in supplier.says("帮助").text


def test_leaving_ends_it(supplier: StaffChatter, shop: Shop) -> None:
    assert "不再用于补货" in supplier.says("员工 退出").text

    assert supplier.says(LINES).uncleared is None
    assert nothing_came(shop)


def test_a_code_binds_once_for_ten_minutes_and_replaces_the_chat_before(
    supplier: StaffChatter, shop: Shop, engine: Engine, config: Config, clock: FixedClock
) -> None:
    second, third = (StaffChatter(shop, engine, supplier.account, user) for user in ("5002", "5003"))
    code = a_code(config, EMAIL)

    assert "已绑定" in second.says(f"staff {code.lower()}").text
    assert "员工码用不了" in third.says(f"员工 {code}").text
    late = a_code(config, EMAIL)
    clock.move(timedelta(minutes=10, seconds=1))
    assert "员工码用不了" in third.says(f"员工 {late}").text
    assert supplier.says(LINES).uncleared is None
    assert second.says(LINES).uncleared is not None


def test_the_message_with_the_code_may_come_twice(shop: Shop, chat: StaffChatter, config: Config, vault: Any) -> None:
    a_member(shop, shop.a_party("brand1"), Role.OWNER)
    code = a_code(config, EMAIL)

    assert chat.says(f"员工 {code}", message="m1").text == chat.says(f"员工 {code}", message="m1").text
    assert shop.count("staff_chat") == 1


def test_after_three_wrong_codes_no_code_is_looked_at(
    shop: Shop, chat: StaffChatter, config: Config, clock: FixedClock, vault: DeskVault
) -> None:
    a_member(shop, shop.a_party("brand1"), Role.OWNER)
    right = a_code(config, EMAIL)
    wrong = ["AAAA-AAAA", "BBBB-BBBB", "CCCC-CCCC"]

    answers = [chat.says(f"员工 {code}").text.splitlines()[0] for code in (*wrong, right)]
    clock.move(timedelta(minutes=10, seconds=1))

    assert answers == ["这个员工码用不了。"] * 3 + ["绑定码输错太多次了。"]
    assert shop.count("staff_chat") == 0
    assert "已绑定" in chat.says(f"员工 {a_code(config, EMAIL, clock.now())}").text


def test_codes_are_kept_hashed_and_print_nothing(shop: Shop, config: Config, vault: DeskVault, sql: Any) -> None:
    from core.conversations.staff import StaffCode

    a_member(shop, shop.a_party("brand1"), Role.OWNER)
    code = a_code(config, EMAIL)

    assert re.fullmatch("[A-Z2-7]{4}-[A-Z2-7]{4}", code)
    assert sql("SELECT octet_length(code_hash), expires_at - created_at FROM staff_code") == [
        (32, timedelta(minutes=10))
    ]
    assert code not in repr(StaffCode(code, "brand1", NOON))
