"""What goods are, how their variants are worded, and how a search text is read and compared."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from core.errors import Invalid, NotFound
from core.money import EXPONENT, GREATEST, Money
from core.titles import checked_title, worded


class UnknownListing(NotFound):
    """Nothing on sale has this code here."""

    def __init__(self) -> None:
        super().__init__("listing")


class ProductKind(StrEnum):
    """How a product reaches its buyer."""

    CARD_KEY = "card_key"  # 卡密 from stock
    TOP_UP = "top_up"  # 直充 through a supplier
    MANUAL_TOP_UP = "manual_top_up"  # 代充 by a person
    SUBSCRIPTION = "subscription"  # renewed each period
    BUNDLE = "bundle"  # several goods in one order
    PLAN = "plan"  # 会员: a period of the merchant's own membership, without a card


class Category(StrEnum):
    """The shelves of the shop, in the order in which they are shown."""

    VIDEO = "video"
    GAMES = "games"
    SHOPPING = "shopping"
    SOFTWARE = "software"
    MUSIC = "music"
    MOBILE = "mobile"
    LIFE = "life"


CATEGORY_NAMES: dict[Category, dict[str, str]] = {
    Category.VIDEO: {"zh-CN": "影视会员", "en": "Video memberships"},
    Category.GAMES: {"zh-CN": "游戏点卡", "en": "Game cards"},
    Category.SHOPPING: {"zh-CN": "购物卡券", "en": "Shopping cards"},
    Category.SOFTWARE: {"zh-CN": "软件授权", "en": "Software licences"},
    Category.MUSIC: {"zh-CN": "音乐会员", "en": "Music memberships"},
    Category.MOBILE: {"zh-CN": "话费流量", "en": "Mobile top-ups"},
    Category.LIFE: {"zh-CN": "生活服务", "en": "Everyday services"},
}

AXIS_NAMES: dict[str, dict[str, str]] = {
    "period": {"zh-CN": "时长", "en": "Period"},
    "region": {"zh-CN": "地区", "en": "Region"},
    "face_value": {"zh-CN": "面值", "en": "Face value"},
    "server": {"zh-CN": "区服", "en": "Server"},
    "seats": {"zh-CN": "席位", "en": "Seats"},
}
"""The axes along which the SKUs of a product differ, in the order in which they are asked."""

AXIS_VALUES: dict[str, dict[str, str]] = {
    "month": {"zh-CN": "月卡", "en": "1 month"},
    "quarter": {"zh-CN": "季卡", "en": "3 months"},
    "year": {"zh-CN": "年卡", "en": "12 months"},
    "CN": {"zh-CN": "国区", "en": "China"},
    "US": {"zh-CN": "美区", "en": "United States"},
}
"""Values with a wording of their own; any other value (a face value such as `50 USD`) is shown as it stands."""

MOST_PIECES = 40


def axis_name(axis: str, locale: str) -> str:
    """How an axis is called, for example `Period`."""
    return worded(AXIS_NAMES[axis], locale)


def axis_value(value: str, locale: str) -> str:
    """How a value of an axis is shown, for example `month` as `月卡`."""
    return worded(AXIS_VALUES[value], locale) if value in AXIS_VALUES else value


def checked_axes(axes: Mapping[str, str]) -> dict[str, str]:
    """Axes in the order in which they are asked. Raises `Invalid` for an unknown axis or a value that is no title."""
    if not set(axes) <= set(AXIS_NAMES):
        raise Invalid(what="axes")
    return {axis: checked_title(axes[axis], what="axes", most=40) for axis in AXIS_NAMES if axis in axes}


def checked_price(price: Money) -> Money:
    """A price from 0 to the greatest amount of the books (fault 55). Raises `Invalid`."""
    if price.currency not in EXPONENT or not 0 <= price.minor <= GREATEST:
        raise Invalid(what="price")
    return price


def search_words(text: str) -> list[str]:
    """The words of a search, as they are compared: full-width signs narrowed, lower case, at most 8 of 100 characters.

    Punctuation, blanks and controls (NUL, direction controls) part words and are never looked for, so that `%`, `_`
    and `\\` have no meaning; symbols and emoji are words.
    """
    plain = unicodedata.normalize("NFKC", text[:200]).lower()
    parted = "".join(" " if unicodedata.category(sign)[0] in "PZC" else sign for sign in plain)
    return parted[:100].split()[:8]


def pieces(words: list[str]) -> list[tuple[str, str, str]]:
    """The two-character Chinese pieces of a search, each with what it looks like with one wrong character.

    A piece is (exact, LIKE pattern with the second character wrong, LIKE pattern with the first one wrong). Latin
    letters make none, since two of them say nothing: those of `notebook` stand in nearly every name. `腾迅` gives
    `("腾迅", "%腾_%", "%_迅%")`: the first pattern finds 腾讯, which trigrams cannot.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for word in words:
        for first, second in itertools.pairwise(word):
            if is_chinese(first) and is_chinese(second):
                found[first + second] = (first + second, f"%{first}_%", f"%_{second}%")
    return list(found.values())[:MOST_PIECES]


def is_chinese(sign: str) -> bool:
    """Whether a character is a Han ideograph."""
    return "\u3400" <= sign <= "\u9fff" or "\U00020000" <= sign <= "\U0003134f"
