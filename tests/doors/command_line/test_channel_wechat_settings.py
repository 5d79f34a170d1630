"""What an official account is set to: new keys change nothing else; its own host, its notices; what `doctor` says."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.config import Config, WeChat
from core.connections.chats import ChatAccount, ChatChannel, chat_accounts
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import API_BASE, MODE, PAGE_URL, PAGE_URL_TOLD, find_setting
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.support.chats import an_account
from tests.support.command_line import Command
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN

Sql = Callable[..., list[tuple[Any, ...]]]
TEMPLATE = "Tpl_0123456789-abcdefghijklmnopqrstuvwxyz0"


@pytest.fixture
def wx() -> Iterator[WeChatDouble]:
    with WeChatDouble() as double:
        double.add_account(APP_ID, SECRET, TOKEN, AES_KEY)
        yield double


@pytest.fixture
def store(config: Config, shop: Shop, wx: WeChatDouble, data_dir: Path) -> Config:
    assert shop.merchant
    for name, value in (("wx-token", TOKEN), ("wx-aes", AES_KEY), ("wx-secret", SECRET), ("new", "n" * 20)):
        (data_dir / name).write_text(value)
    return dataclasses.replace(config, wechat=WeChat(api_base=wx.url))


def add(command: Command, store: Config, *more: str, token: str = "wx-token") -> ChatAccount:
    said = command(
        store, "channel", "add", "wechat", "--merchant", "demo", "--app-id", APP_ID, "--token", f"file:{token}", *more
    )
    assert said[0] == 0, said
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    return account


def whole(command: Command, store: Config) -> ChatAccount:
    """An account of which everything was given."""
    given = ("--aes-key", "file:wx-aes", "--secret", "file:wx-secret", "--mode", "compatible", "--name", "小店")
    given += ("--original-id", "gh_0123456789", "--kind", "subscription", "--verified", "--ios-rule", "off")
    return add(command, store, *given, "--api-base", "https://wx.example", "--page-url", "https://cards.example")


def sealed(store: Config, account: ChatAccount) -> dict[str, str]:
    keys = {Holder.VERIFY: store.secret(store.secrets.verify_key), Holder.ACT: store.secret(store.secrets.act_key)}
    asked = ((MODE, Holder.VERIFY), (PAGE_URL, Holder.VERIFY), (PAGE_URL_TOLD, Holder.ACT), (API_BASE, Holder.ACT))
    return {name: find_setting(keys[one], account_id=account.id, name=name, holder=one) for name, one in asked}


def test_new_keys_change_nothing_else_of_an_account(command: Command, store: Config) -> None:
    before = whole(command, store)
    kept = sealed(store, before)

    after = add(command, store, token="new")

    assert after == before
    assert after.settings == {
        "kind": "subscription",
        "verified": True,
        "ios_rule": "off",
        "original_id": "gh_0123456789",
    }
    assert sealed(store, after) == kept
    assert kept == {
        MODE: "compatible",
        PAGE_URL: "https://cards.example",
        PAGE_URL_TOLD: "https://cards.example",
        API_BASE: "https://wx.example",
    }
    key = store.secret(store.secrets.verify_key)
    token = find_credential(key, kind=AccountKind.CHAT, account_id=after.id, name="token", holder=Holder.VERIFY)
    assert token.reveal() == b"n" * 20


def test_what_is_given_again_changes_alone(command: Command, store: Config) -> None:
    before = whole(command, store)

    after = add(command, store, "--unverified", "--mode", "plain")

    assert after.settings == {**before.settings, "verified": False}
    assert sealed(store, after)[MODE] == "plain"
    assert sealed(store, after)[PAGE_URL] == "https://cards.example"


def test_what_was_altered_is_replaced_by_connecting_again(command: Command, store: Config, sql: Sql) -> None:
    account = whole(command, store)
    sql("UPDATE credential SET sealed = sealed || '\\x00'::bytea WHERE name IN ('page_url', 'mode')")

    add(command, store)

    assert sealed(store, account) == {MODE: "safe", PAGE_URL: "", PAGE_URL_TOLD: "", API_BASE: "https://wx.example"}


def test_a_new_account_without_the_key_of_its_mode_is_refused(command: Command, store: Config, shop: Shop) -> None:
    before = shop.fingerprint()

    status, _, error = command(
        store, "channel", "add", "wechat", "--merchant", "demo", "--app-id", APP_ID, "--token", "file:wx-token"
    )

    assert status == 2
    assert "--aes-key: safe mode needs the account's EncodingAESKey" in error
    assert shop.fingerprint() == before


def test_an_account_gets_its_own_host_and_loses_it_again(command: Command, store: Config) -> None:
    account = add(command, store, "--aes-key", "file:wx-aes")
    number = str(account.id)

    hosted = command(store, "channel", "set", number, "page_url=https://cards.example/", "ios_rule=learned")
    there = sealed(store, account)
    back = command(store, "channel", "set", number, "page_url=")

    assert hosted[0] == 0
    assert hosted[1].splitlines()[1] == "OAuth callback domain (网页授权域名) for WeChat's configuration: cards.example"
    assert (there[PAGE_URL], there[PAGE_URL_TOLD]) == ("https://cards.example", "https://cards.example")
    assert back[1].splitlines()[1].endswith(": 127.0.0.1")
    assert (sealed(store, account)[PAGE_URL], sealed(store, account)[PAGE_URL_TOLD]) == ("", "")
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    assert account.settings["ios_rule"] == "learned"
    assert "page_url" not in account.settings


@pytest.mark.parametrize(
    "written",
    [
        "cards.example",
        "http://cards.example",
        "ftp://cards.example",
        "https://",
        "https://cards.example/shop",
        "https://cards.example?x=1",
        "https://cards.example#x",
        "https://somebody@cards.example",
        "https://cards.example:99999",
        "https://[cards.example",
    ],
)
def test_what_is_no_host_is_refused(command: Command, store: Config, shop: Shop, written: str) -> None:
    number = str(add(command, store, "--aes-key", "file:wx-aes").id)
    before = shop.fingerprint()

    status, out, error = command(store, "channel", "set", number, "ios_rule=off", f"page_url={written}")

    assert (status, out) == (2, "")
    assert "page_url is https:// and the host of the account's pages, nothing else" in error
    assert shop.fingerprint() == before


def test_the_host_of_another_merchants_account_is_refused(command: Command, store: Config, shop: Shop) -> None:
    account = add(command, store, "--aes-key", "file:wx-aes", "--page-url", "https://cards.example")
    other = an_account(shop, "wechat", "wx_other", merchant=shop.a_party("other"))
    same = an_account(shop, "wechat", "wx_same")
    before = shop.fingerprint()

    refused = command(store, "channel", "set", str(other.id), "page_url=https://CARDS.example:443")

    assert refused[0] == 2
    assert "cards.example is the host of an account of demo" in refused[2]
    assert shop.fingerprint() == before
    assert command(store, "channel", "set", str(same.id), "page_url=https://cards.example")[0] == 0
    assert command(store, "channel", "set", str(account.id), "page_url=https://cards.example")[0] == 0


def test_a_notice_is_a_template_and_its_fields(command: Command, store: Config) -> None:
    number = str(add(command, store, "--aes-key", "file:wx-aes").id)
    told = []

    for written in (f"{TEMPLATE}:thing1=shop,character_string2=order", "off"):
        assert command(store, "channel", "set", number, f"notice={written}")[0] == 0
        told.append(chat_accounts(channel=ChatChannel.WECHAT)[0].settings["notice"])

    assert told == [{"template": TEMPLATE, "fields": {"thing1": "shop", "character_string2": "order"}}, None]


@pytest.mark.parametrize(
    "written",
    ["", TEMPLATE, f"{TEMPLATE}:", f"{TEMPLATE}:thing1", f"{TEMPLATE}:thing1=price", f"{TEMPLATE}:Thing=shop",
     f"{TEMPLATE}:thing1=shop,thing1=order", "a b:thing1=shop", ":thing1=shop", f"{TEMPLATE}:thing1=shop,"],
)  # fmt: skip
def test_what_is_no_notice_is_refused(command: Command, store: Config, shop: Shop, written: str) -> None:
    number = str(add(command, store, "--aes-key", "file:wx-aes").id)
    before = shop.fingerprint()

    status, _, error = command(store, "channel", "set", number, f"notice={written}")

    assert status == 2
    assert "notice is off, or a template's id and its fields" in error
    assert shop.fingerprint() == before


def test_doctor_says_that_an_account_may_more_than_it_is_set_to(command: Command, store: Config) -> None:
    account = add(command, store, "--aes-key", "file:wx-aes", "--secret", "file:wx-secret")
    says = f"may ask who opens a page, but is set unverified: `python run.py channel set {account.id} verified=on"

    before = command(store, "doctor")[1]
    command(store, "channel", "set", str(account.id), "verified=on")
    after = command(store, "doctor")[1]

    assert says in before
    assert "is set unverified" not in after


def test_doctor_says_to_whom_notices_go(command: Command, store: Config) -> None:
    number = str(add(command, store, "--aes-key", "file:wx-aes", "--secret", "file:wx-secret", "--verified").id)
    says = "sends notices to those alone whose consent WeChat reports by its event"

    before = command(store, "doctor")[1]
    command(store, "channel", "set", number, f"notice={TEMPLATE}:thing1=shop")
    after = command(store, "doctor")[1]

    assert says not in before
    assert says in after
