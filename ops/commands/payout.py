"""`payout`: what merchants and suppliers earned goes to their banks: asked by one person, let go by another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from core.config import Config, ConfigError
from ops.commands.payout_words import claim_lines, in_words, payout_lines

if TYPE_CHECKING:
    from core.actor import Actor
    from core.money import Money

NUMBER_VARIABLE = "KEYSTALL_BANK_NUMBER"
NUMBER = typer.Argument(..., metavar="PAYOUT", help="The payout: out_…, as `payout list` shows it.")
STAFF = typer.Option(..., "--staff", metavar="ADDRESS", help="The login of who does it (`staff add … --role finance`).")
PARTY = typer.Option(..., "--party", metavar="CODE", help="Whose money it is.")
DEBTOR = typer.Option("", "--debtor", metavar="CODE", help="Who holds the cash (default: the party itself).")
AMOUNT = typer.Option(..., "--amount", metavar="N", help="As 5000.00, in the store's currency; 500000 JPY in another.")
REFERENCE = typer.Option(..., "--reference", metavar="TEXT", help="The bank's number of it; counts once.")
REASON = typer.Option(..., "--reason", metavar="TEXT", help="Why; kept with it.")


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    payout = typer.Typer(help="Payouts (提现) of what merchants and suppliers earned.", no_args_is_help=True)
    parts: tuple[tuple[str, Callable[..., None]], ...] = (
        ("list", listed), ("bank", bank), ("request", request), ("approve", approve), ("details", details),
        ("sent", sent), ("confirm", confirm), ("fail", fail), ("settled", settled), ("unsettled", unsettled),
        ("period", period),
    )  # fmt: skip
    for name, command in parts:
        payout.command(name)(command)
    app.add_typer(payout, name="payout")


def listed(
    context: typer.Context,
    party: str = typer.Option("", "--party", metavar="CODE", help="Only this one's."),
    everything: bool = typer.Option(False, "--all", help="Also what is over."),
) -> None:
    """What each party may claim and what of it is available now; the payouts that are under way, newest first."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.settlement.service import claim_views, payouts_of
    from ops.commands.channel import as_shop

    with as_shop(context), in_words():
        party_id = _party(party) if party else None
        claims = claim_lines(claim_views(actor=OPERATOR, party_id=party_id, now=database_now()))
        payouts = payout_lines(payouts_of(actor=OPERATOR, party_id=party_id, with_ended=everything))
    typer.echo("\n".join([*(claims or ["nobody has sold anything yet"]), *payouts]))


def bank(
    context: typer.Context,
    party: str = PARTY,
    staff: str = STAFF,
    name: str = typer.Option(..., "--name", metavar="TEXT", help="In whose name the account is."),
    where: str = typer.Option(..., "--bank", metavar="TEXT", help="At which bank or payment service."),
) -> None:
    """Say where a party's money is sent. The account number comes from KEYSTALL_BANK_NUMBER, or is asked for."""
    from core.db import database_now
    from core.ids import new_id
    from core.secret import Secret
    from core.settlement.service import find_person, set_bank_details
    from ops.owner import as_owner

    number = Secret(_number())
    with as_owner(context) as config, in_words():
        party_id = _party(party)
        kept = set_bank_details(
            actor=find_person(email=staff, party_id=party_id),
            party_id=party_id,
            name=name,
            bank=where,
            number=number,
            key=config.secret(config.vault.link_key),
            submission_id=str(new_id()),
            now=database_now(),
        )
    typer.echo(f"{party} is paid to {kept.mask} from now on; {staff} neither asks for nor approves payouts for 7 days")


def request(
    context: typer.Context,
    party: str = PARTY,
    amount: str = AMOUNT,
    staff: str = STAFF,
    debtor: str = DEBTOR,
    day: str = typer.Option("", "--period", metavar="DATE", help="For which day, once each (default: today)."),
    submission: str = typer.Option("", "--submission", metavar="KEY", help="The same key twice asks once."),
) -> None:
    """Ask for a payout of what is available. Somebody else approves it."""
    from core.db import database_now
    from core.ids import Prefix, new_id, public
    from core.settlement.service import find_person, request_payout
    from ops.owner import as_owner

    with as_owner(context) as config, in_words():
        party_id, now = _party(party), database_now()
        money = _money(amount, config.store.currency)
        made = request_payout(
            actor=find_person(email=staff, party_id=party_id),
            party_id=party_id,
            debtor_id=_party(debtor) if debtor else party_id,
            amount=money,
            period=_day(day, now, config),
            submission_id=submission or str(new_id()),
            now=now,
        )
    typer.echo(f"{public(Prefix.PAYOUT, made)}  {money.decimal()} {money.currency} for {party}: waits for approval")


def approve(context: typer.Context, number: str = NUMBER, staff: str = STAFF) -> None:
    """Let a payout go: its money is in transit from now on. Never who asked for it."""
    from core.settlement.service import approve_payout

    _step(context, number, staff, lambda who, one, now: approve_payout(actor=who, payout_id=one, now=now))
    typer.echo(f"{number} is approved; `payout sent` before the bank gets its order, `payout details` shows where to")


def details(context: typer.Context, number: str = NUMBER, staff: str = STAFF) -> None:
    """Show where an approved payout goes, in full, to who gives the order to the bank; that is written down."""
    from core.db import database_now
    from core.settlement.service import person_for, reveal_bank
    from ops.commands.channel import as_shop

    with as_shop(context) as config, in_words():
        payout_id = _payout(number)
        key, who = config.secret(config.vault.link_key), person_for(email=staff, payout_id=payout_id)
        shown = reveal_bank(actor=who, payout_id=payout_id, key=key, now=database_now())
    for label, value in shown.items():
        sys.stdout.write(f"{label}\t{value.reveal().decode()}\n")


def sent(context: typer.Context, number: str = NUMBER, staff: str = STAFF) -> None:
    """Say that you give the order to the bank now, so that nobody else does."""
    from core.settlement.service import send_payout

    _step(context, number, staff, lambda who, one, now: send_payout(actor=who, payout_id=one, now=now))
    typer.echo(f"{number} is sent: `payout confirm` with the bank's number, `payout fail` only on its certain no")


def confirm(context: typer.Context, number: str = NUMBER, staff: str = STAFF, reference: str = REFERENCE) -> None:
    """The bank paid it, under this number."""
    from core.settlement.service import confirm_payout

    _step(
        context, number, staff,
        lambda who, one, now: confirm_payout(actor=who, payout_id=one, bank_reference=reference, now=now),
    )  # fmt: skip
    typer.echo(f"{number} is paid")


def fail(context: typer.Context, number: str = NUMBER, staff: str = STAFF, reason: str = REASON) -> None:
    """Decline a payout, or say that the bank certainly did not pay it: its money is available again."""
    from core.settlement.service import fail_payout

    _step(
        context, number, staff, lambda who, one, now: fail_payout(actor=who, payout_id=one, reason=reason, now=now)
    )  # fmt: skip
    typer.echo(f"{number} is not paid: its money is available again")


def settled(
    context: typer.Context,
    gateway: int = typer.Option(..., "--gateway", metavar="N", help="The gateway account, as `gateway list` shows it."),
    party: str = typer.Option(..., "--party", metavar="CODE", help="Whose bank got it: the merchant, or the platform."),
    amount: str = AMOUNT,
    reference: str = REFERENCE,
) -> None:
    """A gateway paid so much to its collector's bank: nothing is paid out beyond that."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.ids import Prefix, new_id, public
    from core.settlement.service import record_settlement
    from ops.owner import as_owner

    with as_owner(context) as config, in_words():
        money = _money(amount, config.store.currency)
        made = record_settlement(
            actor=OPERATOR,
            gateway_account_id=gateway,
            debtor_id=_party(party),
            amount=money,
            reference=reference,
            submission_id=str(new_id()),
            now=database_now(),
        )
    typer.echo(f"{public(Prefix.SETTLEMENT, made)}  {money.decimal()} {money.currency} of gateway {gateway} at {party}")


def unsettled(
    context: typer.Context,
    number: str = typer.Argument(..., metavar="SETTLEMENT", help="set_…: `payout settled` printed it."),
    reason: str = REASON,
) -> None:
    """Take a wrong `payout settled` back, while nothing of it was made available."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.ids import Prefix, parse
    from core.settlement.service import take_back_settlement
    from ops.owner import as_owner

    with as_owner(context), in_words():
        which = parse(Prefix.SETTLEMENT, number)
        take_back_settlement(actor=OPERATOR, settlement_id=which, reason=reason, now=database_now())
    typer.echo(f"{number} is taken back")


def period(
    context: typer.Context,
    party: str = PARTY,
    days: int = typer.Option(..., "--days", metavar="N", help="0 to 365; 7 where nothing is said."),
    debtor: str = DEBTOR,
) -> None:
    """How many days a party's sales wait for refunds before they can be paid out, by contract."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.settlement.service import set_settle_days
    from ops.owner import as_owner

    with as_owner(context), in_words():
        party_id = _party(party)
        debtor_id = _party(debtor) if debtor else party_id
        set_settle_days(actor=OPERATOR, party_id=party_id, debtor_id=debtor_id, days=days, now=database_now())
    typer.echo(f"sales of {party} are available after {days} days")


def _step(context: typer.Context, number: str, staff: str, act: Callable[[Actor, UUID, datetime], None]) -> None:
    from core.db import database_now
    from core.settlement.service import person_for
    from ops.owner import as_owner

    with as_owner(context), in_words():
        payout_id = _payout(number)
        act(person_for(email=staff, payout_id=payout_id), payout_id, database_now())


def _party(code: str) -> int:
    from core.parties.service import find_party

    return find_party(code=code).id


def _payout(number: str) -> UUID:
    from core.ids import Prefix, parse

    return parse(Prefix.PAYOUT, number)


def _day(text: str, now: datetime, config: Config) -> date:
    from zoneinfo import ZoneInfo

    if not text:
        return now.astimezone(ZoneInfo(config.store.timezone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--period {text!r} is no date: write it as 2026-11-25") from None


def _money(text: str, currency: str) -> Money:
    from core.errors import Invalid
    from core.money import from_decimal

    number, _, other = text.strip().partition(" ")
    try:
        return from_decimal(number, other.strip().upper() or currency)
    except Invalid:
        raise ConfigError(f"--amount {text!r} is no amount: write it as 5000.00, or as 500000 JPY") from None


def _number() -> str:
    given = os.environ.get(NUMBER_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = str(typer.prompt("Account number", hide_input=True, confirmation_prompt=True))
    if given is None:
        raise ConfigError(f"the account number is missing: set {NUMBER_VARIABLE}, or run this at a terminal")
    return given
