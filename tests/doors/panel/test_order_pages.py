"""An order, its shopper, its cards in the panel: what happened, who may see it, and acts that say what they do."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.ids import Prefix, public
from core.orders.service import PlacedOrder, begin_sending, finish_sending
from core.parties.rules import PartyKind, Role
from tests.builders import Shop, Talker
from tests.doors.panel.foreign import World
from tests.support.panel import Browser
from tests.support.seated import a_seat
from tests.support.till import Till

Panel = Callable[[], Browser]
ADDRESS = "li.ming@example.com"
NUMBER_ON_TELEGRAM = "7771234987"


@pytest.fixture
def order(till: Till, talker: Talker) -> PlacedOrder:
    """A paid, delivered order of two own cards over 20.00 CNY, of a shopper with an address and a Telegram account."""
    shop = till.shop
    listing, _ = shop.a_listing("A1", price=1000), shop.a_batch("A1", cards=3)
    placed = shop.place(talker, listing, 2)
    till.pay(placed)
    shop.sql("UPDATE identity SET channel = 'telegram', external_id = %s", [f"{NUMBER_ON_TELEGRAM}:9"])
    shop.sql(
        "INSERT INTO contact (id, shopper_id, merchant_id, kind, address, identity_id, chat_address, confirmed_at,"
        " created_at, seal) SELECT gen_random_uuid(), shopper_id, merchant_id, 'email', %s, identity_id, chat_address,"
        " now(), now(), sha256('x') FROM conversation",
        [ADDRESS],
    )
    return placed


def deliver(till: Till, order: PlacedOrder) -> None:
    """Its cards are opened and in the chat, as the vault and the worker leave them."""
    ((delivery,),) = till.shop.sql("SELECT id FROM delivery WHERE order_id = %s", [order.order_id])
    sending = begin_sending(delivery_id=delivery, now=till.now)
    assert sending is not None
    till.shop.sql("UPDATE card SET opened_at = %s WHERE line_id = %s", [till.now, sending.line_id])
    assert finish_sending(sending=sending, now=till.now)


@pytest.fixture
def support(panel: Panel, shop: Shop) -> Browser:
    """Somebody of the shop who sees to its orders."""
    browser = panel()
    a_seat(browser, shop, shop.merchant, Role.SUPPORT)
    return browser


def text(browser: Browser, path: str) -> str:
    """A page that is there, without its tags."""
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def a_card_of(shop: Shop) -> tuple[str, str]:
    """The public numbers of a card that was sold, and of its batch."""
    ((card, batch),) = shop.sql("SELECT c.id, b.id FROM card c JOIN batch b ON b.no = c.batch_no"
                                " WHERE c.state = 'delivered' LIMIT 1")  # fmt: skip
    return public(Prefix.CARD, card), public(Prefix.BATCH, batch)


def test_an_order_tells_what_happened_to_whom_it_belongs(
    support: Browser, till: Till, order: PlacedOrder, talker: Talker
) -> None:
    """INV-T3: money, deliveries, messages, deeds in time order; no secret, no whole number of a person."""
    shop, number = till.shop, public(Prefix.ORDER, order.order_id)
    deliver(till, order)
    shopper = public(Prefix.SHOPPER, talker.shopper_id)
    token, _ = a_card_of(shop)

    told = text(support, f"/orders/{number}")
    happened = told[told.index("What happened") :]
    steps = (
        "Placed in",
        "Payment of CN¥20.00 begun",
        "Sandbox (play money) says that CN¥20.00 came",
        "Settled",
        "Delivered: A1 × 2",
    )
    assert [happened.index(one) for one in steps] == sorted(happened.index(one) for one in steps)
    for sum_of in (
        "CN¥19.80 from money that came in to the shop's share",
        "CN¥0.20 from money that came in to the platform",
    ):
        assert sum_of in happened
    assert "a known shopper; other unpaid orders: 0" in happened
    about = text(support, f"/shoppers/{shopper}") + text(support, f"/cards/{token}") + told
    assert "…4987" in about
    assert "l***@example.com" in about
    assert ADDRESS not in about
    assert NUMBER_ON_TELEGRAM not in about


def test_an_order_is_found_by_its_numbers_and_by_nobody_else(
    panel: Panel, support: Browser, till: Till, order: PlacedOrder, talker: Talker
) -> None:
    """INV-T1: a number of another party answers like one that nobody has."""
    shop, number = till.shop, public(Prefix.ORDER, order.order_id)
    deliver(till, order)
    shopper, (token, batch) = public(Prefix.SHOPPER, talker.shopper_id), a_card_of(shop)

    others = {kind: panel() for kind in ("merchant", "supplier")}
    a_seat(others["merchant"], shop, shop.a_party("other"), Role.OWNER)
    a_seat(others["supplier"], shop, shop.a_party("brand1", kind=PartyKind.SUPPLIER), Role.OWNER)
    places = (f"/orders/{number}", f"/shoppers/{shopper}", f"/shoppers/{shopper}/wallet", f"/cards/{token}")
    for browser in others.values():
        assert {browser.get(path).status_code for path in places} == {404}
        for said in (number, shopper, token, batch, "A1"):
            found = browser.get(f"/search?q={said}")
            assert (found.status_code, "Nothing is called" in found.get_data(as_text=True)) == (200, True)
    gone = support.get(f"/search?q={number}")
    assert (gone.status_code, gone.location) == (302, f"/orders/{number}")
    assert support.get(f"/search?q={token}").location == f"/cards/{token}"
    ((transaction,),) = shop.sql("SELECT external_id FROM payment_event")
    assert support.get(f"/search?q={transaction}").location == f"/orders/{number}"


JUNK = ("%00", "x", "-1", "1e99", "9" * 40, "'", "ord_zzz", "%D9%A1%D9%A2", "a" * 5000)


def test_junk_in_the_box_in_filters_and_in_addresses_is_answered_calmly(support: Browser) -> None:
    """Faults 54 and 56: never a 500."""
    names, lists = ("q", "state", "from", "to", "needs", "page", "blocked"), ("/search", "/orders/", "/shoppers/")
    pages = ("/orders/{}", "/orders/{}/refund", "/shoppers/{}", "/cards/{}", "/orders/cases/{}")
    asked = [f"{path}?" + "&".join(f"{name}={junk}" for name in names) for path in lists for junk in JUNK]
    asked += [page.format(junk) for page in pages for junk in JUNK]

    assert {support.get(one).status_code for one in asked} <= {200, 302, 308, 400, 404, 414}


def test_orders_are_cut_by_state_day_and_need(support: Browser, till: Till, order: PlacedOrder, talker: Talker) -> None:
    """Each cut stands in the address, and is drawn as it was asked."""
    shop, paid = till.shop, public(Prefix.ORDER, order.order_id)
    unpaid = public(Prefix.ORDER, shop.place(talker, shop.a_listing("A1"), 1).order_id)
    shop.sql("UPDATE shop_order SET placed_at = now()")  # when their numbers were made
    day = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    before, after = day - timedelta(days=1), day + timedelta(days=1)

    def seen(asked: str) -> set[str]:
        return set(re.findall(r"ord_[a-z2-7]{26}", support.get(f"/orders/?{asked}").get_data(as_text=True)))

    assert seen("") == seen(f"from={day}&to={day}") == {paid, unpaid}
    assert seen("state=paid") == seen("needs=1") == {paid}
    assert seen(f"state=awaiting_payment&to={day}") == {unpaid}
    assert seen(f"from={after}") == seen(f"to={before}") == seen("state=expired") == set()
    assert 'value="paid" selected' in support.get("/orders/?state=paid").get_data(as_text=True)


def test_an_act_says_what_it_does_before_its_button_and_then_does_it(
    support: Browser, till: Till, order: PlacedOrder, talker: Talker
) -> None:
    """A refund names its amount, where it goes, the fee and the cards; nothing is changed by looking."""
    number, shop = public(Prefix.ORDER, order.order_id), till.shop
    unpaid = public(Prefix.ORDER, shop.place(talker, shop.a_listing("A1"), 1).order_id)
    shopper = public(Prefix.SHOPPER, talker.shopper_id)
    ((line,),) = shop.sql("SELECT id FROM order_line WHERE order_id = %s", [order.order_id])
    before = shop.fingerprint()
    said = text(support, f"/orders/{number}/refund")
    for part in ("CN¥20.00 goes back to the shopper", "CN¥20.00 of it to where it was paid from", "fee of CN¥0.20",
                 "Cards that were delivered stay", "its cards go back on the shelf"):  # fmt: skip
        assert part in said
    for act in ("hurry", "again", "release"):
        text(support, f"/orders/{number}/{act}")
    assert "cancel" in text(support, f"/orders/{unpaid}/cancel")
    assert support.post(f"/orders/{number}/refund", {"line": str(UUID(int=1))}).status_code == 422
    assert support.post(f"/orders/{number}/refund").status_code == 422
    assert support.post(f"/orders/{number}/cancel").status_code == 409
    assert support.post(f"/orders/{number}/again").status_code == 404
    assert support.post(f"/orders/{number}/release").status_code == 409
    assert shop.fingerprint() == before

    assert support.post(f"/orders/{unpaid}/cancel").status_code == 302
    assert support.post(f"/orders/{number}/hurry").status_code == 302
    assert support.post(f"/orders/{number}/refund", {"line": str(line)}).status_code == 302
    assert support.post(f"/shoppers/{shopper}/block", {"to": "off", "reason": "fraud"}).status_code == 302
    assert shop.sql("SELECT state, amount_minor FROM refund") == [("requested", 2000)]
    assert shop.sql("SELECT blocked_at IS NOT NULL FROM shopper") == [(True,)]
    told = text(support, f"/orders/{number}")
    for part in (
        "A line was given back [0-9:]+ Li Mei",
        "Tried again at once [0-9:]+ Li Mei",
        "20.00 to go back to its",
    ):
        assert re.search(part, told), part
    assert "There is nothing here that can be given back" in text(support, f"/orders/{number}/refund")
    assert shop.sql("SELECT DISTINCT actor_kind FROM audit_entry WHERE action IN ('order.cancelled', 'order.hurried',"
                    " 'line.given_back', 'shopper.blocked')") == [("staff",)]  # fmt: skip


@pytest.mark.parametrize("way", ["wallet", "refund"])
def test_money_that_nobody_here_may_decide_about_is_a_sentence(support: Browser, till: Till, way: str) -> None:
    """It names no payment: whose it is is not certain, and what the use case says of it is no mistake of ours."""
    shop = till.shop
    world = World(shop, UUID(int=1), UUID(int=2))
    assert "Money" in text(support, f"/orders/cases/{world.suspense}")
    before = shop.fingerprint()

    answer = support.post(f"/orders/cases/{world.suspense}", {"way": way}, shown="/sessions")

    assert answer.status_code == 409
    assert "ask the platform. Nothing was changed" in answer.get_data(as_text=True)
    assert shop.fingerprint() == before


def test_money_that_fits_no_order_is_shown_and_decided(support: Browser, till: Till, talker: Talker) -> None:
    """A way has to be chosen; afterwards the case is over."""
    shop = till.shop
    listing, _ = shop.a_listing("A1", price=1000), shop.a_batch("A1", cards=3)
    payment = till.start(shop.place(talker, listing, 1))
    till.receive(till.notice(payment, 999))
    ((event,),) = shop.sql("SELECT id FROM payment_event")
    assert "CN¥9.99 · It is another amount than was asked" in text(support, "/orders/cases")
    assert "Only if the shopper asked you for it" in text(support, f"/orders/cases/{event}")
    before = shop.fingerprint()
    assert support.post(f"/orders/cases/{event}").status_code == 422
    assert support.post(f"/orders/cases/{event}", {"way": "staff"}).status_code == 422
    assert shop.fingerprint() == before

    assert support.post(f"/orders/cases/{event}", {"way": "wallet"}).status_code == 302

    assert "No money waits" in text(support, "/orders/cases")
    shopper = public(Prefix.SHOPPER, talker.shopper_id)
    assert "Money back" in text(support, f"/shoppers/{shopper}/wallet")
    assert "+CN¥9.99" in text(support, f"/shoppers/{shopper}/wallet")
