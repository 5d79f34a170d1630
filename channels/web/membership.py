"""How pages speak of an order that buys a membership: no card comes of it, and the chat says until when it lasts."""

from __future__ import annotations

from dataclasses import replace

from bot.texts import mark
from channels.web.bill import LOOKS, Kind, Look

MEMBERSHIP = Kind(
    mark("Order"),
    mark("Amount"),
    mark("Someone else may pay on this page. The membership is for whoever ordered it in the chat."),
    {
        **LOOKS,
        "paid": Look("ok", "circle-check", mark("Paid"), mark("Thank you. The membership begins in a moment.")),
        "delivered": Look(
            "ok", "circle-check", mark("Paid"), mark("The membership is active. “member” in the chat shows until when.")
        ),
    },
    is_counted=True,
)

OWN_MEMBERSHIP = replace(MEMBERSHIP, notice="")
"""The same on its follower's own page, on which nobody else pays."""
