"""Codes of the store as an order's page says them; message ids, both languages through the catalogue."""

from __future__ import annotations

from bot.texts import mark

CHANNELS = {
    "web": mark("web chat"),
    "telegram": "Telegram",
    "wechat": mark("WeChat"),
    "app": mark("the shop's app"),
}
WAYS = {
    "telegram": "Telegram",
    "wechat": mark("WeChat"),
    "web": mark("web chat"),
    "chat": mark("another chat"),
    "email": mark("e-mail"),
    "sms": mark("text message"),
}
OUTCOMES = {
    "later": mark("later: the platform asks us to wait"),
    "blocked": mark("this person takes nothing from us there"),
    "no_quota": mark("the platform lets us say nothing until the person writes"),
    "refused": mark("refused by the platform"),
    "unknown": mark("no certain answer, the same is sent again"),
}
MESSAGES = {
    "paid": mark("that it is paid"),
    "cards": mark("the cards"),
    "cards_ready": mark("that the cards are ready"),
    "cards_elsewhere": mark("that the cards are read in another chat"),
    "order_expired": mark("that its time is over"),
    "order_cancelled": mark("that the shop cancelled it"),
    "late_money": mark("the choice about late money"),
    "refunded": mark("that money went back"),
    "in_review": mark("that the shop checks it first"),
    "delivery_delayed": mark("that it takes a little longer"),
    "membership": mark("the membership"),
    "membership_taken_back": mark("that a membership ended"),
}
SUSPENSE = {
    "unknown_payment": mark("It names no payment that we know"),
    "other_account": mark("It came at another gateway account than it was asked at"),
    "other_currency": mark("It came in another currency"),
    "other_amount": mark("It is another amount than was asked"),
    "late": mark("It came late, and the cards were gone"),
    "already_paid": mark("The order was paid already"),
    "order_returned": mark("The order's money had gone back"),
    "already_refunded": mark("Its refund had come first"),
    "line_refunded": mark("Money back for a line"),
    "refunded_outside": mark("The gateway gave it back by itself"),
}
GATES = {
    "over_budget": mark("more cards were opened this hour than usual"),
    "unpaid": mark("the vault found no proof of payment"),
    "order_altered": mark("the order is not as it was placed"),
    "cards_altered": mark("the cards are not those that were claimed"),
    "batch_stopped": mark("its batch is locked or recalled"),
    "broken_card": mark("a card does not open and was set aside"),
    "went_out_before": mark("its cards went out before a restore"),
    "refunded_outside": mark("the gateway gave the money back by itself"),
    "supplier_short": mark("the supplier brought too few"),
    "membership_too_long": mark("the membership would be too long"),
    "membership_taken_back": mark("the membership was taken back"),
    "batch_recalled": mark("its batch was recalled"),
    "cards_expired": mark("its cards had expired"),
    "given_back": mark("given back by the shop"),
}
PROBLEMS = {
    "vault_away": mark("the vault does not answer"),
    "chat_busy": mark("the chat was busy"),
    "closed": mark("the vault is closed"),
    "busy": mark("the vault was busy"),
    "too_often": mark("read too often in this hour"),
    "failed": mark("the vault reported a defect"),
    "unconfirmed": mark("the gateway has not confirmed it yet"),
    "later": mark("later: the platform asks us to wait"),
    "unknown": mark("no certain answer, the same is sent again"),
}
MOVES = {
    "sale": mark("Sale"),
    "to_suspense": mark("Set aside"),
    "from_suspense": mark("Found its place"),
    "hold": mark("Held for the order"),
    "exchanged": mark("Exchanged"),
    "pooled": mark("Parts of one payment join"),
    "release": mark("Held money goes back"),
    "refund": mark("Refund"),
    "refunded_outside": mark("Given back by the gateway"),
    "trade_kept": mark("Paid over the trade account"),
    "traded": mark("Over the trade account"),
    "trade_returned": mark("Back to the trade account"),
    "matured": mark("Can be paid out"),
    "taken_back": mark("Taken back for a refund"),
    "repaid": mark("Repaid"),
    "reconciled": mark("Confirmed by the gateway's bill"),
    "purchase": mark("Cost of own cards"),
    "reversal": mark("Corrected"),
    "top_up": mark("Top-up"),
    "merged": mark("Two accounts became one"),
}
ACCOUNTS = {
    "wallet": mark("the shopper's wallet"),
    "wallet_hold": mark("wallet money held for the order"),
    "world": mark("the gateway"),
    "clearing": mark("money that came in"),
    "suspense": mark("money set aside"),
    "fee": mark("the platform's fee"),
    "exchange": mark("exchange"),
    "stock.own": mark("the cost of the shop's cards"),
    "pending.own": mark("the shop's share"),
    "available.own": mark("what the shop can have paid out"),
    "owed.own": mark("what the shop owes"),
    "trade.own": mark("the shop's trade account"),
    "own": mark("the shop"),
    "platform": mark("the platform"),
    "chain": mark("the supply chain"),
}
DEEDS = {
    "order.paid": ("circle-check", mark("Settled: the money and the cards are the order's"), "ok"),
    "order.released": ("shield-check", mark("Released from review"), "ok"),
    "order.hurried": ("zap", mark("Tried again at once"), ""),
    "line.held_for_review": ("triangle-alert", mark("Waits for a person"), "warn"),
    "line.refunded": ("undo-2", mark("A line could not be delivered: its money goes back"), "warn"),
    "line.given_back": ("undo-2", mark("A line was given back"), "warn"),
    "membership.taken_back": ("undo-2", mark("A membership was taken back"), "warn"),
    "cards.opened": ("key-round", mark("The vault opened the cards for their shopper"), ""),
    "cards.read_again": ("rotate-ccw", mark("The shopper read the cards again"), ""),
    "cards.link_opened": ("external-link", mark("The shopper opened the card page"), ""),
    "cards.picked_up": ("key-round", mark("Picked up with a code"), ""),
    "cards.not_opened": ("lock", mark("The vault did not open the cards"), "bad"),
    "cards.sent_again": ("send-horizontal", mark("The cards were sent again"), ""),
    "fields.opened": ("key-round", mark("The buyer's fields were shown to who holds the task"), ""),
    "task.taken": ("user-round", mark("Somebody took the top-up"), ""),
    "task.given_back": ("undo-2", mark("The top-up was given back"), ""),
    "task.done": ("circle-check", mark("The top-up is done"), "ok"),
    "payment.review": ("triangle-alert", mark("Money waits for a decision"), "warn"),
}

LINE_STATES = {
    "given_back": (mark("given back"), ""),
    "gate_review": (mark("in review"), "warn"),
    "gate_task": (mark("to be topped up by hand"), "warn"),
    "gate_supply": (mark("asked of the supplier"), "warn"),
    "delivery_waiting": (mark("waits"), "warn"),
    "delivery_ready": (mark("about to be delivered"), "warn"),
    "delivery_sending": (mark("being delivered"), "warn"),
    "delivery_unknown": (mark("being tried again"), "warn"),
    "delivery_delivered": (mark("delivered"), "ok"),
    "delivery_failed": (mark("not delivered"), "bad"),
}
"""A line's gate or delivery: what it is called, and what it asks of people."""
WALLET = {
    "top_up": mark("Topped up"),
    "from_suspense": mark("Late money kept"),
    "refund": mark("Money back"),
    "sale": mark("Paid for an order"),
    "pooled": mark("Paid for an order, with other money"),
    "hold": mark("Set aside for an order"),
    "release": mark("Came back from an order"),
    "merged": mark("From another account of the shopper"),
    "trade_kept": mark("Paid for an order"),
}
CARD_STATES = {
    "free": mark("on the shelf"),
    "held": mark("held for an unpaid order"),
    "claimed": mark("sold, not delivered yet"),
    "delivered": mark("delivered"),
    "quarantined": mark("set aside"),
    "withdrawn": mark("taken off"),
    "void": mark("void"),
}
