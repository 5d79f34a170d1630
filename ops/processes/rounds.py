"""Every sweep of the worker, with its interval in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from core.conversations.brought_files import looks_due
from core.conversations.cleaning import remove_expired
from core.conversations.restocking import restocks_due
from core.fulfilment.card_pages import forget_presses, presses_due
from core.fulfilment.fields import wipe_fields
from core.fulfilment.pickup import forget_pickups, pickups_due
from core.fulfilment.service import readings_due
from core.fulfilment.supplying import forget_unpaid, supply_due
from core.members.contacts import codes_due, forget_codes
from core.messages.alerts import alerts_due, forget_alerts
from core.messages.cleaning import forget_carried
from core.messages.outgoing import send_due
from core.orders.lost import enqueue_lost_deliveries
from core.orders.service import OrderPolicy, expire_due
from core.parties.staff_sessions import forget_old_sessions
from core.parties.tries import forget_old_tries
from core.payments.service import decide_due, join_due, poll_due, reconcile_due, refund_due
from core.payments.sweeps import notice_stuck_refunds
from core.reports.rollup import roll_up
from core.settlement.service import release_due
from core.stock.contested_wishes import wishes_due
from core.stock.marks import move_marks
from core.supply.network import stock_due
from ops.figures.published import forget_ended
from ops.processes.sweeps import Sweep

LIMIT = 100  # orders that expire in one transaction; a part that changed fewer rows was the last
MOST_PARTS = 100  # of one round; the rest waits for the next, so that one backlog never stops the other sweeps
LONGEST_ROUND = 5.0  # seconds after which no further part is begun


def sweeps(*, policy: OrderPolicy, alerting: bool = False) -> list[Sweep]:
    """The sweeps, most pressing first; what people wait for has the shortest intervals.

    `alerting`: somebody is told of alerts; where nobody is they stay in their table, and `doctor` counts them.
    """
    alerts = [Sweep("alerts.due", 5, lambda now: alerts_due(now=now))] if alerting else []
    return [
        Sweep("orders.expired", 3, in_parts(lambda now: expire_due(now=now, limit=LIMIT))),
        Sweep("messages.due", 2, lambda now: send_due(now=now)),
        Sweep("deliveries.lost", 3, lambda now: enqueue_lost_deliveries(now=now)),
        *alerts,
        Sweep("contacts.codes", 5, lambda now: codes_due(now=now)),
        Sweep("supply.due", 3, lambda now: supply_due(now=now)),
        Sweep("supply.stock", 20, lambda now: stock_due(now=now)),
        Sweep("readings.lost", 5, lambda now: readings_due(now=now)),
        Sweep("presses.lost", 3, lambda now: presses_due(now=now)),
        Sweep("pickups.lost", 10, lambda now: pickups_due(now=now)),
        Sweep("payments.asked", 5, lambda now: poll_due(now=now)),
        Sweep("payments.joined", 5, lambda now: join_due(policy=policy, now=now)),
        Sweep("refunds.lost", 10, lambda now: refund_due(now=now)),
        Sweep("stock.marks", 15, lambda now: move_marks(now=now, zone=policy.zone)),
        Sweep("payments.decided", 30, lambda now: decide_due(now=now)),
        Sweep("payments.reconciled", 30, lambda now: reconcile_due(now=now)),
        Sweep("reports.rolled", 20, lambda now: roll_up(zone=policy.zone, now=now)),
        Sweep("restocks.lost", 30, lambda now: restocks_due(now=now)),
        Sweep("looks.lost", 30, lambda now: looks_due(now=now) + wishes_due(now=now)),
        Sweep("supply.unpaid", 300, lambda now: forget_unpaid(now=now)),
        Sweep("refunds.stuck", 300, lambda now: notice_stuck_refunds(now=now)),
        Sweep("rows.expired", 600, in_parts(lambda now: remove_expired(now=now))),
        Sweep("messages.expired", 600, in_parts(lambda now: forget_carried(now=now))),
        Sweep("contacts.expired", 600, in_parts(lambda now: forget_codes(now=now))),
        Sweep("pickups.expired", 600, in_parts(lambda now: forget_pickups(now=now))),
        Sweep("presses.expired", 600, in_parts(lambda now: forget_presses(now=now))),
        Sweep("claims.released", 3600, lambda now: release_due(now=now)),
        Sweep("figures.expired", 3600, lambda now: forget_ended(now=now)),
        Sweep("sign_ins.expired", 3600, lambda now: forget_old_tries(now=now) + forget_old_sessions(now=now)),
        Sweep("fields.wiped", 600, in_parts(lambda now: wipe_fields(now=now, limit=LIMIT))),
        Sweep("alerts.expired", 600, in_parts(lambda now: forget_alerts(now=now))),
    ]


def in_parts(part: Callable[[datetime], int]) -> Callable[[datetime], int]:
    """Repeat a sweep whose part is full, so that a backlog is gone after one round."""

    def whole(now: datetime) -> int:
        count, end = 0, time.monotonic() + LONGEST_ROUND
        for _ in range(MOST_PARTS):
            done = part(now)
            count += done
            if done < LIMIT or time.monotonic() > end:
                break
        return count

    return whole
