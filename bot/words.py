"""The words that always work, in Chinese and English, and how quantities are written."""

from __future__ import annotations

import re
import unicodedata

from bot.intents import Act, Intent
from bot.staff_words import read_staff_words
from core.errors import Invalid

LONGEST_QUESTION = 200  # characters of a message that are read; nobody's goods have longer names
LONGEST_ECHO = 24  # characters of a shopper's own words shown back

_WORDS: dict[Intent, tuple[str, ...]] = {
    Intent.HOME: ("菜单", "主菜单", "选单", "主页", "首页", "返回", "开始", "你好", "您好", "在吗",
                  "menu", "home", "start", "back", "hi", "hello"),
    Intent.CATALOG: ("商品", "选购", "分类", "全部商品", "goods", "shop", "products", "catalog", "catalogue"),
    Intent.ORDERS: ("订单", "我的订单", "最近订单", "查订单", "order", "orders", "my orders"),
    Intent.CARDS: ("取卡", "取卡密", "卡密", "再次查看", "card", "cards", "my cards"),
    Intent.WALLET: ("钱包", "余额", "我的余额", "充值余额", "wallet", "balance"),
    Intent.THANKS: ("谢谢", "谢谢你", "谢谢您", "谢谢了", "谢了", "多谢", "感谢", "辛苦了",
                    "thanks", "thank you", "thank you very much", "thx", "ty"),
    Intent.LANGUAGE: ("语言", "切换语言", "language", "lang"),
    Intent.YES: ("确认", "确认下单", "确定", "是", "是的", "好", "好的", "可以", "y", "yes", "ok", "okay", "confirm"),
    Intent.HELP: ("客服", "人工", "人工客服", "帮助", "怎么用", "help", "support", "?"),
    Intent.CANCEL: ("取消", "取消订单", "cancel"),
    Intent.MEMBER: ("会员", "我的会员", "member", "membership"),
    Intent.POINTS: ("积分", "我的积分", "points"),
    Intent.CHECK_IN: ("签到", "checkin", "check-in", "check in"),
    Intent.COUPONS: ("优惠券", "优惠", "领券", "coupon", "coupons"),
    Intent.AFTER_SALES: ("售后", "申请售后", "退款", "退货", "换货", "投诉", "refund", "complaint", "after-sales"),
    Intent.SEARCH: ("搜索", "搜", "search", "find goods"),
    Intent.FIND: ("找单", "find"),
    Intent.BIND: ("绑定", "绑定账号", "关联账号", "bind", "link"),
    Intent.BIND_AGREE: ("同意", "同意绑定", "agree"),
    Intent.BIND_DECLINE: ("不同意", "拒绝", "不绑定", "decline"),
    Intent.UNBIND: ("解绑", "解除绑定", "取消绑定", "解绑账号", "unbind", "unlink"),
    Intent.CONTACTS: ("邮箱", "电子邮箱", "通知", "通知方式", "联系方式", "email", "e-mail", "contacts"),
    Intent.CONFIRM: ("买", "购买", "下单", "buy"),
}  # fmt: skip
_ALONE = {word: intent for intent, words in _WORDS.items() for word in words}

_TAKES_MORE = {
    Intent.AFTER_SALES: ("售后", "申请售后", "退款", "退货", "换货", "投诉", "refund", "complaint", "after-sales"),
    Intent.SEARCH: ("搜索", "搜", "search"),
    Intent.FIND: ("找单", "find"),
    Intent.BIND: ("绑定", "bind"),
    Intent.CONFIRM: ("购买", "买", "下单", "buy"),
    Intent.ORDER: ("订单", "order", "orders"),
    Intent.CARDS: ("取卡", "cards", "/cards"),
    Intent.SET_LANGUAGE: ("语言", "language"),
    Intent.HOME: ("/start", "start"),
    Intent.EMAIL: ("电子邮箱", "邮箱", "email", "e-mail"),
    Intent.PHONE: ("手机号码", "手机号", "手机", "phone"),
    Intent.CONTACT_CODE: ("验证码", "code"),
}
_BEFORE_MORE = tuple(
    (re.compile(f"{re.escape(word)}{r'[ :]+' if word.isascii() else r'[ :]*'}(.+)", re.IGNORECASE), intent)
    for intent, words in _TAKES_MORE.items()
    for word in words
)

_TRADITIONAL = str.maketrans("買訂單選購幫語搜尋錢優積簽綁餘額換", "买订单选购帮语搜寻钱优积签绑余额换")
_CODE = re.compile(r"([A-Za-z][A-Za-z0-9]{0,15})(?: *[*×✕✖] *| +|$)(.*)")
_COUPON = re.compile(r" *(?:券|coupon) *([A-Za-z0-9]{2,20})$", re.IGNORECASE)
_COUNTED = "(?:个|张|份|件|条|枚|pcs?|cards?)?"
_COUNT = "([0-9]{1,12}|[一二两三四五六七八九十])"
_QUANTITY = re.compile(f"[*×✕✖x]? *{_COUNT} *{_COUNTED}", re.IGNORECASE)
_COUNT_FIRST = re.compile(f"{_COUNT} *{_COUNTED} *[×x]? *([A-Za-z][A-Za-z0-9]{{0,15}})", re.IGNORECASE)
_WORRIES = re.compile(
    "退款|退货|退钱|售后|投诉|无效|用不了|不能用|骗|refund|complain|money back|not work|invalid", re.IGNORECASE
)
_PERSON = re.compile("人工|客服|真人|support|human|agent", re.IGNORECASE)
_LIKE_A_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9.,]*(?:e[+-]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE)
_CHINESE = {sign: n for n, sign in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_CONTACTS = {
    Intent.EMAIL: re.compile(r"\S*@.*"),
    Intent.PHONE: re.compile(r"\+?[0-9][0-9 -]{5,}"),
    Intent.CONTACT_CODE: re.compile(r"[0-9][0-9 ]{3,8}"),
}
"""What comes after these words; anything else is about goods: 手机 充值."""
_NO_MORE = re.compile("off|stop|no|none|删除|取消|关闭|不要", re.IGNORECASE)
_PICKUP = re.compile("[0-9A-Za-z]{10}|(?=.*[0-9])[0-9A-Za-z]{8,12}")
"""A pick-up code without its dashes, rightly copied or nearly; words that are none have no digit."""
_BILL = re.compile(r"[0-9]{10,64}")


class BadQuantity(Invalid):
    """A quantity that is no whole number from 1 to the listing's maximum (fault 54)."""


def normalised(text: str) -> str:
    """The message as it is read: compatibility forms folded, signs that show nothing left out, one blank between words.

    Full-width letters, digits and blanks become plain ones; control, zero-width and direction signs go (fault 56).
    """
    folded = unicodedata.normalize("NFKC", text[: LONGEST_QUESTION * 4])
    seen = "".join(" " if sign.isspace() else sign for sign in folded if sign.isspace() or _is_visible(sign))
    return " ".join(seen.split())[:LONGEST_QUESTION]


def _is_visible(sign: str) -> bool:
    return unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def echo(text: str) -> str:
    """A shopper's own words, short and harmless enough to be quoted back."""
    clean = normalised(text)
    return clean if len(clean) <= LONGEST_ECHO else clean[: LONGEST_ECHO - 1] + "…"


def understand(text: str) -> Act:
    """What a message means. Never refuses: words that mean nothing are `UNKNOWN` with what was said."""
    if act := read_staff_words(normalised(text.lstrip().partition("\n")[0])):
        return act
    said = normalised(text)
    plain = said.rstrip("。.!！~～ ").translate(_TRADITIONAL)
    if _BILL.fullmatch(plain):
        return Act(Intent.FIND, {"number": plain})
    if _LIKE_A_NUMBER.fullmatch(plain):
        return Act(Intent.NUMBER, {"said": plain})
    if intent := _ALONE.get(plain.lower().lstrip("/")):
        return Act(intent)
    for pattern, intent in _BEFORE_MORE:
        if found := pattern.fullmatch(plain):
            return _with_more(intent, found[1].strip(), said)
    if found := _CODE.fullmatch(plain):
        amount = _amount(found[2])
        if not amount["quantity"] or looks_like_a_quantity(amount["quantity"]):
            return Act(Intent.CODE, {"code": found[1].upper(), "said": said, **amount})
    return _worried(said) or Act(Intent.UNKNOWN, {"said": said})


def _worried(said: str) -> Act | None:
    """Sentences about money back or about a person are answered as such, and never with goods."""
    if _WORRIES.search(said):
        return Act(Intent.AFTER_SALES)
    return Act(Intent.HELP) if _PERSON.search(said) else None


def _with_more(intent: Intent, more: str, said: str) -> Act:
    if intent is Intent.CONFIRM:
        if found := _CODE.fullmatch(more):
            return Act(intent, {"code": found[1].upper(), "said": more, **_amount(found[2])})
        if found := _COUNT_FIRST.fullmatch(more):
            return Act(intent, {"code": found[2].upper(), "said": more, "quantity": found[1]})
        return Act(Intent.SEARCH, {"words": more})
    if intent in _CONTACTS:
        return _about_contacts(intent, more, said)
    name = {Intent.SEARCH: "words", Intent.FIND: "number", Intent.BIND: "code", Intent.HOME: "code"}.get(intent)
    if intent is Intent.CARDS and _PICKUP.fullmatch(re.sub("[ _.·–—-]", "", more)):
        return Act(Intent.PICK_UP, {"code": more})
    if intent in {Intent.ORDER, Intent.CARDS} and not more.startswith("ord_"):
        return Act(Intent.UNKNOWN, {"said": said})
    return Act(intent, {name or ("locale" if intent is Intent.SET_LANGUAGE else "order"): more})


def _about_contacts(intent: Intent, more: str, said: str) -> Act:
    if intent is not Intent.CONTACT_CODE and _NO_MORE.fullmatch(more):
        return Act(Intent.FORGET_CONTACT, {"kind": intent.value})
    if _CONTACTS[intent].fullmatch(more):
        return Act(intent, {"code" if intent is Intent.CONTACT_CODE else "address": more})
    return _worried(said) or Act(Intent.UNKNOWN, {"said": said})


def _amount(rest: str) -> dict[str, str]:
    coupon = _COUPON.search(rest)
    written = (rest[: coupon.start()] if coupon else rest).strip()
    return {"quantity": written, **({"coupon": coupon[1].upper()} if coupon else {})}


def looks_like_a_quantity(written: str) -> bool:
    """Whether words after a code were meant as a number, rightly written or not."""
    return bool(_QUANTITY.fullmatch(written) or _LIKE_A_NUMBER.match(written))


def read_quantity(written: str, *, maximum: int) -> int:
    """How many: `2`, `２`, `×2`, `2张`, `两个`; nothing at all is 1. Raises `BadQuantity` outside 1..maximum."""
    if not written.strip():
        return 1
    found = _QUANTITY.fullmatch(normalised(written))
    count = 0 if found is None else _CHINESE.get(found[1]) or int(found[1])
    if not 1 <= count <= maximum:
        raise BadQuantity(written=echo(written), maximum=maximum)
    return count


def read_locale(written: str) -> str | None:
    """The language somebody names: zh-CN, en, or none that we speak."""
    wish = written.strip().lower()
    if wish.startswith(("zh", "中", "汉", "简", "chinese")):
        return "zh-CN"
    return "en" if wish.startswith(("en", "英")) else None
