"""`channel set ID NAME=VALUE`: the settings of a bot or official account that are no secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.connections.chats import ChatAccount


def on_or_off(name: str, written: str) -> bool:
    """A switch. Raises ConfigError for anything but on and off."""
    if written not in ("on", "off"):
        raise ConfigError(f"{name} is on or off")
    return written == "on"


def one_of(*allowed: str) -> Callable[[str, str], object]:
    """One of some words. The reader raises ConfigError for any other."""

    def read(name: str, written: str) -> str:
        if written not in allowed:
            raise ConfigError(f"{name} is one of {', '.join(allowed)}")
        return written

    return read


SETTINGS: Mapping[str, Mapping[str, Callable[[str, str], object]]] = {
    "telegram": {
        "restock": on_or_off,  # staff and suppliers bring stock by its private chats
        "protect_content": on_or_off,  # cards can neither be forwarded nor saved
    },
    "wechat": {
        "ios_rule": one_of("strict", "learned", "off"),  # whether prices may stand in the chat
        "kind": one_of("service", "subscription"),  # 服务号 or 订阅号
        "verified": on_or_off,  # certified by WeChat
    },
}
"""By channel: what may be set, and who reads what was written."""


def join(channel: typer.Typer) -> None:
    """Add the command to `channel`."""
    channel.command("set")(set_settings)


def set_settings(
    context: typer.Context,
    number: int = typer.Argument(..., metavar="ID", help="Its number in `channel list`."),
    settings: list[str] = typer.Argument(..., metavar="NAME=VALUE", help="For example restock=on."),
) -> None:
    """Change settings of an account; a running store goes by them at once."""
    from core.actor import OPERATOR
    from core.connections.chats import change_chat_account, chat_account
    from core.db import database_now
    from core.errors import NotFound
    from ops.commands.channel import as_shop

    with as_shop(context):
        try:
            account = chat_account(account_id=number)
        except NotFound:
            raise ConfigError(
                f"there is no account {number}: `python run.py channel list` shows their numbers"
            ) from None
        wanted = dict(read_setting(account, one) for one in settings)
        change_chat_account(actor=OPERATOR, account_id=number, settings=wanted, now=database_now())
    said = "  ".join(settings)
    typer.echo(f"{account.id}  {account.username or account.external_id}  {said}")


def read_setting(account: ChatAccount, written: str) -> tuple[str, object]:
    """One `NAME=VALUE`. Raises ConfigError for a name that this channel does not have, and for another value."""
    name, _, value = written.partition("=")
    known = SETTINGS.get(account.channel.value, {})
    if name not in known:
        there = ", ".join(known) or "nothing"
        raise ConfigError(f"{name} cannot be set on a {account.channel.value} account; {there} can")
    return name, known[name](name, value)
