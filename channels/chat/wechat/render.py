"""A Screen as the one text of a passive reply: numbers, words and page links, within what a reply may hold.

The keys are those of `bot.numbers.offered`, which the engine understands. Whether prices are shown is decided before,
by the manner in which the screen was drawn (`bot.wordings.by_number`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.intents import Intent
from bot.numbers import Offered, offered
from bot.pages import Page, PageKind
from bot.screens import CardEntry, Option, Screen, ScreenKind
from bot.texts import Texts
from channels.chat.wechat.cards import card_lines
from channels.chat.wechat.envelope import NOT_XML
from core.ids import Prefix, public

MOST_BYTES = 2048
MOST_WIDE = 600  # signs beyond ASCII
LABEL_AT_MOST = 36  # signs of an option, where the whole does not fit
BODY_AT_LEAST = 1  # lines of the text that are never left out: its title

PageUrl = Callable[[Page], str]
CardPage = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a reply from top to bottom; `closing` is never cut."""

    body: tuple[str, ...]
    cards: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def text(self, body_lines: int | None = None) -> str:
        """All of it, or with so many lines of its body only."""
        body = self.body if body_lines is None else (*self.body[:body_lines], "…")
        blocks = ("\n".join(part) for part in (body, self.cards, self.links, self.keys) if part)
        return "\n\n".join(blocks)


def reply_text(
    screen: Screen,
    texts: Texts,
    *,
    page_url: PageUrl,
    card_page: CardPage = lambda: None,
    is_answer: bool = True,
    is_numbered: bool = True,
) -> str:
    """The text of a screen; it always fits a passive reply.

    `page_url` makes the signed link of a page, `card_page` the one to the page that opens this screen's cards, where
    there is one: cards that find no room stand there, else on the page of their order. A screen sent unasked
    (`is_answer` false; cards always are) has words instead of numbers: the menu that the shopper looks at stays the one
    that numbers answer.
    """
    has_numbers = is_answer and screen.kind is not ScreenKind.CARDS
    choices = offered(screen)
    keys = keys_of(choices, texts, is_numbered=is_numbered) if has_numbers else words_of(screen, texts)
    links = links_of(screen, choices, texts, page_url)
    cards = card_lines(screen.cards, texts)
    if cards is not None:
        whole = Reply(body_of(screen, texts), cards, links, keys)
        if fits(whole.text()):
            return whole.text()
        if found := fitted(replace(whole, links=links or page_of_cards(screen, texts, page_url, card_page))):
            return found
    whole = Reply(body_of(screen, texts), (), links or page_of_cards(screen, texts, page_url, card_page), keys)
    if found := fitted(whole) or fitted(shortened(whole)):
        return found
    raise ValueError("the links of a screen leave no room for its title")


def reply_texts(screens: Sequence[Screen], texts: Texts, *, page_url: PageUrl, is_numbered: bool = True) -> str:
    """Several screens in one reply, as cards of several deliveries; those that find no room lead to their page.

    Without numbers choices are only named: where another menu follows, whose numbers they would be taken for.
    """
    parts = [reply_text(screen, texts, page_url=page_url, is_numbered=is_numbered) for screen in screens]
    if fits(whole := "\n\n".join(parts)):
        return whole
    bare = (replace(screen, text=title_of(screen), cards=masked(screen.cards)) for screen in screens)
    parts = [reply_text(screen, texts, page_url=page_url, is_numbered=is_numbered) for screen in bare]
    return fitted(Reply(tuple("\n\n".join(parts).split("\n"))))


def masked(cards: Sequence[CardEntry]) -> tuple[CardEntry, ...]:
    """The same cards unopened."""
    return tuple(replace(card, secret=None, number=None, pin=None) for card in cards)


def title_of(screen: Screen) -> str:
    """The first line of a screen."""
    return screen.text.partition("\n")[0]


def fits(text: str) -> bool:
    """Whether a passive reply may hold a text: 2048 bytes, of them about 600 Chinese signs."""
    return len(text.encode()) <= MOST_BYTES and sum(not sign.isascii() for sign in text) <= MOST_WIDE


def fitted(reply: Reply) -> str:
    """The reply with as much of its body as fits; empty where not even its title does."""
    if fits(whole := reply.text()):
        return whole
    lines = range(len(reply.body) - 1, BODY_AT_LEAST - 1, -1)
    return next((text for count in lines if fits(text := reply.text(count))), "")


def shortened(reply: Reply) -> Reply:
    """The same with short labels and short lines; numbers and links stay whole."""
    keys = tuple(cut(line, LABEL_AT_MOST) for line in reply.keys)
    return Reply(tuple(cut(line, 2 * LABEL_AT_MOST) for line in reply.body), reply.cards, reply.links, keys)


def cut(line: str, most: int) -> str:
    """A line of at most so many signs."""
    return line if len(line) <= most else line[: most - 1] + "…"


def body_of(screen: Screen, texts: Texts) -> tuple[str, ...]:
    """The screen's text, without signs that XML cannot carry, and the error id of a refusal."""
    lines = [NOT_XML.sub("", line) for line in screen.text.splitlines()]
    if screen.error_id is not None:
        lines.append(texts.row(texts.say("Error id"), screen.error_id))
    return tuple(lines)


def keys_of(choices: Offered, texts: Texts, *, is_numbered: bool = True) -> tuple[str, ...]:
    """`1 选购商品` … `0 返回`; without numbers `· 选购商品`, and nothing of what leads back or places an order."""
    if not is_numbered:
        return tuple(f"· {label_of(key, option, texts)}" for key, option in choices.keys if key not in {"0", "Y"})
    return tuple(f"{key} {label_of(key, option, texts)}" for key, option in choices.keys)


def label_of(key: str, option: Option, texts: Texts) -> str:
    """The option's label; 0 is always the way back, unless it gives something up."""
    is_way_back = key == "0" and option.act is not None and option.act.intent is not Intent.DISMISS
    return texts.say("Back") if is_way_back else " ".join(NOT_XML.sub("", option.label).split())


def words_of(screen: Screen, texts: Texts) -> tuple[str, ...]:
    """`可以回复：取卡、订单`: the words that do what the options of an unasked message do; below cards: what next."""
    known = {
        Intent.CARDS: texts.say("orders" if screen.kind is ScreenKind.CARDS else "cards"),
        Intent.ORDER: texts.say("orders"),
        Intent.ORDERS: texts.say("orders"),
        Intent.WALLET: texts.say("wallet"),
        Intent.HOME: texts.say("menu"),
        Intent.CATALOG: texts.say("menu"),
        Intent.BIND_AGREE: texts.say("agree"),
        Intent.BIND_DECLINE: texts.say("decline"),
        Intent.UNBIND: texts.say("unbind"),
    }
    acts = [option.act.intent for option in screen.options if option.act is not None]
    words = dict.fromkeys(known[intent] for intent in acts if intent in known)
    return (texts.say("Send: {words}", words=texts.say(", ").join(words)),) if words else ()


def links_of(screen: Screen, choices: Offered, texts: Texts, page_url: PageUrl) -> tuple[str, ...]:
    """One line a page; a message about late money gets its order's page, where the choice is."""
    lines = [link(option.label, address_of(option, page_url)) for option in choices.links]
    asks = {option.act.intent for option in screen.options if option.act is not None}
    if not lines and screen.order is not None and Intent.REFUND_LATE in asks:
        lines.append(link(texts.say("Refund or other goods"), page_url(order_page(screen))))
    return tuple(lines)


def page_of_cards(screen: Screen, texts: Texts, page_url: PageUrl, card_page: CardPage) -> tuple[str, ...]:
    """The link to where what finds no room here is shown: the page of its cards, else of its order, if it has one."""
    count = len(screen.cards)
    address = card_page() if count else None
    if address is None and screen.order is not None:
        address = page_url(order_page(screen))
    if address is None:
        return ()
    label = texts.say("See the cards ({count})", count=count) if count else texts.say("See the order")
    return (link(label, address),)


def order_page(screen: Screen) -> Page:
    """The page of a screen's order."""
    if screen.order is None:
        raise ValueError("a screen without an order has no page of one")
    return Page(PageKind.ORDER, {"order": public(Prefix.ORDER, screen.order)})


def address_of(option: Option, page_url: PageUrl) -> str:
    """Where an option leads."""
    if option.page is not None:
        return page_url(option.page)
    if option.pay_order is not None:
        return page_url(Page(PageKind.ORDER, {"order": public(Prefix.ORDER, option.pay_order)}))
    if option.pay_payment is not None:
        return page_url(Page(PageKind.TOP_UP, {"payment": public(Prefix.PAYMENT, option.pay_payment)}))
    if option.url is None:
        raise ValueError(f"the option {option.label!r} leads nowhere")
    return option.url


def link(label: str, address: str) -> str:
    """A link as WeChat reads it in a text: in the middle of plain words, whose signs are left as they are."""
    if '"' in address or "<" in label:
        raise ValueError("a link of WeChat has no quotes in its address and no tags in its label")
    return f'<a href="{address}">{label}</a>'
