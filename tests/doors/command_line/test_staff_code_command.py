"""`channel set` and `channel staff-code`: the switch, a code for a person who may bring stock, its end."""

from __future__ import annotations

import re

import pytest

from core.config import Config
from core.connections.chats import chat_account
from core.parties.service import Role
from tests.builders import Shop
from tests.support.chats import an_account
from tests.support.command_line import Command
from tests.support.restock import EMAIL, a_member


def test_the_switch_is_off_until_it_is_set(command: Command, config: Config, shop: Shop) -> None:
    account = an_account(shop)
    number = str(account.id)

    said = command(config, "channel", "set", number, "restock=on", "protect_content=on")
    on = dict(chat_account(account_id=account.id).settings)
    command(config, "channel", "set", number, "restock=off")

    assert said == (0, f"{number}  shop_7000001  restock=on  protect_content=on\n", "")
    assert on == {"restock": True, "protect_content": True}
    assert dict(chat_account(account_id=account.id).settings) == {"restock": False, "protect_content": True}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("restock=maybe", "restock is on or off"),
        ("restock", "restock is on or off"),
        ("token=x", "token cannot be set on a telegram account; restock, cards, protect_content can"),
    ],
)
def test_what_cannot_be_set_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, shop: Shop, setting: str, says: str
) -> None:
    account = an_account(shop)

    status, out, err = command(config, "channel", "set", str(account.id), setting)

    assert (status != 0, out) == (True, "")
    assert says in err
    assert dict(chat_account(account_id=account.id).settings) == {}


def test_an_unknown_account_is_said(command: Command, config: Config, shop: Shop) -> None:
    assert "there is no account 99" in command(config, "channel", "set", "99", "restock=on")[2]


def test_a_code_is_printed_once_and_kept_hashed(command: Command, config: Config, shop: Shop) -> None:
    a_member(shop, shop.a_party("brand1", "supplier"), Role.STOCK)

    status, out, _ = command(config, "channel", "staff-code", "--email", EMAIL.upper())

    (code,) = set(re.findall("[A-Z2-7]{4}-[A-Z2-7]{4}", out))
    assert status == 0
    assert f"员工 {code}" in out
    assert "for brand1" in out
    assert shop.sql("SELECT count(*) FROM staff_code WHERE used_at IS NULL") == [(1,)]
    assert shop.sql("SELECT action FROM audit_entry WHERE action LIKE 'staff%%'") == [("staff_chat.code_made",)]


def test_nobody_without_such_a_role_gets_one(command: Command, config: Config, shop: Shop) -> None:
    a_member(shop, shop.merchant, Role.FINANCE)

    status, out, err = command(config, "channel", "staff-code", "--email", EMAIL)

    assert (status != 0, out, shop.count("staff_code")) == (True, "", 0)
    assert "may bring stock" in err


def test_who_works_for_several_is_asked_for_which(command: Command, config: Config, shop: Shop) -> None:
    a_member(shop, shop.a_party("brand1", "supplier"), Role.STOCK)
    a_member(shop, shop.merchant, Role.OWNER)

    refused = command(config, "channel", "staff-code", "--email", EMAIL)
    named = command(config, "channel", "staff-code", "--email", EMAIL, "--party", "demo")

    assert "name one by --party" in refused[2]
    assert "for demo" in named[1]


def test_all_chats_of_a_person_are_ended(command: Command, config: Config, shop: Shop) -> None:
    a_member(shop, shop.merchant, Role.OWNER)

    assert command(config, "channel", "staff-code", "--email", EMAIL, "--revoke")[1].startswith("0 chats of")
