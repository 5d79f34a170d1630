"""What somebody tries who has not the bank's key: notices of payments that were not made, and old ones once more."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from core.ports import RawNotice
from tests.simulator.day import Day
from tests.simulator.judge import found
from tests.simulator.shopping import receive


def forge(day: Day) -> None:
    """Somebody without the bank's key says that a payment was paid; or repeats an old notice, byte for byte."""
    intent, old = day.pick(day.intents), day.pick(day.old_notices)
    way = day.choice.randrange(4)
    if intent is None or old is None:
        return
    charge, raw = old
    if way == 0:
        day.note(f"an old notice of charge {charge.number} is repeated")
        is_old = abs((day.clock.now() - _said_at(raw)).total_seconds()) > 300
        answered = receive(day, charge.account, raw)
        found(answered in ({401, None} if is_old else {200, None}), f"a repeated notice was answered {answered}")
        return
    day.note(f"a forged notice for payment {intent.number}")
    forged = raw.body.replace(str(charge.payment).encode(), str(intent.payment).encode())
    if way == 1:
        forged = raw.body.replace(b'"amount_minor":', b'"amount_minor":1')
    account = charge.account
    if way == 2:
        forged, account = raw.body, next(one.opaque_id for one in day.town.accounts if one.opaque_id != charge.account)
    answered = receive(day, account, RawNotice(forged, raw.headers)) if forged != raw.body or way == 2 else 401
    found(answered in (401, None), f"a forged notice was answered {answered}")


def _said_at(raw: RawNotice) -> datetime:
    return datetime.fromtimestamp(json.loads(raw.body)["at"], UTC)
