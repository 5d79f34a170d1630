"""`channel`: connects merchants' bots and official accounts, lists them, switches them off and on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from core.config import Config, ConfigError
from ops.commands import channel_set, channel_wechat, staff_code


def register(app: typer.Typer) -> None:
    """Add the command and its parts; a platform adds `channel add …` of its own here."""
    channel = typer.Typer(help="Bots and official accounts of merchants.", no_args_is_help=True)
    add = typer.Typer(help="Connect one; a running store picks it up within seconds.", no_args_is_help=True)
    add.command("telegram")(add_telegram)
    channel_wechat.join(add)
    channel.add_typer(add, name="add")
    channel.command("list")(list_accounts)
    channel.command("disable")(disable)
    channel.command("enable")(enable)
    channel_wechat.join_channel(channel)
    channel_set.join(channel)
    staff_code.join(channel)
    app.add_typer(channel, name="channel")


@contextlib.contextmanager
def as_shop(context: typer.Context) -> Iterator[Config]:
    """The store's settings, its database connected as `shop`, until the block ends."""
    from core import db
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.shop, size=2)
        try:
            yield store.config
        finally:
            db.disconnect()


def add_telegram(
    context: typer.Context,
    merchant: str = typer.Option(..., "--merchant", metavar="CODE", help="Whose bot it is."),
    token: str = typer.Option(..., "--token", metavar="REFERENCE", help="@BotFather's token: env:NAME or file:/path."),
    api_base: str = typer.Option("", "--api-base", metavar="URL", help="A Bot API server for this bot alone."),
) -> None:  # fmt: skip
    """Connect a Telegram bot to a merchant, or give a connected one another token. The token is tried first."""
    from ops.channels.telegram import connect, read_token

    with as_shop(context) as config:
        account, is_new = connect(config, merchant=merchant, token=read_token(config, token), api_base=api_base)
    done = "is connected to" if is_new else "has its new token and stays with"
    typer.echo(f"{account.id}  @{account.username} {done} {account.merchant_code}")


def list_accounts(context: typer.Context) -> None:
    """Every bot and account: its number here, channel, merchant, name, and whether it is on."""
    from core.connections.chats import every_chat_account

    with as_shop(context):
        found = every_chat_account()
    for account in found:
        state = "on" if account.enabled else "off"
        name = account.username or account.external_id
        typer.echo(f"{account.id}  {account.channel.value}  {account.merchant_code}  {name}  {state}")
    if not found:
        typer.echo("no bot and no official account is connected yet: `python run.py channel add --help`")


def disable(
    context: typer.Context, number: int = typer.Argument(..., metavar="ID", help="Its number in `channel list`.")
) -> None:
    """Switch an account off: it hears and says nothing until it is on again; what is due to its chats waits."""
    switch(context, number, enabled=False)


def enable(
    context: typer.Context, number: int = typer.Argument(..., metavar="ID", help="Its number in `channel list`.")
) -> None:
    """Switch an account on again."""
    switch(context, number, enabled=True)


def switch(context: typer.Context, number: int, *, enabled: bool) -> None:
    """Switch one account. Raises ConfigError for a number that no account has."""
    from core.actor import OPERATOR
    from core.connections.chats import enable_chat_account
    from core.db import database_now
    from core.errors import NotFound

    with as_shop(context):
        try:
            account = enable_chat_account(actor=OPERATOR, account_id=number, enabled=enabled, now=database_now())
        except NotFound:
            raise ConfigError(
                f"there is no account {number}: `python run.py channel list` shows their numbers"
            ) from None
    typer.echo(f"{account.id}  {account.username or account.external_id} is {'on' if enabled else 'off'}")
