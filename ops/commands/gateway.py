"""`gateway`: connects merchants to the gateways at which their shoppers pay, and lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from core.config import Config, ConfigError
from ops.commands.channel import as_shop

if TYPE_CHECKING:
    from core.connections.service import GatewayAccount
    from core.money import Rate

NOT_BUILT = ("wechatpay", "alipay", "stripe", "epay")
STARS_NEED = "stars needs the bot and the rate: --set bot=NAME rate=14/1 (0.14 of the store's currency a Star)"


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    gateway = typer.Typer(help="Gateways at which shoppers pay.", no_args_is_help=True)
    gateway.command("add")(add)
    gateway.command("list")(list_accounts)
    app.add_typer(gateway, name="gateway")


def add(
    context: typer.Context,
    name: str = typer.Argument(..., metavar="GATEWAY", help="stars; sandbox in a demo store."),
    more: list[str] = typer.Argument(None, metavar="[KEY=VALUE]…", hidden=True),
    merchant: str = typer.Option(..., "--merchant", metavar="CODE", help="Whose money it is."),
    settings: list[str] = typer.Option([], "--set", metavar="KEY=VALUE …", help="stars: bot=NAME rate=14/1"),
) -> None:  # fmt: skip
    """Connect a merchant to a gateway. For Stars once more with another rate: it counts from the next bill on."""
    given = read_settings([*settings, *(more or [])])
    if name in NOT_BUILT:
        raise ConfigError(f"{name} is not built yet: today there are stars (and sandbox, in a demo store)")
    if name not in ("stars", "sandbox"):
        raise ConfigError(f"there is no gateway {name!r}: today there are stars (and sandbox, in a demo store)")
    with as_shop(context) as config:
        if name == "stars":
            account = add_stars(config, merchant, given)
        else:
            refuse_unknown(given, ())
            account = add_sandbox(config, merchant)
    typer.echo(f"{account.id}  {account.gateway} takes {account.currency} for {merchant}{at_rate(account)}")


def list_accounts(context: typer.Context) -> None:
    """Every gateway account: its number, gateway, merchant, currency, rate, and whether it is on."""
    from core.connections.service import every_gateway_account

    with as_shop(context):
        found = every_gateway_account()
    for account, code in found:
        state = "on" if account.enabled else "off"
        typer.echo(f"{account.id}  {account.gateway}  {code}  {account.currency}{at_rate(account)}  {state}")
    if not found:
        typer.echo("no gateway is connected yet: `python run.py gateway add --help`")


def read_settings(words: list[str]) -> dict[str, str]:
    """`key=value` words, each key once. Raises ConfigError."""
    given: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key or not value.strip() or key in given:
            raise ConfigError(f"{word!r} is no setting: write --set key=value, each key once")
        given[key] = value.strip()
    return given


def refuse_unknown(given: dict[str, str], known: tuple[str, ...]) -> None:
    """Raise ConfigError for a setting that this gateway does not have."""
    for key in given:
        if key not in known:
            raise ConfigError(f"{key!r} is no setting of this gateway: {', '.join(known) or 'it has none'}")


def add_stars(config: Config, merchant: str, given: dict[str, str]) -> GatewayAccount:
    """Connect a merchant's bot to its Stars, or give it another rate. Raises ConfigError."""
    from channels.chat.telegram.api import server_of
    from core.actor import OPERATOR
    from core.connections.chats import ChatChannel, chat_accounts_of
    from core.connections.stars import StarsElsewhere, connect_stars
    from core.db import database_now

    refuse_unknown(given, ("bot", "rate"))
    if set(given) != {"bot", "rate"}:
        raise ConfigError(STARS_NEED)
    rate, wanted = read_rate(given["rate"], config.store.currency), given["bot"].removeprefix("@").lower()
    accounts = chat_accounts_of(merchant_id=merchant_id(merchant))
    bots = [one for one in accounts if one.channel is ChatChannel.TELEGRAM and one.username.lower() == wanted]
    if not bots:
        raise ConfigError(
            f"{merchant} has no bot @{wanted}: connect it first with `python run.py channel add telegram`"
        )
    bot_key, telegram = config.secret(config.secrets.bot_key), config.telegram
    try:
        server = server_of(bots[0].id, bot_key=bot_key, api_base=telegram.api_base, proxy=telegram.proxy)
        return connect_stars(
            actor=OPERATOR,
            bot=bots[0],
            rate=rate,
            act_key=config.secret(config.secrets.act_key),
            api_base=server.base,
            now=database_now(),
        )
    except StarsElsewhere:
        raise ConfigError(
            "a demo store takes Stars from a Bot API server on this machine only: "
            "start `python run.py doubles telegram` and point telegram.api_base at it"
        ) from None


def add_sandbox(config: Config, merchant: str) -> GatewayAccount:
    """Play money, in a demo store. Raises ConfigError."""
    from core.actor import OPERATOR
    from core.connections.service import SandboxElsewhere, create_gateway_account
    from core.db import database_now

    try:
        return create_gateway_account(
            actor=OPERATOR,
            merchant_id=merchant_id(merchant),
            gateway="sandbox",
            currency=config.store.currency,
            names={"zh-CN": "沙箱", "en": "Sandbox"},
            now=database_now(),
        )
    except SandboxElsewhere:
        raise ConfigError(
            "the sandbox is play money, for demo stores: start one with `python run.py demo` in a folder of its own"
        ) from None


def merchant_id(code: str) -> int:
    """The merchant of this code. Raises ConfigError."""
    from core.errors import NotFound
    from core.parties.service import find_merchant

    try:
        return find_merchant(code=code).id
    except NotFound:
        raise ConfigError(f"there is no merchant {code!r} that sells now") from None


def read_rate(text: str, currency: str) -> Rate:
    """`14/1`: 14 minor units of the store's currency for 1 Star. Raises ConfigError."""
    from core.errors import Invalid
    from core.money import Rate

    minor, _, units = text.partition("/")
    try:
        return Rate(whole(minor), whole(units or "1"), currency)
    except Invalid:
        raise ConfigError(f"the rate {text!r} is none: {STARS_NEED}") from None


def whole(text: str) -> int:
    """A whole number in plain digits; 0, which no rate takes, for everything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


def at_rate(account: GatewayAccount) -> str:
    """`  14/1 CNY` where it takes another currency than the orders'."""
    rate = account.rate
    return f"  at {rate.minor}/{rate.units} {rate.currency}" if rate else ""
