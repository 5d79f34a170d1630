"""The goods, orders and messages that the scenes are made of: fixed ids, fixed times, the demo store's names."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.catalog.rules import Category, ProductKind
from core.catalog.service import Listing, ProductCard, ProductView
from core.ids import Prefix, public
from core.messages.service import MessageKind, StoredMessage
from core.money import Money
from core.orders.rules import DeliveryState, OrderStatus
from core.orders.service import LineView, OrderView
from core.titles import worded

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ORDER = UUID("019ccc1a-2000-7000-8000-000000000001")
DELIVERY = UUID("019ccc1a-2000-7000-8000-000000000002")
PAYMENT = UUID("019ccc1a-2000-7000-8000-000000000003")
EVENT = UUID("019ccc1a-2000-7000-8000-000000000004")
CARDS = (UUID("019ccc1a-2000-7000-8000-000000000005"), UUID("019ccc1a-2000-7000-8000-000000000006"))

TENCENT = {"zh-CN": "腾讯视频 月卡", "en": "Tencent Video, 1 month"}
STEAM = {"zh-CN": "Steam 充值卡", "en": "Steam gift card"}
REDEEM = {
    "zh-CN": "1. 打开腾讯视频，进入 会员中心\n2. 点 兑换会员，输入卡密\n3. 马上到账",
    "en": "1. Open Tencent Video and go to Membership\n2. Tap Redeem and enter the card\n3. It counts at once",
}
REFUND = {"zh-CN": "卡密无效包换包退", "en": "an invalid card is replaced or refunded"}
SUMMARY = {"zh-CN": "官方卡密，全国可用。", "en": "Official cards, valid all over China."}


def a_listing(number: int = 1, code: str = "A1", price: int = 2500, **changed: Any) -> Listing:
    """A1: the Tencent month card at ¥25.00."""
    values: dict[str, Any] = {
        "id": number,
        "merchant_id": 2,
        "sku_id": number,
        "product_id": 1,
        "kind": ProductKind.CARD_KEY,
        "code": code,
        "sku_code": code,
        "version": 1,
        "price": Money(price, "CNY"),
        "names": TENCENT,
        "axes": {"period": "month"},
        "maximum_quantity": 100,
        "minimum_life_days": 0,
    }
    return Listing(**values | changed)


def a_card(locale: str, *listings: Listing, number: int = 1, names: dict[str, str] | None = None) -> ProductCard:
    """A product of the video shelf."""
    name, summary = worded(names or TENCENT, locale), worded(SUMMARY, locale)
    sold = listings or (a_listing(),)
    return ProductCard(number, f"product-{number}", ProductKind.CARD_KEY, Category.VIDEO, name, summary, sold)


def a_product(locale: str, *listings: Listing, names: dict[str, str] | None = None) -> ProductView:
    """The same with its rules."""
    return ProductView(a_card(locale, *listings, names=names), worded(REDEEM, locale), worded(REFUND, locale))


def steam_cards() -> tuple[Listing, ...]:
    """Two regions, two face values, three cards."""
    names = {f"{value} {region}": {"zh-CN": f"Steam {value} {region}", "en": f"Steam {value} {region}"}
             for region in ("US", "CN") for value in ("50 USD", "20 USD")}  # fmt: skip
    return tuple(
        a_listing(n, code, price, product_id=3, names=names[f"{value} {region}"],
                  axes={"region": region, "face_value": value})
        for n, code, price, region, value in (
            (31, "B1", 36800, "US", "50 USD"), (32, "B2", 14900, "US", "20 USD"), (33, "B3", 14500, "CN", "20 USD")
        )
    )  # fmt: skip


def an_order(status: OrderStatus = OrderStatus.AWAITING_PAYMENT, **changed: Any) -> OrderView:
    """Two of A1, placed at noon."""
    is_paid = status not in {OrderStatus.AWAITING_PAYMENT, OrderStatus.EXPIRED, OrderStatus.CANCELLED}
    line = LineView(
        line_id=UUID(int=ORDER.int + 100),
        listing_id=1,
        code="A1",
        names=TENCENT,
        quantity=2,
        list_price_minor=2500,
        total_minor=5000,
        delivery_id=DELIVERY if is_paid else None,
        delivery_state=DeliveryState.DELIVERED if is_paid else None,
    )
    values: dict[str, Any] = {
        "id": ORDER,
        "merchant_id": 2,
        "shopper_id": UUID(int=ORDER.int + 200),
        "conversation_id": UUID(int=ORDER.int + 300),
        "status": status,
        "total": Money(5000, "CNY"),
        "paid_minor": 5000 if is_paid else 0,
        "refunded_minor": 5000 if status is OrderStatus.REFUNDED else 0,
        "placed_at": NOON,
        "deadline": NOON + timedelta(minutes=15),
        "paid_at": NOON + timedelta(minutes=2) if is_paid else None,
        "lines": (line,),
    }
    return OrderView(**values | changed)


WITHOUT_ORDER = {
    MessageKind.WALLET_TOPPED_UP,
    MessageKind.CODE_NOT_SENT,
    MessageKind.PICKUP_REFUSED,
    MessageKind.BINDING_ASKED,
    MessageKind.BINDING_DECLINED,
    MessageKind.BOUND,
    MessageKind.UNBOUND,
    MessageKind.RESTOCKED,
    MessageKind.RESTOCK_REFUSED,
}
"""Kinds that are about no order."""


def a_message(kind: MessageKind, **body: Any) -> StoredMessage:
    """A message about that order."""
    named = {} if kind in WITHOUT_ORDER else {"order": public(Prefix.ORDER, ORDER)}
    return StoredMessage(id=7, seq=3, kind=kind, body=named | body, created_at=NOON)


def delivered_cards() -> dict[str, Any]:
    """The body of a `cards` message with two cards."""
    cards = [{"token": public(Prefix.CARD, card), "mask": "A9A9-****"} for card in CARDS]
    return {"delivery": str(DELIVERY), "code": "A1", "cards": cards}
