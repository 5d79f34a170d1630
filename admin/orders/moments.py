"""What happened to an order, in time: one list out of orders, payments, the books, deliveries, messages and deeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin.orders.facts import OrderFacts
from admin.orders.sayings import (
    ACCOUNTS,
    CHANNELS,
    DEEDS,
    GATES,
    MESSAGES,
    MOVES,
    OUTCOMES,
    PROBLEMS,
    SUSPENSE,
    WAYS,
)
from admin.panel import words
from admin.shown import gateway
from bot.texts import mark
from core.money import Money


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened; `colour` is that of a pill: ok, warn, bad or none."""

    at: datetime
    icon: str
    said: str
    detail: str = ""
    colour: str = ""
    code: str = ""  # somebody else's number for it


def moments(facts: OrderFacts) -> list[Moment]:
    """All of them, the first first; what happened at once stays in the order of its causes."""
    told = [
        *_placed(facts),
        *(one for payment in facts.payments for one in _payment(payment)),
        *(one for event in facts.events for one in _event(event)),
        *(one for deed in facts.deeds for one in _deed(deed)),
        *(_moved(one) for one in facts.moved),
        *(one for line in facts.lines for one in _delivery(line)),
        *(_attempt(one) for one in facts.attempts),
        *(_told(one) for one in facts.told),
        *(one for refund in facts.refunds for one in _refund(refund)),
    ]
    return sorted(told, key=lambda one: one.at)


def called(sentences: dict[str, str], code: str | None) -> str:
    """A code in words; itself where it has none."""
    return words().say(sentences[code]) if code in sentences else str(code or "")


def money(row: dict[str, Any], name: str = "amount_minor") -> str:
    """An amount of a row in its currency."""
    return words().money(Money(row[name], row["currency"]))


def _placed(facts: OrderFacts) -> Iterator[Moment]:
    order, say = facts.order, words().say
    risk: dict[str, Any] = next((one["facts"] for one in order["risk"] or [] if "facts" in one), {})
    detail = ""
    if risk:
        stranger = say(mark("a new shopper")) if risk.get("stranger") else say(mark("a known shopper"))
        unpaid, near = risk.get("unpaid_of_shopper", 0), risk.get("unpaid_of_network", 0)
        detail = say(
            mark("Risk: let through. {who}; other unpaid orders: {unpaid}, from the same network: {near}."),
            who=stranger,
            unpaid=unpaid,
            near=near,
        )
    channel = called(CHANNELS, order["channel"])
    yield Moment(order["placed_at"], "receipt-text", say(mark("Placed in {channel}"), channel=channel), detail)
    if order["state"] in {"expired", "cancelled"} and order["ended_at"]:
        ended = say(mark("The time to pay was over")) if order["state"] == "expired" else say(mark("Cancelled"))
        yield Moment(order["ended_at"], "circle-x", ended, say(mark("Its cards went back on the shelf.")), "warn")


def _payment(row: dict[str, Any]) -> Iterator[Moment]:
    say, amount = words().say, money(row)
    if row["rail"] == "wallet":
        yield Moment(
            row["created_at"], "wallet", say(mark("Paid from the wallet: {amount}"), amount=amount), colour="ok"
        )
    elif row["rail"] == "gateway":
        asked = say(mark("Payment of {amount} begun at {gateway}"), amount=amount, gateway=gateway(row["gateway"]))
        yield Moment(row["created_at"], "credit-card", asked)


def _event(row: dict[str, Any]) -> Iterator[Moment]:
    say, amount = words().say, money(row)
    if row["kind"] == "refunded":
        said = say(mark("{gateway} says that {amount} went back"), gateway=gateway(row["gateway"]), amount=amount)
    else:
        said = say(mark("{gateway} says that {amount} came"), gateway=gateway(row["gateway"]), amount=amount)
    is_aside = row["booked_to"] == "suspense"
    detail = called(SUSPENSE, row["reason"]) if is_aside else ""
    yield Moment(row["received_at"], "credit-card", said, detail, "warn" if is_aside else "ok", row["external_id"])
    if row["resolved_at"]:
        became = {
            "order": mark("Decided: it pays the order"),
            "wallet": mark("Decided: into the wallet"),
            "refund": mark("Decided: back to its source"),
        }
        yield Moment(row["resolved_at"], "check", called(became, row["resolution"]))


def _moved(row: dict[str, Any]) -> Moment:
    source, target = (_account(row, side) for side in ("from", "to"))
    said = words().say(mark("{amount} from {source} to {target}"), amount=money(row), source=source, target=target)
    return Moment(row["at"], "arrow-right-left", said, called(MOVES, row["code"]))


def _account(row: dict[str, Any], side: str) -> str:
    kind, whose = row[f"{side}_kind"], row[f"{side}_whose"]
    return called(ACCOUNTS, f"{kind}.{whose}" if f"{kind}.{whose}" in ACCOUNTS else whose or kind)


def _delivery(row: dict[str, Any]) -> Iterator[Moment]:
    say, what = words().say, f"{row['listing_code']} × {row['quantity']}"
    if row["delivered_at"]:
        tries = say(mark("at try {number}"), number=row["attempts"]) if row["attempts"] > 1 else ""
        yield Moment(row["delivered_at"], "package", say(mark("Delivered: {what}"), what=what), tries, "ok")
    elif row["delivery"] in {"unknown", "waiting", "failed"} and row["last_problem"]:
        problem = called(GATES if row["last_problem"] in GATES else PROBLEMS, row["last_problem"])
        tries = say(mark("Tries so far: {count}"), count=row["attempts"])
        yield Moment(row["created_at"], "triangle-alert", f"{what}: {problem}", tries, "warn")


def _deed(row: dict[str, Any]) -> Iterator[Moment]:
    known = DEEDS.get(row["action"])
    if known is None:
        return
    icon, sentence, colour = known
    say, detail = words().say, row["detail"] or {}
    reason = str(detail.get("reason") or detail.get("reasons") or "")
    parts = [called(SUSPENSE | GATES | PROBLEMS, one) for one in reason.split(", ") if one]
    if row["actor_kind"] in {"staff", "operator"} and not row["action"].startswith("cards.opened"):
        parts.insert(0, row["who"] or say(mark("the platform")))
    if detail.get("amount_minor") and detail.get("delivered") is True:
        parts.append(say(mark("the shopper keeps the cards")))
    yield Moment(row["at"], icon, say(sentence), " · ".join(parts), colour)


def _attempt(row: dict[str, Any]) -> Moment:
    say, is_sent = words().say, row["outcome"] == "sent"
    told = called(MESSAGES, row["told"]) if row["told"] else say(mark("the cards"))
    said = say(mark("{told}: sent by {way}"), told=told, way=called(WAYS, row["way"]))
    if not is_sent:
        said = say(mark("{told}: not taken by {way}"), told=told, way=called(WAYS, row["way"]))
    detail = "" if is_sent else " · ".join(filter(None, (called(OUTCOMES, row["outcome"]), row["problem"])))
    return Moment(row["at"], "send-horizontal", said, detail, "" if is_sent else "warn")


def _told(row: dict[str, Any]) -> Moment:
    said = words().say(mark("Told in the chat: {told}"), told=called(MESSAGES, row["kind"]))
    waits = {"ready": mark("on its way"), "waiting": mark("the chat takes nothing now"), "refused": mark("not taken")}
    return Moment(
        row["created_at"], "message-square", said, called(waits, row["state"]) if row["state"] in waits else ""
    )


def _refund(row: dict[str, Any]) -> Iterator[Moment]:
    say, amount = words().say, money(row)
    if row["to_wallet"]:
        said = say(mark("{amount} back into the wallet"), amount=amount)
        yield Moment(row["ended_at"] or row["created_at"], "undo-2", said, called(SUSPENSE, row["reason"]), "ok")
        return
    asked = say(mark("{amount} to go back to its source"), amount=amount)
    yield Moment(row["created_at"], "undo-2", asked, called(SUSPENSE, row["reason"]))
    if row["state"] == "succeeded" and row["ended_at"]:
        yield Moment(
            row["ended_at"], "undo-2", say(mark("{amount} went back to its source"), amount=amount), colour="ok"
        )
    elif row["state"] == "failed" and row["ended_at"]:
        said = say(mark("The gateway gives {amount} not back: it goes into the wallet"), amount=amount)
        yield Moment(row["ended_at"], "undo-2", said, colour="warn")
