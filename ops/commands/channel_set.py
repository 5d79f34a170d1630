"""`channel set ID NAME=VALUE`: the settings of a bot or official account that are no secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from core.config import Config, ConfigError

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


PAGE_URL = "page_url"
"""The one setting here that is sealed: links to cards go there."""

NO_CARD_PAGE = (
    "cards=page needs a page that browsers open cards on, over https: set web.page_url to an origin of its own,"
    " or web.public_url"
)
NOTICE_VALUES = ("shop", "order", "hint")
TEMPLATE = re.compile(r"[A-Za-z0-9_-]{8,64}")
FIELD = re.compile(r"[a-z]+(_[a-z]+)*[0-9]{1,2}")


def page_address(name: str, written: str) -> str:
    """Where an account's pages are; nothing: at the shop's own address. Raises ConfigError for anything but a host."""
    from ops.channels.page_hosts import checked_page_url

    return checked_page_url(written, name)


def notice(name: str, written: str) -> Mapping[str, object] | None:
    """`TEMPLATE:thing1=shop,character_string2=order`, or `off`. Raises ConfigError for anything else."""
    if written == "off":
        return None
    template, _, listed = written.partition(":")
    pairs = [one.partition("=") for one in listed.split(",")]
    fields = {field: value for field, _, value in pairs}
    is_known = all(FIELD.fullmatch(field) and value in NOTICE_VALUES for field, value in fields.items())
    if not TEMPLATE.fullmatch(template) or not is_known or len(fields) != len(pairs):
        raise ConfigError(
            f"{name} is off, or a template's id and its fields: TEMPLATE:thing1=shop,character_string2=order;"
            f" a field can say {', '.join(NOTICE_VALUES)}"
        )
    return {"template": template, "fields": fields}


SETTINGS: Mapping[str, Mapping[str, Callable[[str, str], object]]] = {
    "telegram": {
        "restock": on_or_off,  # staff and suppliers bring stock by its private chats
        "cards": one_of("text", "page"),  # cards in the chat, or a button that opens them on a page
        "protect_content": on_or_off,  # cards can neither be forwarded nor saved
    },
    "wechat": {
        "ios_rule": one_of("strict", "learned", "off"),  # whether prices may stand in the chat
        "kind": one_of("service", "subscription"),  # 服务号 or 订阅号
        "verified": on_or_off,  # certified by WeChat
        PAGE_URL: page_address,  # a host of its own for the account's pages
        "notice": notice,  # the template of notices to those who agreed to one, and what its fields say
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
    from core.connections.chats import chat_account
    from core.errors import NotFound
    from ops.channels.page_hosts import page_host
    from ops.commands.channel import as_shop

    with as_shop(context) as config:
        try:
            account = chat_account(account_id=number)
        except NotFound:
            raise ConfigError(
                f"there is no account {number}: `python run.py channel list` shows their numbers"
            ) from None
        wanted = dict(read_setting(account, one) for one in settings)
        change(config, account, wanted)
        host = page_host(config, account) if PAGE_URL in wanted else ""
    said = "  ".join(settings)
    typer.echo(f"{account.id}  {account.username or account.external_id}  {said}")
    if host:
        typer.echo(f"OAuth callback domain (网页授权域名) for WeChat's configuration: {host}")


def change(config: Config, account: ChatAccount, wanted: Mapping[str, object]) -> None:
    """Change settings of an account together, the sealed one too. Raises ConfigError for another merchant's host."""
    from core.actor import OPERATOR
    from core.config.pages import card_page_origin
    from core.connections.chats import change_chat_account
    from core.db import database_now, in_transaction
    from ops.channels.page_hosts import keep_page_url, require_own_host

    plain = {name: value for name, value in wanted.items() if name != PAGE_URL}
    page_url = str(wanted.get(PAGE_URL, ""))
    require_own_host(config, page_url, merchant_id=account.merchant_id)
    if plain.get("cards") == "page" and not card_page_origin(config):
        raise ConfigError(NO_CARD_PAGE)

    def work() -> None:
        now = database_now()
        change_chat_account(actor=OPERATOR, account_id=account.id, settings=plain, now=now)
        if PAGE_URL in wanted:
            keep_page_url(config, account, page_url, now)

    in_transaction(work)


def read_setting(account: ChatAccount, written: str) -> tuple[str, object]:
    """One `NAME=VALUE`. Raises ConfigError for a name that this channel does not have, and for another value."""
    name, _, value = written.partition("=")
    known = SETTINGS.get(account.channel.value, {})
    if name not in known:
        there = ", ".join(known) or "nothing"
        raise ConfigError(f"{name} cannot be set on a {account.channel.value} account; {there} can")
    return name, known[name](name, value)
