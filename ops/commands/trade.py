"""`trade`: trade accounts (预存款) between two parties: limits, money that came in, and how they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.money import Money
    from core.supply.trade import TradeAccountView

CREDITOR = typer.Option(..., "--creditor", metavar="CODE", help="Who sells, and lends.")
DEBTOR = typer.Option(..., "--debtor", metavar="CODE", help="Who buys, and owes.")
AMOUNT = typer.Option(..., "--amount", metavar="N", help="In the store's currency, as 5000.00.")


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    trade = typer.Typer(help="Trade accounts between suppliers and those who buy from them.", no_args_is_help=True)
    trade.command("show")(show)
    trade.command("limit")(limit)
    trade.command("topup")(topup)
    trade.command("takeback")(takeback)
    app.add_typer(trade, name="trade")


def show(
    context: typer.Context,
    party: str = typer.Option("", "--party", metavar="CODE", help="Only this one's accounts, on either side."),
) -> None:
    """Every trade account: prepaid or owed, held for unpaid orders, the limit, and what can still be bought."""
    from core.actor import OPERATOR
    from core.supply.trade import trade_accounts
    from ops.commands.channel import as_shop

    with as_shop(context), in_words():
        lines = table(trade_accounts(actor=OPERATOR, party_id=_party(party) if party else None))
    typer.echo("\n".join(lines) or "no two parties have a trade account: `trade limit` makes one")


def limit(context: typer.Context, creditor: str = CREDITOR, debtor: str = DEBTOR, amount: str = AMOUNT) -> None:
    """Set how much the debtor may owe. Never below what it owes now and what unpaid orders hold."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.supply.trade import set_credit_limit
    from ops.commands.channel import as_shop
    from ops.owner import owners_hand

    with as_shop(context) as config, in_words(config.store.currency):
        money = _money(amount, config.store.currency)
        set_credit_limit(
            actor=OPERATOR,
            creditor_id=_party(creditor),
            debtor_id=_party(debtor),
            currency=money.currency,
            limit_minor=money.minor,
            as_owner=owners_hand(config),
            now=database_now(),
        )
    typer.echo(f"{debtor} may owe {creditor} up to {money.decimal()} {money.currency}")


def topup(
    context: typer.Context,
    creditor: str = CREDITOR,
    debtor: str = DEBTOR,
    amount: str = AMOUNT,
    reference: str = typer.Option(..., "--reference", metavar="TEXT", help="The bank's number of the money, once."),
) -> None:
    """Book money that the creditor got from the debtor. The same reference is booked once."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.ids import Prefix, public
    from core.supply.trade import approve_topup
    from ops.commands.channel import as_shop

    with as_shop(context) as config, in_words(config.store.currency):
        money = _money(amount, config.store.currency)
        made = approve_topup(
            actor=OPERATOR,
            creditor_id=_party(creditor),
            debtor_id=_party(debtor),
            amount=money,
            reference=reference,
            now=database_now(),
        )
    typer.echo(f"{public(Prefix.TRADE_TOPUP, made)}  {money.decimal()} {money.currency} of {debtor} at {creditor}")


def takeback(
    context: typer.Context,
    number: str = typer.Argument(..., metavar="TOPUP", help="The top-up, top_…: `trade topup` printed it."),
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="Why; kept with the reversal."),
) -> None:
    """Take a wrong top-up back whole, once, while its money is not spent."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.ids import Prefix, parse
    from core.supply.trade import take_back_topup
    from ops.commands.channel import as_shop

    with as_shop(context), in_words():
        topup_id = parse(Prefix.TRADE_TOPUP, number)
        take_back_topup(actor=OPERATOR, topup_id=topup_id, reason=reason, now=database_now())
    typer.echo(f"{number} is taken back")


def table(accounts: list[TradeAccountView]) -> list[str]:
    """One line an account: who owes whom, prepaid or owed, held, limit, what is left."""
    from core.money import Money

    lines = []
    for one in accounts:
        balance, held, most, left = (
            Money(minor, one.currency).decimal() for minor in (one.balance, one.held, one.limit, one.room)
        )
        said = f"{one.debtor} at {one.creditor}"
        lines.append(f"{said:<32} balance {balance}  held {held}  limit {most}  left {left} {one.currency}")
    return lines


@contextlib.contextmanager
def in_words(currency: str = "") -> Iterator[None]:
    """Say refusals as the sentence that names the mend."""
    from core.errors import Invalid, NotFound
    from core.money import Money
    from core.supply.trade import LimitInUse, TopUpBooked, TopUpSpent

    try:
        yield
    except LimitInUse as used:
        now = Money(int(used.params["used"]), currency).decimal()
        raise ConfigError(
            f"{now} {currency} is owed or held for unpaid orders right now: set the limit to that or more,"
            " and lower it again when they are paid or over"
        ) from None
    except TopUpBooked as booked:
        raise ConfigError(
            f"money with the reference {booked.params['reference']!r} is booked on this account already:"
            " nothing was changed"
        ) from None
    except TopUpSpent:
        raise ConfigError("its money is spent or held already: book what is missing as another top-up") from None
    except NotFound as missing:
        raise ConfigError(f"there is no such {str(missing.params['what']).replace('_', ' ')} here") from None
    except Invalid as wrong:
        raise ConfigError(
            f"--{str(wrong.params['what']).replace('_', '-')} cannot be taken: give another one"
        ) from None


def _party(code: str) -> int:
    from core.parties.service import find_party

    return find_party(code=code).id


def _money(text: str, currency: str) -> Money:
    from core.errors import Invalid
    from core.money import from_decimal

    try:
        return from_decimal(text, currency)
    except Invalid:
        raise ConfigError(f"--amount {text!r} is no amount: write it as 5000.00") from None
