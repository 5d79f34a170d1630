"""What the store itself does: work, sweeps, stock, offers, the vault's coming and going, and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from core.actor import OPERATOR
from core.custody.rounds import run_alone
from core.db import execute
from core.fulfilment.card_pages import carry_out_press
from core.fulfilment.recalling import recall_batch
from core.fulfilment.service import carry, deliver, reread
from core.orders.service import lines_in_review, release_order
from core.payments.service import carry_out_refund, make_intent, query_payment
from core.stock.moving import move_batch
from core.stock.rules import BATCH_TRANSITIONS, BatchState
from core.work import QUEUE, Work, decode
from tests.simulator.day import Day
from tests.simulator.processes import Process
from tests.simulator.town import CONSIGNED, OWN, OWNED, offer, sealed_file
from tests.support.carriers import NOBODY

TAKE = """
DELETE FROM keystall_task WHERE id = (
    SELECT id FROM keystall_task WHERE queue = %s ORDER BY priority DESC NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING data
"""
"""As the queue takes a row: it is gone before the work is done."""

BATCHES = """
SELECT no, id, state,
       EXISTS (SELECT FROM card c WHERE c.batch_no = b.no AND c.state = 'claimed' AND c.opened_at IS NULL)
FROM batch b WHERE state <> 'importing' ORDER BY no
"""
"""Each batch, and whether cards of it are paid and wait to be opened."""

RECALLS = 0.25
"""How often a batch is recalled, which is for ever, where it might be locked."""


def work(day: Day) -> bool:
    """The worker takes one piece of work; False when nothing waits."""
    rows = day.act(Process.WORKER, lambda: execute(TAKE, (QUEUE,)))
    if not rows:
        return False
    kind, reference = decode(bytes(rows[0][0]))
    day.note(f"work {kind}")
    day.act(Process.WORKER, lambda: HANDLERS[kind](day, reference))
    return True


def _ask_gateway(day: Day, payment: UUID) -> object:
    return query_payment(
        payment_id=payment,
        gateways={"sandbox": day.bank},
        verifiers=day.verifiers,
        policy=day.policy,
        now=day.clock.now(),
    )


HANDLERS: dict[Work, Callable[[Day, UUID], object]] = {
    Work.DELIVER: lambda day, one: deliver(delivery_id=one, vault=day.vault, carrier=NOBODY, now=day.clock.now()),
    Work.REREAD: lambda day, one: reread(reading_id=one, vault=day.vault, now=day.clock.now()),
    Work.SEND: lambda day, one: carry(conversation_id=one, vault=day.vault, carrier=NOBODY, now=day.clock.now()),
    Work.START_PAYMENT: lambda day, one: make_intent(
        payment_id=one, gateways={"sandbox": day.bank}, now=day.clock.now()
    ),
    Work.QUERY_PAYMENT: _ask_gateway,
    Work.REFUND: lambda day, one: carry_out_refund(refund_id=one, gateways={"sandbox": day.bank}, now=day.clock.now()),
    Work.OPEN_LINK: lambda day, one: carry_out_press(press_id=one, vault=day.vault, now=day.clock.now()),
    Work.ALERT: lambda day, one: None,
}
"""As `ops.wiring.handlers` wires them (nobody is told of alerts here); the rest is enqueued by nobody."""


def some_work(day: Day) -> None:
    """The worker takes a few pieces of work."""
    for _ in range(day.choice.randint(1, 3)):
        if not work(day):
            return


def one_sweep(day: Day) -> None:
    """One sweep, whichever it is."""
    sweep = day.choice.choice(day.sweeps)
    day.note(f"sweep {sweep.name}")
    day.one_sweep(sweep)


def time_passes(day: Day) -> None:
    """Seconds or minutes go by, and the sweeps run; before hours go by the worker does what waits."""
    minutes = day.choice.choice([0.2, 1, 1, 2, 3, 5, 11, 16, 60, 25 * 60])
    day.note(f"{minutes} minutes go by")
    if minutes > 5:
        settle(day)
        day.wait(seconds=62)
        settle(day)
    day.wait(minutes=minutes)
    day.sweep()


def clock_jumps_back(day: Day) -> None:
    """Somebody sets the clock of the database back by an hour, once in a run."""
    day.clock_was_set_back = True
    day.note("the clock is set back by an hour")
    day.wait(hours=-1)


def settle(day: Day) -> None:
    """The worker is at work for a while: what waits is done, what was lost is found."""
    if day.vault.is_away:
        day.vault.restart()
    day.sweep()
    while work(day):
        continue


def vault_goes_or_comes(day: Day) -> None:
    """The vault is stopped, or started again."""
    day.note("the vault comes back" if day.vault.is_away else "the vault goes away")
    if day.vault.is_away:
        day.vault.restart()
    else:
        day.vault.is_away = True


def vault_rounds(day: Day) -> None:
    """What the vault does by itself, each round in its turn."""
    for one in day.vault.rounds():
        day.note(f"round {one.name}")
        day.act(Process.VAULT, lambda one=one: run_alone(one, now=day.clock.now()))
        if day.vault.is_away:
            return


def move_a_batch(day: Day) -> None:
    """A batch is locked, unlocked or recalled."""
    with day.processes.looking():
        batches = execute(BATCHES)
    if day.choice.random() < RECALLS:
        _recall_one(day, [row for row in batches if row[3]] or batches)
        return
    no, batch, state, _ = day.choice.choice(batches)
    if ways := sorted(BATCH_TRANSITIONS[BatchState(state)] - {BatchState.RECALLED}):
        to, now = day.choice.choice(ways), day.clock.now()
        day.note(f"batch {no}: {state} to {to}")
        day.act(Process.WEB, lambda: move_batch(actor=OPERATOR, batch_id=batch, to=to, reason="trial", now=now))


def _recall_one(day: Day, batches: Sequence[Sequence[Any]]) -> None:
    """For ever; paid lines that wait for its cards get others, or their money goes back."""
    no, batch, state, _ = day.choice.choice(batches)
    day.note(f"batch {no}: {state} to recalled")
    now = day.clock.now()
    recalled = day.act(Process.WEB, lambda: recall_batch(actor=OPERATOR, batch_id=batch, reason="trial", now=now))
    if recalled is not None:
        day.note(f"{sum(line.waiting for line in recalled.affected)} of its cards were paid and wait")


def bring_cards(day: Day) -> None:
    """A file of new cards comes, with some that came before, perhaps the very same file again."""
    file = day.choice.choice([OWN, CONSIGNED, OWNED])
    known = day.brought.setdefault(file.sku, [])
    fresh = [f"{file.sku}{len(known) + number:04}-LATER-{file.sku * 8}" for number in range(day.choice.randint(0, 4))]
    again = day.choice.sample(known, min(len(known), day.choice.randint(0, 3)))
    if not fresh and not again:
        return
    known += fresh
    day.note(f"{len(fresh)} new cards of {file.sku} come, {len(again)} once more")
    now = day.clock.now()
    cards, public = [*fresh, *again], day.vault_public
    upload = day.act(Process.WEB, lambda: sealed_file(day.town, cards, public=public, pool=file.pool, now=now))
    if upload is not None:
        report = day.act(Process.WEB, lambda: day.vault.import_upload(file.order(upload)))
        day.note(f"{report.added if report else 'unknown how many'} were added")


def change_an_offer(day: Day) -> None:
    """The distributor asks another price: what was ordered keeps its own."""
    buyer, price = day.choice.choice(["m1", "m2"]), day.choice.choice([7_999_999, 8_500_000, 12_000_001])
    day.note(f"dist offers B to {buyer} at {price}")
    day.act(Process.WEB, lambda: offer(day.town, "dist", buyer, price, day.clock.now()))


def release(day: Day) -> None:
    """A person lets lines that wait for one go on."""
    with day.processes.looking():
        waiting = sorted({line.order_id for line in lines_in_review()})
    if waiting:
        day.note("a person releases a line")
        day.act(Process.WEB, lambda: release_order(actor=OPERATOR, order_id=waiting[0], now=day.clock.now()))
