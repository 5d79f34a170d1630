"""Payments in Stars: invoices and links to them, the ten seconds before a checkout, refunds, the statement."""

from typing import Any

from tests.doubles.telegram.errors import ApiError, bad_request
from tests.doubles.telegram.methods.messages import TOO_OLD, send, shown
from tests.doubles.telegram.world import BotAccount, Person, World

LINK = "https://t.me/$"
MONTH = 2592000
PAYMENT = ("currency", "total_amount", "invoice_payload", "telegram_payment_charge_id", "provider_payment_charge_id")


def send_invoice(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """sendInvoice: a message with a Pay button."""
    invoice = {
        "title": values["title"], "description": values["description"],
        "start_parameter": values.get("start_parameter", ""), "currency": "XTR",
        "total_amount": values["prices"][0]["amount"],
    }  # fmt: skip
    rows = (values.get("reply_markup") or {}).get("inline_keyboard")
    pay = [[{"text": f"Pay ★{invoice['total_amount']}", "pay": True}]]
    message = send(world, bot, values | {"reply_markup": {"inline_keyboard": rows or pay}}, {"invoice": invoice})
    world.invoices[f"{bot.id}:{message['chat']['id']}:{message['message_id']}"] = values
    return message


def create_link(world: World, bot: BotAccount, values: dict[str, Any]) -> str:
    """createInvoiceLink."""
    slug = f"{bot.username}{world.number():06d}"
    world.invoices[slug] = values | {"_bot": bot.id}
    world.signal.notify()
    return LINK + slug


def answer_checkout(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """answerPreCheckoutQuery: once, within ten seconds."""
    query = world.queries.get(values["pre_checkout_query_id"])
    late = query is None or world.now() - query["asked_at"] > world.checkout_seconds
    if query is None or late or query["kind"] != "checkout" or query["bot"] != bot.id or query["answer"] is not None:
        raise bad_request(TOO_OLD)
    query["answer"] = {"ok": values["ok"], "error": values.get("error_message")}
    world.signal.notify()
    return True


def charge(world: World, bot: BotAccount, person: Person, invoice: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """Move the Stars, tell the bot, and return the charge. `extra` are the fields of subscriptions."""
    amount = invoice["prices"][0]["amount"]
    number = world.number()
    ids = f"stx{bot.id}_{person.id}_{number}", f"{person.id}_{number}"
    payment: dict[str, Any] = dict(zip(PAYMENT, ("XTR", amount, invoice["payload"], *ids), strict=True))
    if "subscription_period" in invoice and not extra:
        extra = {"is_first_recurring": True}
    if extra:
        payment |= {"subscription_expiration_date": int(world.now()) + MONTH, "is_recurring": True, **extra}
    person.stars -= amount
    bot.stars += amount
    made = {
        "bot": bot.id, "person": person.id, "payment": payment, "invoice": invoice, "refunded": False, "canceled": False
    }  # fmt: skip
    world.charges[payment["telegram_payment_charge_id"]] = made
    _book(world, bot, person, payment, "source")
    message = world.post(bot, person, person.user(), {"successful_payment": payment})
    bot.mailbox.put("message", shown(message))
    world.signal.notify()
    return payment


def _book(world: World, bot: BotAccount, person: Person, payment: dict[str, Any], side: str) -> None:
    partner = {
        "type": "user", "transaction_type": "invoice_payment", "user": person.user(),
        "invoice_payload": payment["invoice_payload"],
    }  # fmt: skip
    entry = {"id": payment["telegram_payment_charge_id"], "amount": payment["total_amount"], "date": int(world.now())}
    world.transactions.setdefault(bot.id, []).append(entry | {side: partner})


def _charge_of(world: World, bot: BotAccount, values: dict[str, Any]) -> dict[str, Any]:
    made = world.charges.get(values["telegram_payment_charge_id"])
    if made is None or made["bot"] != bot.id or made["person"] != values["user_id"]:
        raise ApiError(400, "Bad Request: CHARGE_NOT_FOUND")
    return made


def refund(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """refundStarPayment: all of it, once; the person's chat and the bot are told."""
    made = _charge_of(world, bot, values)
    if made["refunded"]:
        raise ApiError(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    made["refunded"] = True
    person, payment = world.people[made["person"]], made["payment"]
    person.stars += payment["total_amount"]
    bot.stars -= payment["total_amount"]
    _book(world, bot, person, payment, "receiver")
    told = {name: payment[name] for name in PAYMENT}
    message = world.post(bot, person, bot.user(), {"refunded_payment": told})
    bot.mailbox.put("message", shown(message))
    world.signal.notify()
    return True


def edit_subscription(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """editUserStarSubscription: stop or resume the renewals."""
    made = _charge_of(world, bot, values)
    if "subscription_period" not in made["invoice"]:
        raise ApiError(400, "Bad Request: CHARGE_NOT_FOUND")
    made["canceled"] = values["is_canceled"]
    return True


def transactions(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """getStarTransactions, oldest first."""
    offset, limit = values.get("offset", 0), values.get("limit", 100)
    return {"transactions": world.transactions.get(bot.id, [])[offset : offset + limit]}


def balance(_world: World, bot: BotAccount, _values: dict[str, Any]) -> Any:
    """getMyStarBalance."""
    return {"amount": bot.stars}


METHODS = {
    "sendInvoice": send_invoice, "createInvoiceLink": create_link, "answerPreCheckoutQuery": answer_checkout,
    "refundStarPayment": refund, "editUserStarSubscription": edit_subscription,
    "getStarTransactions": transactions, "getMyStarBalance": balance,
}  # fmt: skip
