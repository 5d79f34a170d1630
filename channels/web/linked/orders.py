"""An order on its follower's own page: pay it, give it up, decide about late money, see its cards, how to use them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bot.memberships import is_membership
from bot.outbox import line_of
from bot.texts import Texts
from channels.web.asking import TAKES
from channels.web.bill import OPEN, Trouble, Way, bill
from channels.web.checkout import debt_of
from channels.web.door import Door
from channels.web.linked.looks import LATE, OWN, SHOWS_CARDS
from channels.web.linked.visits import Visit
from channels.web.membership import OWN_MEMBERSHIP
from channels.web.till import check_of, gateways_of, state_of
from core.catalog.service import find_listings, product_view
from core.errors import NotFound
from core.fulfilment.fields import asked_fields
from core.ids import Prefix, parse
from core.orders.rules import LineGate, OrderStatus
from core.orders.service import LineView, OrderView, cancel_order, order_view
from core.orders.tokens import pay_token
from core.payments.service import (
    choose_exchange,
    choose_refund,
    pay_from_wallet,
    request_own_sandbox_payment,
    settle_free,
    undecided,
    wallet_balance,
)

WALLET, CANCEL, REFUND, EXCHANGE = "wallet-pay", "cancel", "refund", "exchange"


def named(visit: Visit) -> OrderView:
    """The order that a link names. Raises `NotFound`, also for one that is no longer this follower's."""
    return order_view(actor=visit.actor, order_id=parse(Prefix.ORDER, str(visit.link.params.get("order", ""))))


def values_of(
    door: Door, visit: Visit, view: OrderView, texts: Texts, trouble: Trouble | None = None
) -> dict[str, object]:
    """What the template needs of an order."""
    now = door.shop.clock.now()
    debt = debt_of(view, texts, now)
    ways = ways_of(door, visit, view, texts) if debt.status in OPEN else []
    live_url = f"{visit.url}/state"
    has_cards = not is_membership(view)
    kind = OWN if has_cards else OWN_MEMBERSHIP
    values = bill(texts, debt, now=now, chat_url="", live_url=live_url, ways=ways, kind=kind, trouble=trouble)
    late = late_money(visit, view, texts)
    if late:
        looks = {"tone": LATE.tone, "icon": LATE.icon, "state_text": LATE.state, "explanation": LATE.explanation}
        values |= {name: value if name in {"tone", "icon"} else texts.say(value) for name, value in looks.items()}
    is_here = view.conversation_id == visit.chat.id
    return {
        **values,
        "url": visit.url,
        "check": check_of(door, visit.token),
        "may_cancel": debt.status == OrderStatus.AWAITING_PAYMENT,
        "late": late,
        "account_url": account_url(door, view, debt.status),
        "cards_url": f"{visit.url}/cards" if has_cards and is_here and debt.status in SHOWS_CARDS else "",
        "is_elsewhere": has_cards and not is_here and debt.status in SHOWS_CARDS,
        "steps": steps_of(view, texts) if debt.status in SHOWS_CARDS else [],
        "again": again_words(view, texts) if debt.status not in OPEN else "",
    }


def account_url(door: Door, view: OrderView, status: str) -> str:
    """Where the account of a top-up by hand is told; empty where nothing is asked, or all was told."""
    if status not in TAKES or not any(line.gate is LineGate.TASK for line in view.lines):
        return ""
    if all(one.is_given for one in asked_fields(order_id=view.id)):
        return ""
    return f"{door.public_url}/pay/{pay_token(keys=door.shop.order_keys, order_id=view.id)}"


def ways_of(door: Door, visit: Visit, view: OrderView, texts: Texts) -> list[Way]:
    """The wallet where it covers the order, then the gateways that can be pressed here."""
    ways = []
    balance = wallet_balance(actor=visit.actor, currency=view.total.currency)
    if balance.minor >= view.total.minor > 0:
        hint = texts.say("Balance {amount}", amount=texts.money(balance))
        hidden = {"check": check_of(door, visit.token)}
        ways.append(Way(texts.say("Pay from the wallet"), hint, "wallet", visit.url, WALLET, hidden))
    return ways + gateways_of(
        door, texts, merchant_id=view.merchant_id, total=view.total, action=visit.url, token=visit.token
    )


def late_money(visit: Visit, view: OrderView, texts: Texts) -> list[dict[str, str]]:
    """Money that came too late and waits for a choice: each event with its amount."""
    if view.status in {OrderStatus.AWAITING_PAYMENT, OrderStatus.DELIVERED}:
        return []
    found = undecided(actor=visit.actor, order_id=view.id)
    return [{"event": str(event_id), "amount": texts.money(amount)} for event_id, amount in found]


def steps_of(view: OrderView, texts: Texts) -> list[dict[str, str]]:
    """使用方法 of each product of the order, where its shop says something."""
    listings = find_listings(merchant_id=view.merchant_id, listing_ids=[line.listing_id for line in view.lines])
    steps: dict[str, str] = {}
    for listing in listings.values():
        try:
            found = product_view(merchant_id=view.merchant_id, product_id=listing.product_id, locale=texts.locale)
        except NotFound:
            continue
        if found.redeem:
            steps[found.card.name] = found.redeem
    return [{"name": name if len(steps) > 1 else "", "how": how} for name, how in steps.items()]


def again_words(view: OrderView, texts: Texts) -> str:
    """再来一单: what to send in the chat."""
    line = view.lines[0]
    return f"买 {line.code} {line.quantity}" if texts.locale.startswith("zh") else f"buy {line.code} {line.quantity}"


def name_of(view: OrderView, delivery: Mapping[str, object], texts: Texts) -> str:
    """What the cards of one delivery are."""
    line: LineView | None = line_of(view, delivery)
    return texts.name(line.names) if line else ""


def state_shown(view: OrderView) -> str:
    """The state that the page follows."""
    return state_of(view)


def settle_if_free(door: Door, visit: Visit, view: OrderView) -> None:
    """What costs nothing is settled at once."""
    if view.status is OrderStatus.AWAITING_PAYMENT and view.total.minor == 0:
        settle_free(order_id=view.id, now=door.shop.clock.now())


def charge(door: Door, visit: Visit, view: OrderView) -> None:
    """Ask the sandbox to charge. Raises `OrderNotPayable`, `NotForSale`."""
    request_own_sandbox_payment(actor=visit.actor, order_id=view.id, now=door.shop.clock.now())


def press(door: Door, visit: Visit, view: OrderView, button: str, event: str) -> None:
    """Pay from the wallet, cancel, 退款, 换货. Raises what the use case refuses with."""
    now = door.shop.clock.now()
    if button == WALLET:
        submission = f"{visit.link.submission}:wallet"
        pay_from_wallet(actor=visit.actor, order_id=view.id, submission_id=submission, now=now)
    elif button == CANCEL:
        cancel_order(actor=visit.actor, order_id=view.id, now=now)
    elif button == REFUND:
        choose_refund(actor=visit.actor, event_id=event_id(event), now=now)
    else:
        choose_exchange(actor=visit.actor, event_id=event_id(event), now=now)


def event_id(text: str) -> UUID:
    """The money that a form speaks of. Raises `NotFound`."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("event") from None
