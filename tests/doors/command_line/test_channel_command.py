"""`channel`: bots connected, listed, switched; what cannot be is one sentence; and what `doctor` says of each bot."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config, Telegram
from core.connections.chats import ChatChannel, chat_accounts, every_chat_account
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import API_BASE, find_setting
from core.errors import NotFound
from core.vault.primitives import SealError
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble
from tests.support.command_line import Command


@pytest.fixture
def tg() -> Iterator[TelegramDouble]:
    """A Telegram of one's own."""
    with TelegramDouble() as double:
        yield double


@pytest.fixture
def bot(tg: TelegramDouble) -> BotAccount:
    """A bot."""
    return tg.add_bot()


@pytest.fixture
def store(config: Config, shop: Shop, tg: TelegramDouble, bot: BotAccount, data_dir: Path) -> Config:
    """A store with a merchant, whose Telegram is the double; the token lies in a file."""
    assert shop.merchant
    (data_dir / "token").write_text(bot.token + "\n")
    return dataclasses.replace(config, telegram=Telegram(api_base=tg.url))


def add(command: Command, store: Config, *more: str, token: str = "file:token") -> tuple[int, str, str]:
    return command(store, "channel", "add", "telegram", "--merchant", "demo", "--token", token, *more)


def test_a_bot_is_connected_listed_switched_off_and_on(command: Command, store: Config, bot: BotAccount) -> None:
    added = add(command, store)
    (account,) = chat_accounts(channel=ChatChannel.TELEGRAM)
    number = str(account.id)
    listed = command(store, "channel", "list")
    off = command(store, "channel", "disable", number)
    while_off = chat_accounts(channel=ChatChannel.TELEGRAM)
    on = command(store, "channel", "enable", number)

    assert added == (0, f"{number}  @keystall_bot is connected to demo\n", "")
    assert listed == (0, f"{number}  telegram  demo  keystall_bot  on\n", "")
    assert off == (0, f"{number}  keystall_bot is off\n", "")
    assert while_off == []
    assert on == (0, f"{number}  keystall_bot is on\n", "")
    assert account.external_id == str(bot.id)


def test_each_secret_is_sealed_for_those_who_use_it(command: Command, store: Config, bot: BotAccount) -> None:
    add(command, store)
    (account,) = every_chat_account()
    bot_key, verify_key = store.secret(store.secrets.bot_key), store.secret(store.secrets.verify_key)
    kept = {"kind": AccountKind.CHAT, "account_id": account.id}

    token = find_credential(bot_key, name="token", holder=Holder.BOT, **kept)  # type: ignore[arg-type]
    told = find_credential(bot_key, name="webhook_secret_told", holder=Holder.BOT, **kept)  # type: ignore[arg-type]
    compared = find_credential(verify_key, name="webhook_secret", holder=Holder.VERIFY, **kept)  # type: ignore[arg-type]

    assert token.reveal().decode() == bot.token
    assert told == compared
    with pytest.raises(NotFound):
        find_credential(verify_key, name="token", holder=Holder.VERIFY, **kept)  # type: ignore[arg-type]
    with pytest.raises(SealError):
        find_credential(verify_key, name="token", holder=Holder.BOT, **kept)  # type: ignore[arg-type]


def test_a_server_for_one_bot_is_sealed_and_stands_in_no_settings(
    command: Command, store: Config, tg: TelegramDouble
) -> None:
    bot_key, is_at = store.secret(store.secrets.bot_key), []

    for more in [("--api-base", tg.url + "/"), ()]:
        assert add(command, store, *more)[0] == 0
        (account,) = every_chat_account()
        is_at.append(find_setting(bot_key, account_id=account.id, name=API_BASE, holder=Holder.BOT))

    assert is_at == [tg.url, ""]
    assert account.settings == {}


def test_the_same_bot_again_gets_its_new_token(
    command: Command, store: Config, bot: BotAccount, data_dir: Path
) -> None:
    add(command, store)
    bot.token = f"{bot.id}:{'n' * 35}"
    (data_dir / "token").write_text(bot.token)

    again = add(command, store)

    assert again[0] == 0
    assert "has its new token and stays with demo" in again[1]
    assert len(every_chat_account()) == 1


@pytest.mark.parametrize(
    ("token", "more", "sentence"),
    [
        ("7000000001:AAAA", (), "--token is a reference, env:NAME or file:/path, never the token itself"),
        ("env:", (), "--token is a reference"),
        ("env:NO_SUCH_TOKEN", (), "the environment variable NO_SUCH_TOKEN is empty"),
        ("file:other", (), "Telegram does not know this token: copy it from @BotFather again"),
        ("file:odd", (), "the token is none of Telegram's"),
        ("file:token", ("--api-base", "ftp://x"), "--api-base must start with https://"),
        ("file:token", ("--api-base", "http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer"),
    ],
)
def test_what_cannot_be_connected(
    command: Command, store: Config, data_dir: Path, token: str, more: tuple[str, ...], sentence: str
) -> None:
    (data_dir / "other").write_text("7000000001:" + "x" * 35)
    (data_dir / "odd").write_text("7000000001:x/../y")

    status, said, problem = add(command, store, *more, token=token)

    assert (status, said) == (2, "")
    assert sentence in problem
    assert problem.count("\n") == 1
    assert "AAAA" not in problem
    assert every_chat_account() == []


def test_a_bot_serves_one_merchant_and_the_merchant_must_be_there(command: Command, store: Config, shop: Shop) -> None:
    shop.a_party("other")
    add(command, store)

    other = command(store, "channel", "add", "telegram", "--merchant", "other", "--token", "file:token")
    nobody = command(store, "channel", "add", "telegram", "--merchant", "nobody", "--token", "file:token")
    unknown = command(store, "channel", "disable", "99")

    assert (other[0], nobody[0], unknown[0]) == (2, 2, 2)
    assert "is connected to the merchant demo" in other[2]
    assert "there is no active merchant 'nobody'" in nobody[2]
    assert "there is no account 99" in unknown[2]


def telegram_lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if " telegram " in line[:20]]


def test_doctor_says_how_each_bot_is(command: Command, store: Config, tg: TelegramDouble, bot: BotAccount) -> None:
    add(command, store)
    fine = telegram_lines(command(store, "doctor")[1])
    with tg.world.lock:
        bot.mailbox.webhook.url = "https://elsewhere.example.com/"
    hooked = telegram_lines(command(store, "doctor")[1])
    bot.token = f"{bot.id}:{'n' * 35}"
    revoked = telegram_lines(command(store, "doctor")[1])
    tg.stop()
    away = telegram_lines(command(store, "doctor")[1])

    assert fine == ["ok      telegram   @keystall_bot of demo answers; updates come by polling"]
    assert hooked[0].startswith("DEFECT  telegram   @keystall_bot: a webhook is set although telegram.mode = polling")
    assert revoked == [
        "DEFECT  telegram   @keystall_bot: Telegram does not know this token: copy it from @BotFather again"
    ]
    assert away[0].endswith("does not answer: check the network, telegram.proxy and the address")
