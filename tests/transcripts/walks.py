"""What a shopper does, part by part: the same on every channel where the channel allows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.transcripts.chats import Chat
from tests.transcripts.on_telegram import TelegramChat
from tests.transcripts.on_web import WebChat
from tests.transcripts.town import SOLD_OUT

SAID = {
    "hello": ("你好", "hello"),
    "thanks": ("谢谢", "thanks"),
    "search": ("搜索 steam", "search steam"),
    "question": ("有没有追剧的会员", "something to watch series with"),
    "nonsense": ("火星车轮胎", "tyres for a mars rover"),
    "buy two": ("买 A1 2", "buy A1 2"),
    "buy": ("买 A2", "buy A2"),
    "buy none": ("买", "buy"),
    "too many": ("买 A1 9999", "buy A1 9999"),
    "sold out": (f"买 {SOLD_OUT}", f"buy {SOLD_OUT}"),
    "cards": ("取卡", "cards"),
    "orders": ("订单", "orders"),
    "wallet": ("余额", "wallet"),
    "cancel": ("取消", "cancel"),
    "help": ("客服", "help"),
    "member": ("会员", "member"),
    "after-sales": ("这张卡用不了，我要退款", "this key does not work, I want a refund"),
    "find": ("找单 4200001234567890", "find 4200001234567890"),
    "language": ("语言", "language"),
    "other language": ("语言 English", "language 中文"),
    "own language": ("语言 中文", "language English"),
    "contacts": ("邮箱", "email"),
    "bind": ("绑定", "bind"),
    "agree": ("同意", "agree"),
    "unbind": ("解绑", "unbind"),
}
"""What is typed, in Chinese and in English."""

CAREFUL = "Keep them to yourself: whoever has a card can use it."
"""What stands under cards, and under nothing else."""

TITLES = {
    "greet": ("打招呼", "Saying hello"),
    "browse": ("逛一逛", "Looking around"),
    "link": ("从商品链接进来，下单", "By a link to one product, to an order"),
    "cards": ("付款，收卡", "Paying, and the cards"),
    "again": ("再看一次、怎么用、再来一单", "Once more: the cards, how to use them, the same again"),
    "cancel": ("不买了", "Changing one’s mind"),
    "orders": ("查订单、找单", "Orders, and one by its bill"),
    "wallet": ("余额", "The wallet"),
    "unknown": ("听不懂的话、卖完的、太多的", "Words nobody knows, sold out, too many"),
    "late": ("点了旧按钮", "A button of an old message"),
    "number": ("回复了旧菜单的数字", "A number that comes late"),
    "help": ("客服、会员、售后、邮箱", "Help, membership, after-sales, e-mail"),
    "language": ("换语言", "Another language"),
    "bind": ("绑定：{one}、{two}", "Linking {one} and {two}"),
    "unbind": ("解除绑定", "Letting go again"),
    "turn": ("一句话下单", "Ordering in one turn"),
    "page": ("在页面上付款", "Paying on the page"),
    "iphone": ("在苹果手机上打开", "The same page on an iPhone"),
    "fetch": ("取卡、再来一单", "Getting the cards, and the same again"),
}
"""The headings, in Chinese and in English."""


def said(chat: Chat, what: str) -> str:
    """What is typed, in the language of a chat."""
    return SAID[what][0 if chat.is_chinese else 1]


def title(chat: Chat, what: str, **named: str) -> str:
    """A heading in the language of a chat."""
    return TITLES[what][0 if chat.is_chinese else 1].format(**named)


def part(chat: Chat, what: str, **named: str) -> None:
    """Begin a part of the conversation."""
    chat.paper.heading(title(chat, what, **named))


def says(chat: Chat, *what: str) -> None:
    """Several things typed one after the other."""
    for one in what:
        chat.say(said(chat, one))


def looks_around(chat: Chat) -> None:
    """Goods, one shelf, one product, a search."""
    part(chat, "browse")
    word = chat.texts.say
    chat.tap(word("Goods"))
    chat.tap("影视会员" if chat.is_chinese else "Video")
    chat.tap("爱奇艺" if chat.is_chinese else "iQIYI")
    says(chat, "search")


def buys_with_buttons(chat: Chat) -> None:
    """Confirm with another quantity, pay, the cards; then what can be done with them."""
    word = chat.texts.say
    chat.tap("+1")
    chat.tap(word("Confirm order"))
    careful = word(CAREFUL)
    part(chat, "cards")
    chat.pay(until=careful)
    part(chat, "again")
    chat.tap(word("See the cards again"), until=careful)
    chat.tap(word("How to use"))
    chat.tap(word("Order again"))
    chat.tap(word("Cancel"))
    chat.say(said(chat, "cards"), until=careful)


def changes_mind(chat: Chat) -> None:
    """An order by its code, placed and given up."""
    part(chat, "cancel")
    says(chat, "buy none", "buy")
    chat.tap(chat.texts.say("Confirm order"))
    chat.tap(chat.texts.say("I have paid"))
    says(chat, "cancel", "cancel")


def looks_orders_up(chat: Chat) -> None:
    """The list, one of it, and a bill's number that nobody knows."""
    part(chat, "orders")
    says(chat, "orders")
    chat.tap("腾讯视频" if chat.is_chinese else "Tencent")
    says(chat, "find")


def uses_the_wallet(chat: Chat) -> None:
    """Top up, and pay from it."""
    part(chat, "wallet")
    word = chat.texts.say
    says(chat, "wallet")
    chat.tap(word("Top up {amount}", amount="¥50.00" if chat.is_chinese else "CN¥50.00"))
    chat.pay(until=word("Next time you can pay with one tap."))
    says(chat, "buy two")
    chat.tap(word("Confirm order"))
    chat.tap(word("Use my wallet ({amount})", amount="¥50.00" if chat.is_chinese else "CN¥50.00"), until=word(CAREFUL))


def is_not_understood(chat: Chat) -> None:
    """Words, goods and quantities that cannot be had."""
    part(chat, "unknown")
    says(chat, "question", "nonsense", "sold out", "too many")


def asks_for_help(chat: Chat) -> None:
    """Help, what is not open yet, thanks."""
    part(chat, "help")
    says(chat, "help", "member", "after-sales", "contacts", "thanks")


def changes_language(chat: Chat) -> None:
    """There and back."""
    part(chat, "language")
    says(chat, "language", "other language", "own language")


def binds(one: Chat, two: Chat) -> None:
    """A code from one chat, typed in the other, a yes in both; and apart again."""
    part(one, "bind", one=one.place, two=two.place)
    word = one.texts.say
    code = code_in(one.say(said(one, "bind"))[-1].text)
    two.say(f"{said(two, 'bind')} {code}")
    one.hear(word("Agree only if that account is your own too: you share orders, wallet and language with it."))
    two.say(said(two, "agree"))
    one.say(said(one, "agree"))
    two.hear(word("If that was not you, unlink it now."))
    says(one, "bind", "orders")
    part(one, "unbind")
    says(one, "unbind")
    one.tap(word("Unlink"))
    two.hear(word("It stands on its own again. You can link it anew at any time."))


def code_in(text: str) -> str:
    """The code that a chat was told: the word after 绑定 or bind."""
    line = next(line for line in text.splitlines() if "绑定 " in line or "bind " in line)
    return line.split()[-1].rstrip("。.")


def on_telegram(chat: TelegramChat) -> None:
    """Everything but the binding."""
    part(chat, "greet")
    chat.start()
    looks_around(chat)
    part(chat, "link")
    chat.start("A1")
    old = chat.newest(chat.texts.say("Buy"))
    chat.tap(chat.texts.say("Buy"))
    buys_with_buttons(chat)
    for walk in (changes_mind, looks_orders_up, uses_the_wallet, is_not_understood):
        walk(chat)
    part(chat, "late")
    chat.press(chat.texts.say("Buy"), message=old)
    chat.hear()
    asks_for_help(chat)
    changes_language(chat)


def on_the_web(chat: WebChat) -> None:
    """Everything but the binding."""
    part(chat, "greet")
    says(chat, "hello")
    looks_around(chat)
    part(chat, "link")
    chat.say("A1")
    old = chat.newest(chat.texts.say("Buy"))
    chat.tap(chat.texts.say("Buy"))
    buys_with_buttons(chat)
    steps: tuple[Callable[[Chat], None], ...] = (changes_mind, looks_orders_up, uses_the_wallet, is_not_understood)
    for walk in (*steps, partial(taps_an_old_button, old=old), asks_for_help, changes_language):
        walk(chat)


def taps_an_old_button(chat: WebChat, *, old: dict) -> None:  # type: ignore[type-arg]
    """A button of a screen that was shown long before."""
    part(chat, "late")
    label = chat.texts.say("Buy")
    chat.paper.said(chat.who(chat.me), f"[{label}]")
    chat.tap_on(old, label)
    chat.hear()
