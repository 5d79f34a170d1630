"""`trace`: the chain of custody of an order, a card, or a secret read from standard input, as a tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from core.config import Config, ConfigError
from core.errors import Invalid, NotFound
from core.ids import Prefix, parse, public
from core.money import Money

if TYPE_CHECKING:
    from core.reports.trace import CardHistory, CardTrace, LineTrace, OrderTrace

_COST = {"open": "holds", "captured": "paid", "returned": "got back"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace")(trace)


def trace(
    context: typer.Context,
    order: str = typer.Option("", "--order", metavar="ID", help="An order: ord_…"),
    card: str = typer.Option("", "--card", metavar="TOKEN", help="A card: crd_…"),
    secret: str = typer.Option("", "--secret", metavar="-", help="A card's secret, read from standard input."),
) -> None:
    """Show where cards came from, along which offers, and who got them when. The secret itself is never shown."""
    from core import db
    from core.reports.trace import trace_cards, trace_order
    from core.vault.trace_requests import LONGEST_SECRET
    from ops.store import load_config, opened

    if sum(map(bool, (order, card, secret))) != 1:
        raise ConfigError("name one thing: --order ID, --card TOKEN, or --secret - with the secret on standard input")
    if secret.strip("-"):
        raise ConfigError("a secret is never an argument: use `--secret -` and give it on standard input")
    typed = sys.stdin.buffer.read(LONGEST_SECRET + 1) if secret else b""
    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.worker, size=2)
        try:
            zone = ZoneInfo(store.config.store.timezone)
            if order:
                lines = list(of_order(trace_order(order_id=parse(Prefix.ORDER, order)), zone))
            else:
                running = store.is_running
                ids = [parse(Prefix.CARD, card)] if card else cards_of_secret(store.config, typed, is_running=running)
                lines = [line for history in trace_cards(card_ids=ids) for line in of_card(history, zone)]
        except NotFound as missing:
            raise ConfigError(f"there is no such {missing.params['what']} in this store: check what you gave") from None
        finally:
            db.disconnect()
    print("\n".join(lines))


def cards_of_secret(config: Config, typed: bytes, *, is_running: bool) -> list[UUID]:
    """Ask the vault whose fingerprint the secret has; starts a vault for the question when no store runs."""
    from core.vault.trace_requests import typed_secret
    from ops.processes.supervisor import Supervisor
    from ops.processes.vault_wiring import operators_vault

    try:
        secret = typed_secret(typed)
    except Invalid:
        why = "no secret came on standard input: pipe it in, for example `… trace --secret - < file`"
        raise ConfigError(why) from None
    client = operators_vault(config)
    if is_running:
        return client.trace_secret(secret)
    vault = Supervisor(config, ("vault",))
    try:
        vault.start()
        return client.trace_secret(secret)
    finally:
        vault.stop()


def of_card(history: CardHistory, zone: ZoneInfo) -> Iterator[str]:
    """The lines about one card, its order below it."""
    yield from _card(history.card, zone, indent="")
    if history.order is None:
        yield "└─ order       –"
    else:
        yield from of_order(history.order, zone)


def of_order(order: OrderTrace, zone: ZoneInfo) -> Iterator[str]:
    """The lines about one order."""
    yield f"order       {public(Prefix.ORDER, order.id)}  {order.state}  {_money(order.total_minor, order.currency)}"
    yield f"├─ merchant    {order.merchant}"
    yield (
        f"├─ shopper     {public(Prefix.SHOPPER, order.shopper_id)}"
        f"  {public(Prefix.IDENTITY, order.identity_id)} ({order.channel})"
    )
    yield f"├─ chat        {public(Prefix.CONVERSATION, order.conversation_id)}"
    yield f"├─ placed      {_time(order.placed_at, zone)}   paid {_time(order.paid_at, zone)}"
    for payment in order.payments:
        yield (
            f"├─ payment     {public(Prefix.PAYMENT, payment.id)}  {payment.gateway or payment.rail}  {payment.state}"
            f"  {_money(payment.amount_minor, payment.currency)}  {payment.events}".rstrip()
        )
    for attempt in order.attempts:
        end = f"{attempt.outcome} ({attempt.problem})" if attempt.problem else attempt.outcome
        yield f"├─ told        {_time(attempt.at, zone)}  {attempt.told} by {attempt.way}: {end}"
    for line in order.lines:
        yield from _line(line, order.currency, zone)


def _line(line: LineTrace, currency: str, zone: ZoneInfo) -> Iterator[str]:
    yield f"└─ line        {line.code} × {line.quantity}  {_money(line.total_minor, currency)}  gate {line.gate}"
    for hop in line.hops:
        yield (
            f"   ├─ hop         {hop.seller} → {hop.buyer}  {Decimal(hop.price_micro).scaleb(-6)} {hop.currency} a card"
            f"  margin {_money(hop.margin_minor, currency)}"
            f"  trade account {_COST.get(hop.cost_state, '–')} {_money(hop.cost_minor, currency)}"
        )
    for opening in line.openings:
        yield f"   ├─ opening     {_time(opening.at, zone)}  {opening.action}"
    if line.delivery_id is not None:
        yield (
            f"   ├─ delivery    {public(Prefix.DELIVERY, line.delivery_id)}  {line.delivery_state}"
            f"  {_time(line.delivered_at, zone)}  tries {line.attempts}"
        )
    for card in line.cards:
        yield from _card(card, zone, indent="   ")


def _card(card: CardTrace, zone: ZoneInfo, *, indent: str) -> Iterator[str]:
    batch = card.batch
    state = f"{card.state}, contested" if card.contested else card.state
    yield f"{indent}├─ card        {public(Prefix.CARD, card.id)}  {card.mask}  {state}"
    yield f"{indent}│  ├─ opened      {_time(card.opened_at, zone)}   delivered {_time(card.delivered_at, zone)}"
    yield (
        f"{indent}│  └─ batch       {public(Prefix.BATCH, batch.id)}  {batch.state}  {batch.terms}"
        f"  {batch.supplier or batch.owner}  {_time(batch.imported_at, zone)}"
    )
    upload = f"{public(Prefix.UPLOAD, batch.upload_id)}  " if batch.upload_id else ""
    yield f"{indent}│     └─ file        {upload}{batch.file_name}  sha256 {batch.source_hash or '–'}"


def _money(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).decimal()} {currency}"


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if at else "–"
