"""Official accounts from the command line: connected, their menu, their files, what `doctor` says of each."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config, WeChat
from core.connections.chats import ChatChannel, chat_accounts
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import (
    API_BASE,
    AUTHORISE_BASE,
    MODE,
    PAGE_URL,
    PAGE_URL_TOLD,
    find_setting,
)
from core.errors import NotFound
from core.vault.primitives import SealError
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.world import Account
from tests.support.command_line import Command
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN

GIVEN = ("--app-id", APP_ID, "--token", "file:wx-token", "--aes-key", "file:wx-aes", "--secret", "file:wx-secret")


@pytest.fixture
def wx() -> Iterator[WeChatDouble]:
    with WeChatDouble() as double:
        yield double
        assert double.violations == []


@pytest.fixture
def there(wx: WeChatDouble) -> Account:
    return wx.add_account(APP_ID, SECRET, TOKEN, AES_KEY)


@pytest.fixture
def store(config: Config, shop: Shop, wx: WeChatDouble, there: Account, data_dir: Path) -> Config:
    assert shop.merchant
    for name, value in (("wx-token", TOKEN), ("wx-aes", AES_KEY), ("wx-secret", SECRET), ("short", "ab")):
        (data_dir / name).write_text(value)
    return dataclasses.replace(config, wechat=WeChat(api_base=wx.url))


def add(command: Command, store: Config, *more: str) -> tuple[int, str, str]:
    return command(store, "channel", "add", "wechat", "--merchant", "demo", "--verified", *GIVEN, *more)


def test_an_account_is_connected_and_says_where_wechat_has_to_send(
    command: Command, store: Config, data_dir: Path
) -> None:
    status, out, error = add(command, store, "--name", "小店")
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    listed = command(store, "channel", "list")

    assert (status, error) == (0, "")
    assert out.splitlines() == [
        f"{account.id}  {APP_ID} is connected to demo",
        f"Server address (URL) for WeChat's configuration: {store.public_url}/hooks/wechat/{account.opaque_id}",
        "OAuth callback domain (网页授权域名) for WeChat's configuration: 127.0.0.1",
    ]
    assert APP_ID in listed[1]
    assert account.settings["ios_rule"] == "strict"
    assert SECRET not in out + listed[1] + str(account)


def test_each_secret_is_sealed_for_those_who_use_it(command: Command, store: Config) -> None:
    add(command, store)
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    keys = {
        Holder.VERIFY: store.secret(store.secrets.verify_key),
        Holder.ACT: store.secret(store.secrets.act_key),
    }
    of = {"kind": AccountKind.CHAT, "account_id": account.id}

    token = find_credential(keys[Holder.VERIFY], name="token", holder=Holder.VERIFY, **of)
    secret = find_credential(keys[Holder.ACT], name="app_secret", holder=Holder.ACT, **of)

    assert (token.reveal(), secret.reveal()) == (TOKEN.encode(), SECRET.encode())
    with pytest.raises(SealError):
        find_credential(keys[Holder.VERIFY], name="app_secret", holder=Holder.ACT, **of)
    with pytest.raises(NotFound):
        find_credential(keys[Holder.VERIFY], name="app_secret", holder=Holder.VERIFY, **of)


def test_where_secrets_and_followers_go_is_sealed_for_each_who_goes_by_it(command: Command, store: Config) -> None:
    keys = {
        Holder.VERIFY: store.secret(store.secrets.verify_key),
        Holder.ACT: store.secret(store.secrets.act_key),
    }
    asked = ((MODE, Holder.VERIFY), (API_BASE, Holder.ACT), (AUTHORISE_BASE, Holder.VERIFY))
    asked += ((PAGE_URL, Holder.VERIFY), (PAGE_URL_TOLD, Holder.ACT))
    found = []

    clear = ("--api-base", "", "--page-url", "")
    for more in [("--api-base", "https://wx.example/", "--page-url", "https://cards.example/"), (), clear]:
        assert add(command, store, *more)[0] == 0
        (account,) = chat_accounts(channel=ChatChannel.WECHAT)
        found.append([find_setting(keys[one], account_id=account.id, name=name, holder=one) for name, one in asked])

    hosted = ["safe", *["https://wx.example"] * 2, *["https://cards.example"] * 2]
    assert found == [hosted, hosted, ["safe", "", "", "", ""]]
    assert set(account.settings) == {"kind", "verified", "ios_rule", "original_id"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--app-id", "nobody"), "--app-id is the AppID of the official account"),
        (("--token", "ab"), "--token is a reference"),
        (("--token", "file:short"), "the token of WeChat's server configuration has 3 to 32 letters and digits"),
        (("--aes-key", "file:short"), "--aes-key: an EncodingAESKey has 43 signs"),
        (("--mode", "open"), "--mode is one of plain, compatible, safe"),
        (("--page-url", "http://cards.example"), "--page-url is https:// and the host of the account's pages"),
        (("--page-url", "https://cards.example/x"), "--page-url is https:// and the host of the account's pages"),
        (("--ios-rule", "none"), "--ios-rule is one of strict, learned, off"),
        (("--merchant", "nobody"), "there is no active merchant 'nobody'"),
    ],
)
def test_what_cannot_be_connected_is_one_sentence_and_changes_nothing(
    command: Command, store: Config, shop: Shop, more: tuple[str, ...], says: str
) -> None:
    before = shop.fingerprint()

    status, out, error = add(command, store, *more)

    assert (status, out) == (2, "")
    assert says in error
    assert error.count("\n") == 1
    assert shop.fingerprint() == before


def test_the_menu_is_pushed_in_a_language(command: Command, store: Config, there: Account, wx: WeChatDouble) -> None:
    add(command, store)
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)

    said = command(store, "channel", "menu", str(account.id))

    assert said[0] == 0, said
    assert there.menu is not None
    assert [button["name"] for button in there.menu["button"]] == ["选购", "订单", "我的"]


def test_a_menu_that_wechat_refuses_is_one_sentence(
    command: Command, store: Config, there: Account, wx: WeChatDouble
) -> None:
    add(command, store)
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    wx.answer_with(48001, times=2, path="/cgi-bin/menu/create")

    status, _, error = command(store, "channel", "menu", str(account.id))

    assert status == 2
    assert "the account has no right to do this (48001)" in error
    assert command(store, "channel", "menu", "999")[2].startswith("keystall: there is no official account 999")


def test_a_file_that_proves_the_host(command: Command, store: Config, tmp_path: Path) -> None:
    add(command, store)
    (account,) = chat_accounts(channel=ChatChannel.WECHAT)
    file = tmp_path / "MP_verify_abcdEFGH12345678.txt"
    file.write_text("abcdEFGH12345678\n")
    other = tmp_path / "secret.txt"
    other.write_text("x")

    said = command(store, "channel", "verify-file", str(account.id), str(file))
    refused = command(store, "channel", "verify-file", str(account.id), str(other))

    assert said == (0, f"{account.id}  {APP_ID} answers at /{file.name}\n", "")
    assert refused[0] == 2
    assert "secret.txt is no file of WeChat's" in refused[2]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (0, "answers in safe mode"),
        (48001, "nothing is said unasked: shoppers send 取卡 or open the page"),
        (40164, "this machine's address is not on the account's IP list"),
    ],
)
def test_doctor_says_what_each_account_does_without(
    command: Command, store: Config, wx: WeChatDouble, code: int, says: str
) -> None:
    add(command, store, "--name", "小店")
    if code:
        wx.answer_with(code, times=9)

    _, out, _ = command(store, "doctor")

    (found, *_) = [line for line in out.splitlines() if says in line]
    assert "小店" in found
