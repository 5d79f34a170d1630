"""`gateway add` and `gateway list`: a bot's Stars at a rate, and good sentences for everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core import db
from core.config import Config, Telegram
from core.connections.stars import bound_bot
from tests.builders import Shop
from tests.support.chats import an_account
from tests.support.command_line import Command

ADD = ("gateway", "add", "stars", "--merchant", "demo")
LOOPBACK = Telegram(api_base="http://127.0.0.1:8081")


@pytest.fixture
def bot(shop: Shop) -> int:
    """A bot of the merchant `demo`, @shop_7000001."""
    return an_account(shop).id


def test_a_bot_takes_stars_at_a_rate_and_then_at_another(
    command: Command, config: Config, bot: int, sql: Callable[..., Any]
) -> None:
    first = command(config, *ADD, "--set", "bot=@Shop_7000001", "rate=14/1")
    again = command(config, *ADD, "--set", "rate=29/2", "--set", "bot=shop_7000001")
    listed = command(config, "gateway", "list")

    ((account, settings),) = sql("SELECT id, settings FROM gateway_account WHERE gateway = 'stars'")
    assert first == (0, f"{account}  stars takes XTR for demo  at 14/1 CNY\n", "")
    assert again == (0, f"{account}  stars takes XTR for demo  at 29/2 CNY\n", "")
    assert listed == (0, f"{account}  stars  demo  XTR  at 29/2 CNY  on\n", "")
    assert settings == {"rate": {"minor": 29, "units": 2, "currency": "CNY"}, "chat_account": bot}
    db.connect(config.database.roles.shop)
    sealed = bound_bot(account_id=account, act_key=config.secret(config.secrets.act_key))
    assert sealed.external_id == "7000001"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stars", "--merchant", "demo"), "stars needs the bot and the rate"),
        (("stars", "--merchant", "demo", "--set", "bot=shop_7000001"), "stars needs the bot and the rate"),
        (("stars", "--merchant", "demo", "--set", "bot=nobody", "rate=14/1"), "demo has no bot @nobody"),
        (("stars", "--merchant", "demo", "--set", "bot=shop_7000001", "rate=0.14"), "the rate '0.14' is none"),
        (("stars", "--merchant", "demo", "--set", "bot=shop_7000001", "rate=14/0"), "the rate '14/0' is none"),
        (("stars", "--merchant", "demo", "--set", "bot=shop_7000001", "rate=1", "fee=2"), "'fee' is no setting"),
        (("stars", "--merchant", "nobody", "--set", "bot=x", "rate=14/1"), "there is no merchant 'nobody'"),
        (("stars", "--merchant", "demo", "--set", "bot"), "'bot' is no setting"),
        (("stripe", "--merchant", "demo", "--set", "key=1"), "stripe is not built yet"),
        (("wechatpay", "--merchant", "demo"), "wechatpay is not built yet"),
        (("bank", "--merchant", "demo"), "there is no gateway 'bank'"),
        (("sandbox", "--merchant", "demo", "--set", "a=b"), "'a' is no setting of this gateway: it has none"),
    ],
)
def test_what_cannot_be_connected_is_refused_in_one_sentence(
    command: Command, config: Config, bot: int, sql: Callable[..., Any], arguments: tuple[str, ...], says: str
) -> None:
    status, said, problem = command(config, "gateway", "add", *arguments)

    assert (status, said, says in problem, problem.count("\n")) == (2, "", True, 1)
    assert sql("SELECT count(*) FROM gateway_account") == [(0,)]


def test_a_demo_store_takes_stars_only_from_a_bot_api_server_on_this_machine(
    command: Command, config: Config, bot: int, sql: Callable[..., Any]
) -> None:
    sql("UPDATE installation SET kind = 'demo'", role="superuser")

    far = command(config, *ADD, "--set", "bot=shop_7000001", "rate=14/1")
    near = command(replace(config, telegram=LOOPBACK), *ADD, "--set", "bot=shop_7000001", "rate=14/1")
    play = command(config, "gateway", "add", "sandbox", "--merchant", "demo")

    assert (far[0], "on this machine only" in far[2]) == (2, True)
    assert (near[0], play[0]) == (0, 0)
    assert sql("SELECT gateway, currency FROM gateway_account ORDER BY id") == [("stars", "XTR"), ("sandbox", "CNY")]
