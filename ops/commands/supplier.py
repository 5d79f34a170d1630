"""`supplier`: suppliers that are asked over the network: their accounts, what they sell, how their requests stand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.config import Config
    from core.money import Money
    from core.secret import Secret
    from core.supply.network import SupplierAccount, SupplierGood
    from core.supply.standing import RequestView

SUPPLIER = typer.Argument(..., metavar="CODE", help="The supplier, by its party's code.")


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    supplier = typer.Typer(help="Suppliers whose systems are asked over the network.", no_args_is_help=True)
    supplier.command("add")(add)
    supplier.command("sku")(sku)
    supplier.command("list")(list_accounts)
    supplier.command("show")(show)
    supplier.command("on")(on)
    supplier.command("off")(off)
    supplier.command("refused")(refused)
    app.add_typer(supplier, name="supplier")


def add(
    context: typer.Context,
    code: str = SUPPLIER,
    system: str = typer.Option("kasushou", "--system", metavar="NAME", help="What it speaks: kasushou (卡速售)."),
    api_base: str = typer.Option(..., "--api-base", metavar="URL", help="Where it answers, as https://shop.example."),
    user_id: str = typer.Option(..., "--user-id", metavar="NUMBER", help="Our number there."),
    api_key: str = typer.Option(..., "--api-key", metavar="REFERENCE", help="Our key there: env:NAME or file:/path."),
) -> None:  # fmt: skip
    """Connect a supplier's system, or give a connected one another address or key; both are sealed for the worker."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.secret import Secret
    from core.supply.network import add_account
    from core.supply.rules import Connector
    from ops.owner import as_owner

    if system not in set(Connector):
        raise ConfigError(f"there is no system {system!r}: today there is {', '.join(Connector)}")
    if not (user_id.isascii() and user_id.isalnum() and len(user_id) <= 64):
        raise ConfigError(f"--user-id {user_id!r} is no number of an account there")
    with as_owner(context) as config, in_words():
        base = read_address(config, api_base)
        opens = {"api_base": Secret(base), "user_id": Secret(user_id), "api_key": read_key(config, api_key)}
        account = add_account(
            actor=OPERATOR,
            supplier=code,
            connector=Connector(system),
            opens=opens,
            act_key=config.secret(config.secrets.act_key),
            now=database_now(),
        )
    typer.echo(f"{account.supplier} is asked at its {account.connector} system from now on")
    typer.echo(f"next: `python run.py supplier sku {code} --sku A1 --product 1001 --most 8.00`")


def sku(
    context: typer.Context,
    code: str = SUPPLIER,
    sku_code: str = typer.Option(..., "--sku", metavar="SKU", help="Ours, by its code."),
    product: str = typer.Option(..., "--product", metavar="NUMBER", help="Theirs, by its number."),
    most: str = typer.Option(..., "--most", metavar="N", help="The dearest price a piece that is bought, as 8.00."),
) -> None:  # fmt: skip
    """Say which of a supplier's products is which SKU. Repeating it changes number and price."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.supply.network import sell_from, supplier_accounts
    from ops.owner import as_owner

    with as_owner(context) as config, in_words():
        account = supplier_accounts(actor=OPERATOR, supplier=code)[0]
        price = _money(most, config.store.currency)
        sell_from(actor=OPERATOR, account=account, sku=sku_code, product=product, most=price, now=database_now())
    typer.echo(f"{sku_code} is product {product} of {code}, bought at {price.decimal()} {price.currency} and no dearer")
    typer.echo("it is on sale once the supplier says that it has some, for merchants whose offers lead to it (`trade`)")


def list_accounts(context: typer.Context) -> None:
    """Every supplier whose system is asked, and how much of what can be sold from it now."""
    from core.actor import OPERATOR
    from core.supply.network import goods_of, supplier_accounts
    from ops.commands.channel import as_shop

    with as_shop(context):
        lines = [
            line
            for account in supplier_accounts(actor=OPERATOR)
            for line in standing(account, goods_of(account_id=account.id))
        ]
    typer.echo("\n".join(lines) or "no supplier's system is asked yet: `python run.py supplier add --help`")


def show(
    context: typer.Context,
    code: str = SUPPLIER,
    most: int = typer.Option(20, "--last", min=1, max=1000, metavar="N", help="So many requests, newest first."),
) -> None:
    """One supplier: its goods, and its requests with what came of them."""
    from core.actor import OPERATOR
    from core.supply.network import goods_of, supplier_accounts
    from core.supply.standing import requests_of
    from ops.commands.channel import as_shop

    with as_shop(context), in_words():
        account = supplier_accounts(actor=OPERATOR, supplier=code)[0]
        lines = standing(account, goods_of(account_id=account.id))
        lines += [told(one) for one in requests_of(account_id=account.id, limit=most)]
    typer.echo("\n".join(lines))


def on(context: typer.Context, code: str = SUPPLIER) -> None:
    """Sell from a supplier's system again."""
    _switch(context, code, enabled=True)


def off(context: typer.Context, code: str = SUPPLIER) -> None:
    """Sell nothing more from it. What is paid is still asked for, and asked about."""
    _switch(context, code, enabled=False)


def refused(
    context: typer.Context,
    number: str = typer.Argument(
        ..., metavar="REQUEST", help="An unknown or accepted request, as `supplier show` prints it."
    ),
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="How you know; kept in the audit."),
) -> None:
    """You asked the supplier yourself, and nothing comes of this request: its money goes back."""
    from uuid import UUID

    from core.actor import OPERATOR
    from core.db import database_now
    from core.supply.standing import say_refused
    from ops.owner import as_owner

    try:
        request = UUID(number)
    except ValueError:
        raise ConfigError(
            f"{number!r} is no request: `python run.py supplier show CODE` prints their numbers"
        ) from None
    with as_owner(context), in_words():
        say_refused(actor=OPERATOR, request_id=request, reason=reason, now=database_now())
    typer.echo(f"{number} was refused: what was paid for it goes back")


def standing(account: SupplierAccount, goods: list[SupplierGood]) -> list[str]:
    """One line an account, one for each of its goods: what it said, at which price, what can be sold."""
    from core.money import Money

    lines = [f"{account.supplier}  {account.connector}  {'on' if account.enabled else 'off'}"]
    for good in goods:
        price = "?" if good.price_told is None else Money(good.price_told, good.most.currency).decimal()
        since = f"told {good.told_at:%Y-%m-%d %H:%M} UTC" if good.told_at else "not told yet"
        paused = f"  PAUSED ({good.paused_for})" if good.paused_for else ""
        said = f"says {good.stock_told} at {price}, {since}; left to sell {good.left}{paused}"
        lines.append(f"  {good.sku}  product {good.product}  up to {good.most.decimal()} {good.most.currency}  {said}")
    return lines


def told(one: RequestView) -> str:
    """One request in a line."""
    from core.ids import Prefix, public

    problem = f"  {one.problem}" if one.problem else ""
    brought = "" if one.received is None else f", {one.received} came"
    order = public(Prefix.ORDER, one.order_id)
    what = f"{one.sku} × {one.quantity}{brought}"
    return f"  {one.id}  {one.created_at:%Y-%m-%d %H:%M}  {one.state}  {what}  {order}{problem}"


def read_address(config: Config, text: str) -> str:
    """Where a system answers, without a path. Raises ConfigError."""
    from urllib.parse import urlsplit

    from channels.egress import NotSent, checked_url
    from ops.suppliers import is_on_loopback

    base = text.rstrip("/")
    try:
        checked_url(base, loopback=is_on_loopback(config))
        if urlsplit(base).path or urlsplit(base).query:
            raise NotSent
    except NotSent:
        raise ConfigError(
            "--api-base is no address that may be called: write https://shop.example without a path, login or mark"
            " (http only for a double on this machine, while the store listens on loopback)"
        ) from None
    return base


def read_key(config: Config, reference: str) -> Secret:
    """The API key behind a reference. Raises ConfigError for a key on the command line."""
    if not reference.startswith(("env:", "file:", "credential:")):
        raise ConfigError(
            "--api-key takes a reference, env:NAME or file:/path: a key on a command line is read by others"
        )
    return config.secret(reference)


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Say refusals as the sentence that names the mend."""
    from core.errors import Invalid, NotFound
    from core.supply.network import GoodsByHand, NotASupplier
    from core.supply.standing import NotUnknown

    try:
        yield
    except NotASupplier:
        raise ConfigError("only a supplier brings cards from its system: a merchant's own stock is imported") from None
    except GoodsByHand:
        raise ConfigError("only goods that are keys are bought from a system; this SKU is another kind") from None
    except NotUnknown as other:
        raise ConfigError(f"this request is {other.params['state']}, not unknown: nothing was changed") from None
    except NotFound as missing:
        raise ConfigError(f"there is no such {str(missing.params['what']).replace('_', ' ')} here") from None
    except Invalid as wrong:
        raise ConfigError(f"--{wrong.params['what']} cannot be taken: give another one") from None


def _switch(context: typer.Context, code: str, *, enabled: bool) -> None:
    from core.actor import OPERATOR
    from core.db import database_now
    from core.supply.network import supplier_accounts, switch_account
    from ops.owner import as_owner

    with as_owner(context), in_words():
        account = supplier_accounts(actor=OPERATOR, supplier=code)[0]
        switch_account(actor=OPERATOR, account=account, enabled=enabled, now=database_now())
    typer.echo(f"{code} is {'on' if enabled else 'off'}")


def _money(text: str, currency: str) -> Money:
    from core.errors import Invalid
    from core.money import from_decimal

    try:
        return from_decimal(text, currency)
    except Invalid:
        raise ConfigError(f"--most {text!r} is no amount: write it as 8.00") from None
