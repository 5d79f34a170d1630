"""What the checkout page says about one order: amounts, time left and state in words; never a card or a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.texts import Texts, mark
from core.money import Money


@dataclass(frozen=True)
class Line:
    """One order line as it was frozen: a name, a unit price, a count, their sum."""

    name: str
    each: Money
    quantity: int
    sum: Money


@dataclass(frozen=True)
class Debt:
    """One order as its payer may see it (times UTC and aware)."""

    number: str  # public id of the order or of the payment
    status: str  # what people see: awaiting_payment, paying, paid, delivered, …
    total: Money
    lines: tuple[Line, ...]
    discounts: tuple[tuple[str, Money], ...] = ()  # what was taken off, and why
    placed: datetime | None = None
    deadline: datetime | None = None


@dataclass(frozen=True)
class Look:
    """How one state is shown; the texts are message ids."""

    tone: str
    icon: str
    state: str
    explanation: str = ""
    next_step: str = mark("Back to the chat")


LOOKS: dict[str, Look] = {
    "awaiting_payment": Look("warn", "clock", mark("Waiting for payment")),
    "paying": Look("warn", "clock", mark("Payment is being confirmed")),
    "in_review": Look(
        "warn",
        "shield-check",
        mark("Paid, under review"),
        mark("The payment is in. A person looks at this order before it goes out; the shop tells you in the chat."),
    ),
    "paid": Look(
        "ok",
        "circle-check",
        mark("Paid"),
        mark("Thank you. The cards are on their way to the chat that ordered."),
        mark("Get the cards in the chat"),
    ),
    "delivered": Look(
        "ok",
        "circle-check",
        mark("Paid and delivered"),
        mark("The cards are in the chat that ordered."),
        mark("Get the cards in the chat"),
    ),
    "part_delivered": Look(
        "ok",
        "package",
        mark("Partly delivered"),
        mark("Some of the cards are in the chat that ordered, the rest follows there."),
        mark("Get the cards in the chat"),
    ),
    "topped_up": Look(
        "ok",
        "circle-check",
        mark("Paid"),
        mark("Thank you. The money is in the wallet of the chat that asked for it."),
    ),
    "refunded": Look("", "undo-2", mark("Refunded"), mark("The money went back. Nothing more is to be done here.")),
    "expired": Look(
        "bad",
        "clock",
        mark("The time to pay is over"),
        mark(
            "Nothing was charged. If you paid all the same, the shop gives you the goods or the money back by itself."
        ),
        mark("Order again in the chat"),
    ),
    "cancelled": Look(
        "bad",
        "circle-x",
        mark("Cancelled"),
        mark(
            "Nothing was charged. If you paid all the same, the shop gives you the goods or the money back by itself."
        ),
        mark("Order again in the chat"),
    ),
}

TOP_UP_LOOKS: dict[str, Look] = {
    **LOOKS,
    "in_review": Look(
        "warn",
        "shield-check",
        mark("Paid, under review"),
        mark("The payment is in. A person looks at it before it goes to the wallet; the shop tells you in the chat."),
    ),
    "expired": Look(
        "bad",
        "clock",
        mark("The time to pay is over"),
        mark(
            "Nothing was charged. If you paid all the same, the shop tells you in the chat what becomes of the money."
        ),
    ),
}
"""A top-up brings money, not cards: where that matters it has sentences of its own."""

OPEN = frozenset({"awaiting_payment", "paying"})
SETTLED = frozenset({"in_review", "paid", "delivered", "part_delivered", "topped_up"})


@dataclass(frozen=True)
class Kind:
    """How a page speaks of what is paid on it; the texts are message ids."""

    number: str
    amount: str
    notice: str
    looks: dict[str, Look]
    is_counted: bool  # whether its lines are so many of something at a price each


ORDER = Kind(
    mark("Order"),
    mark("Amount"),
    mark("Someone else may pay on this page. Cards are never shown here, only in the chat that ordered."),
    LOOKS,
    is_counted=True,
)
TOP_UP = Kind(
    mark("Payment number"),
    mark("Top-up amount"),
    mark("Someone else may pay on this page. The money goes to the wallet of the chat that asked for it."),
    TOP_UP_LOOKS,
    is_counted=False,
)


@dataclass(frozen=True)
class Way:
    """One way to pay: a form that posts to us. `button` is the name of its button."""

    name: str
    hint: str
    icon: str
    action: str
    button: str
    hidden: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What went wrong with the last press of the button."""

    text: str
    error_id: str


def clock_face(milliseconds: int) -> str:
    """Minutes and seconds as on a clock: 61,000 is 1:01."""
    seconds = -(-max(0, milliseconds) // 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _milliseconds(at: datetime | None) -> int:
    return int(at.timestamp() * 1000) if at else 0


def _clock(debt: Debt, now: datetime) -> dict[str, object]:
    left = max(0, _milliseconds(debt.deadline) - _milliseconds(now)) if debt.deadline else 0
    return {
        "deadline_ms": _milliseconds(debt.deadline),
        "now_ms": _milliseconds(now),
        "span_ms": max(1, _milliseconds(debt.deadline) - _milliseconds(debt.placed or now)),
        "left_ms": left,
        "left": clock_face(left),
    }


def _amount_label(kind: Kind, status: str) -> str:
    if status in SETTLED:
        return mark("Amount paid")
    return mark("To pay") if status in OPEN else kind.amount


def bill(
    words: Texts,
    debt: Debt,
    *,
    now: datetime,
    chat_url: str,
    live_url: str,
    ways: list[Way],
    kind: Kind = ORDER,
    trouble: Trouble | None = None,
) -> dict[str, object]:
    """The values of the checkout template."""
    look = kind.looks[debt.status]
    sums = [{"label": why, "amount": words.money(amount), "is_total": False} for why, amount in debt.discounts]
    return {
        "number": debt.number,
        "number_label": words.say(kind.number),
        "notice": words.say(kind.notice),
        "state": debt.status,
        "is_open": debt.status in OPEN,
        "tone": look.tone,
        "icon": look.icon,
        "state_text": words.say(look.state),
        "explanation": words.say(look.explanation),
        "next_step": words.say(look.next_step),
        "amount_label": words.say(_amount_label(kind, debt.status)),
        "total": words.money(debt.total),
        "lines": [
            {
                "name": line.name,
                "count": f"{words.money(line.each)} × {line.quantity}" if kind.is_counted else "",
                "sum": words.money(line.sum),
            }
            for line in debt.lines
        ],
        "sums": [*sums, {"label": words.say("Total"), "amount": words.money(debt.total), "is_total": True}],
        **_clock(debt, now),
        "chat_url": chat_url,
        "live_url": live_url,
        "gateways": ways,
        "trouble": trouble,
        "fields": (),
        "fields_missing": False,
    }
