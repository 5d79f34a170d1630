"""Every screen the shop can show, by a name: what `render` makes of it is kept in a file."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from bot import binding, browse, buying, home, orders, outbox, paying, wallet
from bot.refusals import FAMILIES, OWN_WORDS, draw_refusal
from bot.screens import CardEntry, Screen
from bot.texts import Texts
from bot.words import BadQuantity
from core.catalog.rules import Category
from core.catalog.service import Page, Shelf
from core.conversations.binding import Code
from core.conversations.wallets import OneWallet
from core.errors import NotFound, Refusal
from core.members.accounts import Account
from core.members.contacts import ContactKind
from core.members.service import Channel
from core.messages.service import MessageKind
from core.money import Money
from core.orders.rules import OrderStatus
from core.payments.unbinding import Bound
from core.pricing.rules import Quote, quote
from core.stock.rules import OutOfStock
from tests.golden import staff_scenes
from tests.golden.goods import (
    EVENT,
    NOON,
    PAYMENT,
    REDEEM,
    STEAM,
    TENCENT,
    WITHOUT_ORDER,
    a_card,
    a_listing,
    a_message,
    a_product,
    an_order,
    delivered_cards,
    steam_cards,
)
from tests.golden.memberships import GIVEN, joining
from tests.golden.picking_up import REFUSED as PICKUP_REFUSED
from tests.golden.picking_up import picking_up
from tests.golden.reaching import reaching
from tests.golden.staff_scenes import restocking

Scene = Callable[[Texts], Screen]

PARAMETERS: dict[str, str | int] = {
    "code": "A1",
    "left": 3,
    "limit": 3,
    "most": 100,
    "maximum": 100,
    "written": "1.5",
    "minutes": 10,
    "most_megabytes": 20,
    "state": "cancelled",
    "why": "state",
    "years": 50,
    "operation": "message",
}
"""What a refusal may name, as it would be."""


WECHAT = Account((UUID(int=EVENT.int + 1),), Channel.WECHAT, "x8Kq", NOON - timedelta(days=90), is_first=True)
TELEGRAM = Account((UUID(int=EVENT.int + 2),), Channel.TELEGRAM, "9012", NOON - timedelta(days=30))
GUEST = Account((UUID(int=EVENT.int + 3),), Channel.WEB, "", NOON - timedelta(days=1))
CLAIM = UUID(int=EVENT.int + 4)
OWN_WALLET = OneWallet(WECHAT, is_here=True, moves=(Money(5000, "CNY"),))
THEIR_WALLET = OneWallet(TELEGRAM, is_here=False, moves=(Money(5000, "CNY"), Money(1250, "USD")))
BIND_CODE = Code("K7QD-2MXA", NOON + timedelta(minutes=10))


def an_offer(quantity: int = 2, *, off: int = 0, **changed: object) -> buying.Offer:
    """Some of A1 about to be ordered."""
    priced = quote(list_price_minor=2500, quantity=quantity)
    priced = Quote(priced.list_price_minor, quantity, off, priced.reasons)
    values = {"listing": a_listing(), "quote": priced, "kept_for": timedelta(minutes=15)}
    return buying.Offer(**values | changed)


def talking() -> Iterator[tuple[str, Scene]]:
    """Menus, languages, help, what is not open yet."""
    yield "home", home.draw_home
    yield "menu_changed", home.draw_menu_changed
    yield "nothing_to_confirm", home.draw_nothing_to_confirm
    yield "languages", lambda texts: home.draw_languages(texts, ["zh-CN", "en"])
    yield "help", home.draw_help
    yield "help_with_contacts", lambda texts: home.draw_help(texts, ContactKind)
    yield "thanks", home.draw_welcome
    for intent, sentence in home.NOT_OPEN_YET.items():
        yield f"not_open_{intent.value}", lambda texts, first=sentence: home.draw_home(texts, texts.say(first))


def browsing() -> Iterator[tuple[str, Scene]]:
    """Shelves, pages, products, searches."""
    shelves = [Shelf(Category.VIDEO, "影视会员", 12), Shelf(Category.GAMES, "游戏点卡", 3)]
    yield "shelves", lambda texts: browse.draw_shelves(texts, shelves)
    yield (
        "page_first",
        lambda texts: browse.draw_page(texts, a_page(texts, 1, more=True), {1: 100, 2: 3}, category="video"),
    )
    yield "page_last", lambda texts: browse.draw_page(texts, a_page(texts, 2, more=False), {1: 100}, category="")
    yield "page_empty", lambda texts: browse.draw_page(texts, Page((), 1, False), {}, category="")
    yield "variant", lambda texts: browse.draw_variant(texts, a_product(texts.locale), a_listing(), {1: 100})
    yield "variant_sold_out", a_sold_out
    yield "variant_closed", lambda texts: browse.draw_closed(texts, a_sold_out(texts))
    yield "axis_first", lambda texts: a_steam(texts, {})
    yield "axis_second", lambda texts: a_steam(texts, {"region": "US"})
    yield "found", lambda texts: browse.draw_found(texts, "视频", [a_card(texts.locale)], {1: 100})
    yield "what_to_find", browse.draw_what_to_find
    yield "nearest", lambda texts: browse.draw_nearest(texts, "奈飞", [a_card(texts.locale)], {1: 3})
    yield "nothing_near", lambda texts: browse.draw_nearest(texts, "今天天气不错", [], {})


def a_sold_out(texts: Texts) -> Screen:
    """A product of which nothing can be sold."""
    return browse.draw_variant(texts, a_product(texts.locale), a_listing(), {})


def a_page(texts: Texts, number: int, *, more: bool) -> Page:
    """Two products of a page: one of one price, one of several."""
    steam = a_card(texts.locale, *steam_cards(), number=3, names=STEAM)
    return Page((a_card(texts.locale), steam), number, more)


def a_steam(texts: Texts, chosen: dict[str, str]) -> Screen:
    """The product with two axes."""
    view = a_product(texts.locale, *steam_cards(), names=STEAM)
    return browse.draw_product(texts, view, {31: 100, 32: 3, 33: 0}, chosen)


def ordering() -> Iterator[tuple[str, Scene]]:
    """Confirming, quantities, paying."""
    yield "confirm", lambda texts: buying.draw_confirm(texts, an_offer())
    yield "confirm_one", lambda texts: buying.draw_confirm(texts, an_offer(1))
    yield "confirm_most", lambda texts: buying.draw_confirm(texts, an_offer(100))
    yield "confirm_discount", lambda texts: buying.draw_confirm(texts, an_offer(off=500))
    yield "confirm_coupon", lambda texts: buying.draw_confirm(texts, an_offer(coupon="SAVE5"))
    yield "confirm_wallet", lambda texts: buying.draw_confirm(texts, an_offer(balance=Money(8800, "CNY")))
    yield "confirm_new_price", lambda texts: buying.draw_confirm(texts, an_offer(old_price=Money(2300, "CNY")))
    yield "ask_quantity", lambda texts: buying.draw_ask_quantity(texts, a_listing())
    yield "how_to_buy", buying.draw_how_to_buy
    yield "pay", lambda texts: paying.draw_pay(texts, an_order(), balance=Money(0, "CNY"), now=NOON)
    yield "pay_wallet", lambda texts: paying.draw_pay(texts, an_order(), balance=Money(8800, "CNY"), now=NOON)
    for status in OrderStatus:
        if status is not OrderStatus.AWAITING_PAYMENT:
            yield f"receipt_{status.value}", lambda texts, s=status: paying.draw_receipt(texts, an_order(s))
    yield "cancel_which", lambda texts: paying.draw_what_to_cancel(texts, [an_order(), an_order()], now=NOON)
    yield "cancel_nothing", lambda texts: paying.draw_what_to_cancel(texts, [], now=NOON)


def afterwards() -> Iterator[tuple[str, Scene]]:
    """Orders, cards, instructions, bills, the wallet."""
    several = [an_order(), an_order(OrderStatus.DELIVERED)]
    yield "orders", lambda texts: orders.draw_orders(texts, several, now=NOON)
    yield "orders_none", lambda texts: orders.draw_orders(texts, [], now=NOON)
    yield "cards_none", orders.draw_no_cards
    waiting = [an_order(OrderStatus.PAID), an_order(OrderStatus.IN_REVIEW)]
    yield "cards_waiting", lambda texts: orders.draw_waiting(texts, waiting)
    yield "cards_come", orders.draw_cards_come
    steps = {TENCENT["zh-CN"]: REDEEM["zh-CN"]}
    delivered = an_order(OrderStatus.DELIVERED)
    yield "steps", lambda texts: orders.draw_steps(texts, delivered, steps)
    yield "steps_unknown", lambda texts: orders.draw_steps(texts, delivered, {})
    long = {locale: "\n\n".join([how] * 100) for locale, how in REDEEM.items()}  # no message of a platform holds it
    yield "steps_too_long", lambda texts: orders.draw_steps(texts, delivered, {TENCENT["en"]: long[texts.locale]})
    yield "bill_which", orders.draw_which_bill
    yield "bill_found", lambda texts: orders.draw_found_order(texts, delivered)
    yield "bill_unknown", lambda texts: orders.draw_no_bill(texts, "4200001234567890")
    yield "wallet", lambda texts: wallet.draw_wallet(texts, Money(8800, "CNY"))
    yield "wallet_top_up", lambda texts: wallet.draw_top_up(texts, Money(5000, "CNY"), PAYMENT)
    yield "late_refund", wallet.draw_going_back
    yield "late_exchange", lambda texts: wallet.draw_exchange(texts, Money(5000, "CNY"))


def linking() -> Iterator[tuple[str, Scene]]:
    """Binding a second account, and letting it go."""
    yield "bind_code", lambda texts: binding.draw_code(texts, BIND_CODE, Bound((WECHAT,), WECHAT), now=NOON)
    yield "bind_code_again", lambda texts: binding.draw_code(texts, BIND_CODE, Bound((WECHAT, GUEST), WECHAT), now=NOON)
    yield "bind_question", lambda texts: binding.draw_question(texts, CLAIM, TELEGRAM, THEIR_WALLET)
    yield "bind_question_elder", lambda texts: binding.draw_question(texts, CLAIM, TELEGRAM, OWN_WALLET)
    yield "bind_other_side", lambda texts: binding.draw_other_side(texts, TELEGRAM)
    yield "bind_done", lambda texts: binding.draw_bound(texts, TELEGRAM)
    yield "bind_declined", binding.draw_not_bound
    yield "unbind_nothing", binding.draw_nothing_bound
    yield "unbind_which", lambda texts: binding.draw_which(texts, Bound((WECHAT, TELEGRAM, GUEST), GUEST))
    yield "unbind_confirm", lambda texts: binding.draw_release(texts, TELEGRAM, WECHAT, is_here=False)
    yield "unbind_confirm_here", lambda texts: binding.draw_release(texts, TELEGRAM, WECHAT, is_here=True)
    yield "unbind_done", lambda texts: binding.draw_released(texts, TELEGRAM)
    yield "unbind_done_here", lambda texts: binding.draw_released(texts, TELEGRAM, is_here=True)


def unasked() -> Iterator[tuple[str, Scene]]:
    """What the shop says by itself."""
    for kind in MessageKind:
        yield f"told_{kind.value}", lambda texts, k=kind: told(texts, k)
    yield "told_refunded_to_wallet", lambda texts: told(texts, MessageKind.REFUNDED, to_wallet=True)
    yield "told_cards_opened", lambda texts: told(texts, MessageKind.CARDS).with_secrets(OPENED)
    for name, cards in CARDS_OF_ALL_SORTS.items():
        yield f"told_cards_{name}", lambda texts, c=cards: with_cards(told(texts, MessageKind.CARDS), *c)


OPENED = {
    token["token"]: {"secret": f"TX9A-<&_*`>-{n}", "number": f"880000000{n}", "expires": "2026-12-31"}
    for n, token in enumerate(delivered_cards()["cards"], 1)
}


ODD = " a blank before it"
CARDS_OF_ALL_SORTS: dict[str, tuple[dict[str, str], ...]] = {
    "one": ({"secret": "TX9A-0001", "expires": "2026-12-31"},),
    "three": tuple({"secret": f"TX9A-000{n}"} for n in (1, 2, 3)),
    "links": ({"secret": "https://gift.example/r/A9-1?x=1&y=2"}, {"secret": "https://gift.example/r/A9-2?x=1&y=2"}),
    "with_pin": tuple(
        {"number": f"880000000{n}", "secret": f"TX9A-000{n}", "pin": f"12345{n}", "expires": f"2026-12-3{n}"}
        for n in (0, 1)
    ),
    "one_odd": ({"secret": ODD},),
    "some_odd": ({"secret": "TX9A-0001"}, {"secret": ODD}, {"secret": "line one\nline two", "pin": "4711"}),
    "long_key": ({"secret": "MIIB" * 70},),
    "21": tuple({"secret": f"TX9A-{n:04}", "expires": "2026-12-31"} for n in range(1, 22)),
}
"""Cards as suppliers send them, by what is special about them."""


def with_cards(screen: Screen, *cards: dict[str, str]) -> Screen:
    """The same delivery with these cards, opened."""
    title, _, rest = screen.text.partition("\n")
    entries = tuple(CardEntry(f"crd_{n}", "A9A9-****").opened(fields) for n, fields in enumerate(cards, 1))
    titled = title.replace(f"× {len(screen.cards)}", f"× {len(cards)}")
    return replace(screen, text=f"{titled}\n{rest}", cards=entries)


def told(texts: Texts, kind: MessageKind, *, to_wallet: bool = False) -> Screen:
    """One message of each kind."""
    status = {MessageKind.ORDER_EXPIRED: OrderStatus.EXPIRED, MessageKind.LATE_MONEY: OrderStatus.EXPIRED}
    bodies = {
        MessageKind.CARDS: delivered_cards(),
        MessageKind.LATE_MONEY: {"event": str(EVENT)},
        MessageKind.REFUNDED: {"amount_minor": 5000, "currency": "CNY", "to_wallet": to_wallet},
        MessageKind.WALLET_TOPPED_UP: {"amount_minor": 5000, "currency": "CNY"},
        MessageKind.BINDING_ASKED: {"claim": str(CLAIM), **TELEGRAM.as_body(), "wallet": OWN_WALLET.as_body()},
        MessageKind.BINDING_DECLINED: TELEGRAM.as_body(),
        MessageKind.BOUND: TELEGRAM.as_body(),
        MessageKind.UNBOUND: GUEST.as_body(),
        MessageKind.RESTOCKED: staff_scenes.RESTOCKED,
        MessageKind.RESTOCK_REFUSED: staff_scenes.REFUSED,
        MessageKind.PICKUP_REFUSED: PICKUP_REFUSED,
        MessageKind.CODE_NOT_SENT: {"contact": "email"},
        MessageKind.MEMBERSHIP: GIVEN,
        MessageKind.MEMBERSHIP_TAKEN_BACK: GIVEN,
    }
    view = None if kind in WITHOUT_ORDER else an_order(status.get(kind, OrderStatus.PAID))
    background = outbox.Background(view, redeem=REDEEM[texts.locale])
    return outbox.render(texts, a_message(kind, **bodies.get(kind, {})), background)


def refusing() -> Iterator[tuple[str, Scene]]:
    """Every refusal that has words."""
    for kind in (*FAMILIES, *OWN_WORDS):
        yield f"refused_{a_refusal(kind).reason}", lambda texts, k=kind: refused(texts, a_refusal(k))
    yield "refused_sold_out", lambda texts: refused(texts, OutOfStock(code="A1", left=0))
    yield "refused_quantity", lambda texts: refused(texts, BadQuantity(written="0", maximum=5))


def a_refusal(kind: type[Refusal]) -> Refusal:
    """A refusal of a kind with the parameters that it may have."""
    if kind is NotFound:
        return NotFound("order")
    if issubclass(kind, NotFound):
        return kind()  # type: ignore[call-arg]
    return kind(**PARAMETERS)


def refused(texts: Texts, refusal: Refusal) -> Screen:
    """A refusal under one fixed error id."""
    return draw_refusal(texts, refusal, error="err_aaaaaaaaaaaaaaaa")


PARTS = (talking, browsing, ordering, afterwards, linking, reaching, picking_up, joining, restocking, unasked, refusing)


def scenes() -> dict[str, Scene]:
    """All of them, by name."""
    return {name: scene for part in PARTS for name, scene in part()}
