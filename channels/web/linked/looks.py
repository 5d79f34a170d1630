"""How a follower's own page speaks of an order: the cards are on the page itself, and nobody else may see it."""

from __future__ import annotations

from bot.texts import mark
from channels.web.bill import LOOKS, Kind, Look

SHOWS_CARDS = frozenset({"paid", "part_delivered", "delivered"})
"""States in which cards can be asked for; while they are on their way, the page that waits gets them by itself."""

OWN = Kind(
    mark("Order"),
    mark("Amount"),
    "",
    {
        **LOOKS,
        "paid": Look("ok", "circle-check", mark("Paid"), mark("Thank you. Your cards are on their way to this page.")),
        "delivered": Look("ok", "circle-check", mark("Paid and delivered"), mark("Your cards are ready.")),
        "part_delivered": Look(
            "ok", "package", mark("Partly delivered"), mark("Some of your cards are ready, the rest follows.")
        ),
        "in_review": Look(
            "warn",
            "shield-check",
            mark("Paid, under review"),
            mark("The payment is in and your money is safe. A person looks at this order before it goes out."),
        ),
    },
    is_counted=True,
)

LATE = Look(
    "warn",
    "clock",
    mark("Your payment came too late"),
    mark("The goods are sold out, but your money is safe: a refund, or other goods? After 24 hours it goes back."),
)
