"""`channel add wechat`: connects an official account; its secrets are given by reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from core.connections.chats import ChatAccount


def join(add: typer.Typer) -> None:
    """Add the command to `channel add`."""
    add.command("wechat")(add_wechat)


def add_wechat(
    context: typer.Context,
    merchant: str = typer.Option(..., "--merchant", metavar="CODE", help="Whose account it is."),
    app_id: str = typer.Option(..., "--app-id", metavar="wx…", help="AppID (开发者ID)."),
    token: str = typer.Option(..., "--token", metavar="REFERENCE", help="Token of the server configuration: env:NAME."),
    aes_key: str = typer.Option("", "--aes-key", metavar="REFERENCE", help="EncodingAESKey, unless the mode is plain."),
    secret: str = typer.Option("", "--secret", metavar="REFERENCE", help="AppSecret: to speak unasked, menu, login."),
    mode: str | None = typer.Option(None, "--mode", help="safe (default), compatible or plain, as configured there."),
    name: str | None = typer.Option(None, "--name", help="What shoppers know it as."),
    original_id: str | None = typer.Option(None, "--original-id", metavar="gh_…", help="Its own name (原始ID)."),
    kind: str | None = typer.Option(None, "--kind", help="service (服务号, default) or subscription (订阅号)."),
    verified: bool | None = typer.Option(None, "--verified/--unverified", help="Certified by WeChat (已认证) or not."),
    ios_rule: str | None = typer.Option(None, "--ios-rule", help="strict (default), learned or off: chat prices."),
    api_base: str | None = typer.Option(None, "--api-base", metavar="URL", help="A host for api.weixin.qq.com."),
    page_url: str | None = typer.Option(None, "--page-url", metavar="URL", help="A host of its own for its pages."),
) -> None:  # fmt: skip
    """Connect a WeChat official account to a merchant, or give a connected one other keys; the rest it keeps."""
    from ops.channels.page_hosts import page_host
    from ops.channels.telegram import read_token
    from ops.channels.wechat import Given, connect
    from ops.commands.channel import as_shop

    with as_shop(context) as config:
        given = Given(
            merchant=merchant,
            app_id=app_id,
            token=read_token(config, token),
            app_secret=read_token(config, secret) if secret else None,
            aes_key=read_token(config, aes_key) if aes_key else None,
            mode=mode,
            name=name,
            original_id=original_id,
            kind=kind,
            verified=verified,
            ios_rule=ios_rule,
            api_base=api_base,
            page_url=page_url,
        )
        account, is_new = connect(config, given)
        address, host = f"{config.public_url}/hooks/wechat/{account.opaque_id}", page_host(config, account)
    tell(account, is_new=is_new, address=address, host=host)
    if is_new and not secret:
        typer.echo("Without --secret it answers, and says nothing unasked: shoppers send 取卡.")


def tell(account: ChatAccount, *, is_new: bool, address: str, host: str) -> None:
    """Say what was done, and what has to be entered at WeChat."""
    done = "is connected to" if is_new else "has its new keys and stays with"
    typer.echo(f"{account.id}  {account.external_id} {done} {account.merchant_code}")
    typer.echo(f"Server address (URL) for WeChat's configuration: {address}")
    typer.echo(f"OAuth callback domain (网页授权域名) for WeChat's configuration: {host}")


def join_channel(channel: typer.Typer) -> None:
    """Add what an official account has beside its connection to `channel`."""
    channel.command("menu")(menu)
    channel.command("verify-file")(verify_file)


def menu(
    context: typer.Context,
    number: int = typer.Argument(..., metavar="ID", help="Its number in `channel list`."),
    language: str = typer.Option("", "--language", help="zh-CN or en: an account has one menu for all its followers."),
) -> None:
    """Make the shop's menu (选购, 订单, 我的) the menu of an official account."""
    from core.config import ConfigError
    from core.titles import LOCALES
    from ops.channels.accounts import push_menu
    from ops.store import load_config, opened

    if language and language not in LOCALES:
        raise ConfigError(f"--language is one of {', '.join(LOCALES)}")
    with opened(load_config(context)) as store:
        account = push_menu(store.config, number=number, locale=language)
    typer.echo(f"{account.id}  {account.external_id} has the menu; followers see it within five minutes")


def verify_file(
    context: typer.Context,
    number: int = typer.Argument(..., metavar="ID", help="Its number in `channel list`."),
    file: Path = typer.Argument(..., metavar="MP_verify_….txt", help="The file that WeChat handed out."),
) -> None:
    """Answer with this file at the root of the account's host, by which WeChat sees that the host is yours."""
    from core.actor import OPERATOR
    from core.config import ConfigError
    from core.connections.verify_files import set_verify_file
    from core.db import database_now
    from core.errors import Invalid, NotFound
    from ops.commands.channel import as_shop

    content = file.read_text("utf-8", errors="replace")
    with as_shop(context):
        try:
            account = set_verify_file(
                actor=OPERATOR, account_id=number, name=file.name, content=content, now=database_now()
            )
        except NotFound:
            raise ConfigError(
                f"there is no official account {number}: `python run.py channel list` shows their numbers"
            ) from None
        except Invalid:
            raise ConfigError(
                f"{file.name} is no file of WeChat's: MP_verify_, 16 signs, .txt, one short line"
            ) from None
    typer.echo(f"{account.id}  {account.external_id} answers at /{file.name}")
