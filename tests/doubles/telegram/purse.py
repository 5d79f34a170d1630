"""Paying with Stars as the app does it: the bot is asked, has ten seconds, and only then the Stars move."""

from dataclasses import dataclass
from typing import Any

from tests.doubles.telegram.methods.stars import LINK, charge
from tests.doubles.telegram.world import BotAccount, Person, World


@dataclass(frozen=True, slots=True)
class Payment:
    """How an attempt to pay ended; `error` is what the person reads."""

    ok: bool
    charge_id: str | None = None
    error: str | None = None
    amount: int = 0


def pay(world: World, bot: BotAccount, person: Person, invoice: str | int | None) -> Payment:
    """Pay a link's invoice, a message's, or the newest in the chat."""
    with world.lock:
        asked = _invoice(world, bot, person, invoice)
        amount = asked["prices"][0]["amount"]
        if person.stars < amount:
            return Payment(ok=False, error="BALANCE_TOO_LOW", amount=amount)
        query_id = str(5_000_000_000_000 + world.number())
        query: dict[str, Any] = {"kind": "checkout", "bot": bot.id, "asked_at": world.now(), "answer": None}
        world.queries[query_id] = query
        body = {"id": query_id, "from": person.user(), "currency": "XTR", "total_amount": amount}
        bot.mailbox.put("pre_checkout_query", body | {"invoice_payload": asked["payload"]})
        world.signal.notify()

    def is_over() -> bool:
        return query["answer"] is not None or world.now() - query["asked_at"] > world.checkout_seconds

    world.signal.wait_for(is_over, world.checkout_seconds)
    with world.lock:
        answer = query["answer"]
        if answer is None:
            query["asked_at"] = float("-inf")
            return Payment(ok=False, error="BOT_PRECHECKOUT_TIMEOUT", amount=amount)
        if not answer["ok"]:
            return Payment(ok=False, error=answer["error"], amount=amount)
        made = charge(world, bot, person, asked)
        return Payment(ok=True, charge_id=made["telegram_payment_charge_id"], amount=amount)


def _invoice(world: World, bot: BotAccount, person: Person, invoice: str | int | None) -> dict[str, Any]:
    if isinstance(invoice, str):
        found = world.invoices.get(invoice.removeprefix(LINK))
        assert found is not None, f"{invoice} is no link to an invoice"
        return found
    if invoice is None:
        invoice = max((key for key, each in world.messages(bot, person.id).items() if "invoice" in each), default=0)
    found = world.invoices.get(f"{bot.id}:{person.id}:{invoice}")
    assert found is not None, f"there is no invoice in the chat of {person.first_name} with {bot.username}"
    return found


def renew(world: World, person: Person, charge_id: str) -> Payment:
    """The next month of a subscription."""
    with world.lock:
        first = world.charges[charge_id]
        if first["canceled"] or first["refunded"] or "subscription_period" not in first["invoice"]:
            return Payment(ok=False, error="SUBSCRIPTION_ENDED")
        made = charge(world, world.bots[first["bot"]], person, first["invoice"], is_recurring=True)
        return Payment(ok=True, charge_id=made["telegram_payment_charge_id"], amount=made["total_amount"])
