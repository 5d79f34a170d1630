"""The same sentences for a chat without buttons, and for one without prices: which is said instead of which.

The keys are message ids that the screens say, or that the table before leads to; a sentence that is not here is right
as it is. Amounts have no sentences here: their lines are left out (`Texts.money_row`, `Texts.price`).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.manner import Manner
from bot.texts import mark

NUMBERED: Mapping[str, str] = {
    "Tap below, or just write: “search video”, “buy A1 2”.": mark(
        "Send a number, or just write: “search video”, “buy A1 2”."
    ),
    "Tap an item to see it.": mark("Send a number to see the item."),
    "Please confirm your order": mark("Please check your order"),
    "As soon as you have paid, your cards arrive in this chat.": mark(
        "Once it is paid, the page shows your cards; “cards” brings them here."
    ),
    "in this chat, seconds after payment": mark("on the page, seconds after payment; “cards” brings it here"),
    "Your payment is in. The cards arrive in this chat in a moment.": mark(
        "Your payment is in. Send “cards” in a moment to get them."
    ),
    "Your cards are in this chat. Send “cards” to see them again.": mark("Send “cards” to see your cards."),
    "Your code is being checked, the cards appear right below.": mark(
        "Your code is being checked: send “cards” in a moment to get them."
    ),
    "Your cards are on their way and appear right below.": mark("Working on it: reply “cards” to see the result."),
    "No cards have been delivered to you in this shop yet. An order that is paid shows its cards here.": mark(
        "No cards have been delivered to you in this shop yet. Once an order is paid, “cards” brings them."
    ),
    "Nothing is lost: they arrive here as soon as they can.": mark("Nothing is lost: send “cards” a little later."),
    "They appear here in a moment.": mark("Send “cards” in a moment to get them."),
    "All right, your money goes back the way you paid. You hear from us here when it is done.": mark(
        "All right, your money goes back to where it came from. “orders” shows when it is done."
    ),
    "Your payment is in and your money is safe. You hear from us here.": mark(
        "Your payment is in and your money is safe. “orders” shows how it stands."
    ),
    "As soon as you have paid, you are a member; this chat tells you until when.": mark(
        "Once it is paid, you are a member; “member” shows until when."
    ),
    "Your payment is in. This chat tells you until when you are a member.": mark(
        "Your payment is in. Send “member” in a moment to see until when."
    ),
    "This chat tells you until when it lasts.": mark("Send “member” to see until when it lasts."),
    "This button is not valid any more.": mark("This choice is not valid any more."),
    "It pays for orders in this shop with one tap, and is not for other shops.": mark(
        "It is for orders in this shop, and not for other shops."
    ),
    "Next time you can pay with one tap.": mark("You can use it for your next order."),
}
"""Without buttons: numbers instead of taps, and cards are asked for instead of arriving."""

QUIET: Mapping[str, str] = {
    "Send a number, or just write: “search video”, “buy A1 2”.": mark(
        "Send a number, or just write: “search video”, “A1 2”."
    ),
    "Once it is paid, the page shows your cards; “cards” brings them here.": mark(
        "The page then shows your cards; “cards” brings them here."
    ),
    "on the page, seconds after payment; “cards” brings it here": mark(
        "on the page, within seconds; “cards” brings it here"
    ),
    "Your payment is in. Send “cards” in a moment to get them.": mark(
        "Your order is in. Send “cards” in a moment to get them."
    ),
    "No cards have been delivered to you in this shop yet. Once an order is paid, “cards” brings them.": mark(
        "No cards have been delivered to you in this shop yet. Once there are some, “cards” brings them."
    ),
    "Your payment is in and your money is safe. “orders” shows how it stands.": mark(
        "Your order is in and your money is safe. “orders” shows how it stands."
    ),
    "Once it is paid, you are a member; “member” shows until when.": mark(
        "You are a member then; “member” shows until when."
    ),
    "Your payment is in. Send “member” in a moment to see until when.": mark(
        "Your order is in. Send “member” in a moment to see until when."
    ),
    "The shop has cancelled your unpaid order.": mark("The shop has cancelled your open order."),
    "What you have paid for stays yours, and your wallet's money too.": mark("What you have ordered stays yours."),
    "Paid, your membership begins in a moment": mark("Your membership begins in a moment"),
    "It begins as soon as you have paid.": mark("It begins at once."),
    "Buy": mark("Order it"),
    "I have paid": "Look again",
    "Pay {amount}": mark("Open the order"),
    "Pay before": mark("Open until"),
    "Time of payment": mark("Accepted"),
    "Top up your wallet": "Your wallet",
    "Once you have paid, it is in your wallet in a moment.": mark("It is in your wallet in a moment."),
    "Check it once more. If you paid from another account, ask the shop and name the number.": mark(
        "Check it once more. If it was another account of yours, ask the shop and name the number."
    ),
    "Coupons have not opened in this shop yet; the price you see is the price you pay.": mark(
        "Coupons have not opened in this shop yet."
    ),
    "If you have paid, your money is safe: it goes back to you, or buys other goods if you prefer.": mark(
        "Your money is safe: it goes back to you, or gets you other goods if you prefer."
    ),
    "It shows in your payment account at once or within a few days.": mark("It arrives at once or within a few days."),
    "No payment has reached us yet. We are asking now; a payment shows within seconds.": mark(
        "It is not finished yet. We are asking now; it shows within seconds."
    ),
    "Nothing has been paid yet.": mark("It is not finished yet."),
    "Nothing was charged.": mark("Your money is untouched."),
    "Nothing was charged. If you have paid after all, you get your goods or your money back.": mark(
        "Your money is untouched. If any was taken after all, you get your goods or your money back."
    ),
    "Nothing was charged, the cards went back on the shelf.": mark(
        "Your money is untouched, the cards went back on the shelf."
    ),
    "Nothing was ordered or charged.": mark("Nothing was ordered, your money is untouched."),
    "No further order was placed and nothing was charged.": mark(
        "No further order was placed, your money is untouched."
    ),
    "Your wallet does not hold enough for this order.": mark("There is not enough in your wallet for this order."),
    "Order expired unpaid": mark("Order expired"),
    "expired unpaid": mark("expired"),
    "Order waiting for payment": mark("Order not finished yet"),
    "waiting for payment": mark("not finished"),
    "paid, on its way": mark("on its way"),
    "Order {number} ({goods}) is paid, its cards are on their way.": mark(
        "Order {number} ({goods}): its cards are on their way."
    ),
    "Order {number} ({goods}) is paid, the shop checks it first; your money is safe.": mark(
        "Order {number} ({goods}): the shop checks it first; your money is safe."
    ),
    "Paid, your cards are on their way": mark("Your cards are on their way"),
    "Pay for one of them or cancel it, then order again.": mark("Finish one of them or cancel it, then order again."),
    "Please look at the new price and confirm again.": mark("Please look at it again and confirm."),
    "Please pay another way.": mark("Please choose another way on the page."),
    "Please try again in a few minutes: what is not paid for becomes free.": mark(
        "Please try again in a few minutes: what nobody takes becomes free."
    ),
    "So that everyone gets a chance, only part of the stock can be reserved before it is paid for.": mark(
        "So that everyone gets a chance, only part of the stock can be reserved at once."
    ),
    "The last of {code} are reserved by other shoppers who are about to pay.": mark(
        "The last of {code} are reserved by other shoppers."
    ),
    "The price of {code} has changed.": mark("{code} has changed."),
    "An order of that account that is not paid yet keeps money of your wallet aside.": mark(
        "An order of that account that is not finished yet keeps money of your wallet aside."
    ),
    "Pay for that order or cancel it, then unlink.": mark("Finish that order or cancel it, then unlink."),
    "The price was updated": mark("This item was updated"),
    "There is no unpaid order to cancel. Nothing was charged.": mark(
        "There is no open order to cancel, your money is untouched."
    ),
    "This order can no longer be paid.": mark("This order is closed."),
    "This order can no longer be paid: {state}.": mark("This order is closed: {state}."),
    "This shop has no way to pay switched on right now.": mark("This shop takes no orders right now."),
    "Too many unpaid orders come from your network right now.": mark(
        "Too many unfinished orders come from your network right now."
    ),
    "Which one? Send the code and how many, for example “buy A1 2”. You find the code on each item.": mark(
        "Which one? Send the code and how many, for example “A1 2”. You find the code on each item."
    ),
    "You have as many unpaid orders as one may have ({limit}).": mark(
        "You have as many unfinished orders as one may have ({limit})."
    ),
    "Your order has expired: it was not paid in time.": mark("Your order has expired: it was not finished in time."),
    "Your order is placed, waiting for payment": mark("Your order is placed, open the page to go on"),
    "Your payment came too late for this order": mark("Your money came after this order had ended"),
    "Your payment is in. The shop checks this order first; your money is safe.": mark(
        "Your order is in. The shop checks it first; your money is safe."
    ),
    "Your wallet now holds {amount}. Choose what you like and pay with it.": mark(
        "The money is in your wallet. Choose what you like and use it."
    ),
    "The goods are sold out, but your money is safe. Would you like it back, or other goods for it?"
    " If we do not hear from you within 24 hours, it goes back the way you paid.": mark(
        "The goods are sold out, but your money is safe. Would you like it back, or other goods for it?"
        " If we do not hear from you within 24 hours, it goes back to where it came from."
    ),
    "buy A1 2": mark("A1 2"),
    "two of A1; “A1 2” and “A1*2” do the same": mark("two of A1; “A1*2” does the same"),
    "give up an unpaid order": mark("give up an unfinished order"),
    "your balance, and topping it up": mark("your wallet, on its page"),
    "{amount} is in your wallet": mark("Your money is in your wallet"),
    "{amount} went back the way you paid": mark("Your money went back to where it came from"),
    "Open the link to pay, within {minutes} min; it is for you alone.": mark(
        "Open the link to go on, within {minutes} min; it is for you alone."
    ),
}
"""Without prices: no amounts, and no words for paying, prices or topping up (`ios_rule` of chat.md)."""


def by_number(*, shows_prices: bool) -> Manner:
    """The manner of a chat without buttons, as an official account of WeChat is."""
    tables = (NUMBERED,) if shows_prices else (NUMBERED, QUIET)
    return Manner(has_buttons=False, shows_prices=shows_prices, wordings=tables)
