"""The end of a run: everything that waits is done, and then nothing is missing anywhere, neither card nor money."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from core.fulfilment.fields import WIPED_AFTER
from tests.simulator import keeping, shopping
from tests.simulator.day import Day
from tests.simulator.judge import Judge, found
from tests.simulator.locksmith import all_under_one_key

PAUSES = (1, 16, 61, 25 * 60, 61, 16, 61, 61)
"""Minutes between two rounds of the store's work: longer than whatever waits for its next try, and once than a day."""

UNFINISHED = """
SELECT (SELECT count(*) FROM shop_order WHERE state = 'awaiting_payment'),
       (SELECT count(*) FROM hold WHERE state = 'open'),
       (SELECT count(*) FROM money_hold WHERE state = 'open'),
       (SELECT count(*) FROM card WHERE state = 'held'),
       (SELECT count(*) FROM delivery d JOIN order_line l ON l.id = d.line_id
        WHERE d.state <> 'delivered' AND l.gate NOT IN ('review', 'task')
          AND (d.state, l.gate) <> ('failed', 'cancelled')),
       (SELECT count(*) FROM refund WHERE state IN ('requested', 'sent', 'unknown')),
       (SELECT count(*) FROM payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL AND reason = 'late'),
       (SELECT count(*) FROM import_job WHERE state NOT IN ('done', 'failed')),
       (SELECT count(*) FROM keystall_task)
"""
"""Unpaid orders, their holds and those of money, held cards, deliveries that nothing stops, refunds under way, late
money undecided, imports, work in the queue: all 0 at rest."""

NOT_WIPED = """
SELECT count(*) FROM line_field f JOIN task t ON t.line_id = f.line_id
WHERE t.done_at < %s AND f.given_at < t.done_at AND f.wiped_at IS NULL
"""
DELIVERED = """
SELECT o.id, o.shopper_id, o.total_minor, l.quantity FROM shop_order o JOIN order_line l ON l.order_id = o.id
JOIN delivery d ON d.line_id = l.id AND d.state = 'delivered'
"""
KEPT = """
SELECT s.id, coalesce((SELECT sum(balance) FROM account WHERE holder = 'shopper:' || s.id
                       AND kind IN ('wallet', 'wallet_hold')), 0)::bigint,
       coalesce((SELECT sum(o.paid_minor) FROM shop_order o JOIN order_line l ON l.order_id = o.id
                 WHERE o.shopper_id = s.id AND l.gate IN ('review', 'task')), 0)::bigint,
       coalesce((SELECT sum(e.amount_minor) FROM payment_event e JOIN payment p ON p.id = e.named_payment_id
                 WHERE p.shopper_id = s.id AND e.kind = 'paid' AND e.currency = 'CNY' AND e.booked_to = 'suspense'
                   AND e.resolved_at IS NULL), 0)::bigint
FROM shopper s
"""
"""What the store still has of each shopper's money: in the purse, for lines that a person looks at, and in cases."""

STANDS = {
    "orders": """SELECT o.state, o.total_minor, o.paid_minor, l.quantity, l.gate, d.state FROM shop_order o
        JOIN order_line l ON l.order_id = o.id LEFT JOIN delivery d ON d.line_id = l.id ORDER BY o.placed_at, o.id""",
    "cards": "SELECT batch_no, state, count(*)::int FROM card GROUP BY 1, 2 ORDER BY 1, 2",
    "money": """SELECT a.kind, a.currency, sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)::bigint
        FROM account a JOIN transfer t ON a.id IN (t.debit_id, t.credit_id) GROUP BY 1, 2 ORDER BY 1, 2""",
    "events": "SELECT kind, amount_minor, booked_to, reason, resolution FROM payment_event ORDER BY received_at, id",
    "told": "SELECT kind, count(*)::int FROM message GROUP BY 1 ORDER BY 1",
}


def come_to_rest(day: Day, judge: Judge) -> None:
    """No more crashes: the bank is heard, the worker works, a day and more goes by; then nothing waits."""
    day.processes.arm(None)
    day.bank.is_patient, day.happened = True, []
    for number, minutes in enumerate(PAUSES):
        while day.unheard:
            shopping.hear(day, *day.unheard.pop(0))
        keeping.settle(day)
        if number > 3 and not any(judge.rows(UNFINISHED)[0]):
            break
        day.wait(minutes=minutes)
    judge.look()
    left = judge.rows(UNFINISHED)[0]
    found(not any(left), f"at rest something still waits: {left}")
    a_day_ago = day.clock.now() - WIPED_AFTER - timedelta(minutes=20)
    found(judge.rows(NOT_WIPED, (a_day_ago,)) == [(0,)], "a field is kept longer than a day after its task")
    all_under_one_key(day, judge)
    _goods_or_money(day, judge)


def _goods_or_money(day: Day, judge: Judge) -> None:
    """Every fen that a payer paid bought cards that are in hand, went back, or is in a purse or a case that we see.

    Payers who were one shopper for a while are looked at together.
    """
    has: Counter[int | None] = Counter()
    for order, shopper, total, quantity in judge.rows(DELIVERED):
        found(len(judge.hands.get(order, ())) == quantity, "an order counts as delivered, and its shopper has no cards")
        has[judge.persons.group_of(shopper)] += total
    for shopper, purse, review, case in judge.rows(KEPT):
        has[judge.persons.group_of(shopper)] += purse + review + case
    paid: Counter[int] = Counter()
    unasked: Counter[int] = Counter()
    for charge in day.bank.charges:
        if charge.amount.currency == "CNY":
            group = judge.persons.group(charge.payer)
            paid[group] += charge.amount.minor
            has[group] += charge.amount.minor - charge.kept
            unasked[group] += sum(minor for number, minor in charge.back.items() if number.startswith("outside"))
    for group in has.keys() | paid.keys():
        most = paid[group or 0] + unasked[group or 0] if group is not None else 0
        found(
            most - unasked[group or 0] <= has[group] <= most,
            f"payer {group} paid {most}, and has {has[group]} in cards, money and cases",
        )


def how_it_stands(judge: Judge) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that matters in the end, without what differs between two runs of the same seed (ids, secrets)."""
    return {name: judge.rows(question) for name, question in STANDS.items()}
