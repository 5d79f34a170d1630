"""What a person must see, told where the operator reads: one message for all open alerts of a kind.

The addresses (apprise's) carry tokens, so they are secrets; the library's own log lines would repeat them and are off.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.config import Config, ConfigError
from core.messages.alerts import Alert, AlertKind, end_alerts, give_back_alerts, take_alerts
from core.secret import Secret

AGAIN_AFTER = timedelta(minutes=1)
"""An alert that nobody took is tried again after this."""

MOST_NAMED = 10
"""How many subjects one message names; of the rest it tells the number."""

TITLES = {
    AlertKind.FORGED_WORK: "Somebody else wrote into the queue",
    AlertKind.DELIVERY_HELD: "A paid order waits for a person",
    AlertKind.LINE_REFUNDED: "Paid goods could not be replaced, the money goes back",
    AlertKind.VAULT_AWAY: "The vault does not answer, paid orders wait",
    AlertKind.CHANNEL_MISCONFIGURED: "A channel does not work until you mend it",
    AlertKind.CHANNEL_BLOCKED: "A platform limits or has closed an account",
    AlertKind.MESSAGE_REFUSED: "A message was refused",
    AlertKind.EVENT_LOST: "A message of a person could not be taken in",
    AlertKind.AUDIT_BROKEN: "Somebody changed the audit, or an older backup was loaded",
    AlertKind.CARDS_CONTESTED: "Two parties brought the same cards",
    AlertKind.SUPPLIER_TROUBLE: "A supplier does not bring what it sold",
    AlertKind.REFUND_UNKNOWN: "A refund has no certain end",
}

MENDS = {
    AlertKind.FORGED_WORK: "Someone holds a database login: change the logins, look at the audit (queue.forged).",
    AlertKind.DELIVERY_HELD: "`python run.py review` says why, and lets it go on.",
    AlertKind.LINE_REFUNDED: "Their batch was recalled, or the cards ended: bring new stock; `trace` shows the order.",
    AlertKind.VAULT_AWAY: "Look whether the vault process runs; `python run.py doctor` names the defect.",
    AlertKind.CHANNEL_MISCONFIGURED: "`python run.py doctor` tries each login and names the mend.",
    AlertKind.CHANNEL_BLOCKED: "Look into the account at the platform.",
    AlertKind.MESSAGE_REFUSED: "The shopper finds the cards in the order all the same; the order shows the attempt.",
    AlertKind.EVENT_LOST: "A defect: the log of the bot process has the error id; the other messages go on.",
    AlertKind.AUDIT_BROKEN: "`python run.py audit verify` names the first entry; then see the runbook.",
    AlertKind.CARDS_CONTESTED: "`python run.py contested list` shows whose they are; the earlier ones stay on sale.",
    AlertKind.SUPPLIER_TROUBLE: "`python run.py supplier show CODE` names the requests; what is missing is paid back.",
    AlertKind.REFUND_UNKNOWN: "Look it up at the gateway by its number; it is asked again every hour.",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """How many of the addresses took a message."""

    taken: int
    asked: int


class Alerts:
    """The operator's addresses. Raises ConfigError for one that apprise does not understand; it is named by its place.

    Used by the worker outside any transaction; a thread is kept for some seconds per address at most.
    """

    def __init__(self, addresses: Sequence[Secret], *, shop: str, zone: str = "UTC") -> None:
        from apprise import Apprise

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._shop = shop
        self._zone = ZoneInfo(zone)
        self._targets = []
        for place, address in enumerate(addresses):
            target = Apprise()
            if not target.add(address.reveal().decode()):
                raise ConfigError(f"alerts.urls[{place}] is no address that apprise knows: see its list of services")
            self._targets.append(target)

    def __bool__(self) -> bool:
        return bool(self._targets)

    def send(self, kind: AlertKind, text: str) -> Told:
        """Tell all addresses; one that fails stops no other."""
        from apprise import NotifyType

        taken = 0
        for place, target in enumerate(self._targets):
            title = f"{self._shop}: {TITLES[kind]}"
            if target.notify(body=text, title=title, notify_type=NotifyType.WARNING):
                taken += 1
            else:
                log.warning("an alert was not taken", kind=kind.value, place=place)
        return Told(taken, len(self._targets))

    def tell(self, alert_id: UUID, *, now: datetime) -> int:
        """Work: tell all open alerts of this one's kind together; returns how many were told.

        Told means that one address took it. Nothing is told twice within the quiet time of its kind.
        """
        if not self._targets:
            return 0
        waiting = take_alerts(alert_id=alert_id, now=now)
        if not waiting:
            return 0
        told = self.send(waiting[0].kind, self.worded(waiting))
        if not told.taken:
            give_back_alerts(alerts=waiting, now=now, wait=AGAIN_AFTER)
            return 0
        end_alerts(alerts=waiting, now=now)
        return len(waiting)

    def worded(self, alerts: Sequence[Alert]) -> str:
        """The lines of one message: what, how often, since when, and how it is mended."""
        lines = [self._line(alert) for alert in alerts[:MOST_NAMED]]
        if len(alerts) > MOST_NAMED:
            lines.append(f"… and {len(alerts) - MOST_NAMED} more")
        return "\n".join([*lines, MENDS[alerts[0].kind]])

    def _line(self, alert: Alert) -> str:
        details = ", ".join(f"{name} {value}" for name, value in sorted(alert.detail.items()))
        times = f" ({alert.seen} times)" if alert.seen > 1 else ""
        at = alert.first_at.astimezone(self._zone)
        return f"{at:%Y-%m-%d %H:%M} {alert.subject}{f': {details}' if details else ''}{times}"


def alerts_of(config: Config) -> Alerts:
    """The settings [alerts]; without addresses nothing is told. Raises ConfigError."""
    addresses = [config.given_secret(reference) for reference in config.alerts.urls]
    return Alerts(addresses, shop=config.store.name, zone=config.store.timezone)
