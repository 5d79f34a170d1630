"""Options as a keyboard that is pleasant under a thumb: what matters first, − and + side by side, back last."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby

from bot.intents import Intent
from bot.screens import Option, Screen, ScreenKind
from bot.texts import Texts
from channels.chat.telegram.markup import is_link
from channels.chat.telegram.message import Button, Rows, Style

WHOLE_ROW = 36  # columns of a phone's button; a Chinese character takes two
HALF_ROW = 18
FIFTH_ROW = 3
LABEL_COLUMNS = 64

SEPARATOR = " · "  # between the parts of a label, the most important first


class Place(Enum):
    """Where an option stands on the keyboard; from top to bottom."""

    FIRST = auto()  # what this screen is for: a row of its own
    STEP = auto()  # −1, the quantity, +1: one row
    PLAIN = auto()  # short ones two a row, long ones one a row
    PAGE = auto()  # the page before and the next: one row
    GIVE_UP = auto()  # a row of its own, so that nobody hits it by accident
    BACK = auto()  # the last row


def place_of(screen: Screen, option: Option) -> Place:
    """Where an option belongs; what it means decides, its label never."""
    intent = option.act.intent if option.act else None
    params = option.act.params if option.act else {}
    if option.is_back:
        return Place.BACK
    if style_of(screen, option) in {Style.SUCCESS, Style.PRIMARY}:
        return Place.FIRST
    if intent is Intent.CANCEL_ORDER and screen.kind is ScreenKind.PAY:
        return Place.GIVE_UP
    if screen.kind is ScreenKind.CONFIRM and (intent is Intent.ASK_QUANTITY or intent is Intent.CONFIRM):
        return Place.STEP
    if intent is Intent.CATEGORY and "page" in params:
        return Place.PAGE
    return Place.PLAIN


def style_of(screen: Screen, option: Option) -> Style | None:
    """Green places or pays an order, blue leads there, red gives it up; a list of alike options has no colours."""
    if option.pay_order is not None or option.pay_payment is not None:
        return Style.SUCCESS
    if option.url is not None and screen.kind is ScreenKind.CARDS:
        return Style.PRIMARY
    intent = option.act.intent if option.act else None
    if intent is Intent.PLACE:
        return Style.SUCCESS
    if intent in {Intent.WALLET_PAY, Intent.STARS, Intent.STARS_TOP_UP} or (
        intent is Intent.CONFIRM and is_the_only_way_on(screen)
    ):
        return Style.PRIMARY
    if intent is Intent.DISMISS or (intent is Intent.CANCEL_ORDER and screen.kind is ScreenKind.PAY):
        return Style.DANGER
    return None


def is_the_only_way_on(screen: Screen) -> bool:
    """Whether this is one product with nothing left to choose: buy, or go back."""
    return screen.kind is ScreenKind.PRODUCT and sum(not option.is_back for option in screen.options) == 1


def keyboard(screen: Screen, texts: Texts) -> Rows:
    """The rows of a screen's options."""
    numbers = numbers_of(screen)
    placed: dict[Place, list[Button]] = {place: [] for place in Place}
    written_out = unlinked(screen)
    for at, option in sorted(enumerate(screen.options), key=lambda pair: step_of(screen, pair[1])):
        if option in written_out:
            continue
        label = quantity_label(screen, option, texts) or short(option.label, numbers.get(at))
        action = option.action if option.url is None else None
        button = Button(label, callback=action, url=option.url, style=style_of(screen, option))
        placed[place_of(screen, option)].append(button)
    return (
        *alone(placed[Place.FIRST]),
        *together(placed[Place.STEP]),
        *side_by_side(placed[Place.PLAIN]),
        *together(placed[Place.PAGE]),
        *alone(placed[Place.GIVE_UP]),
        *alone(placed[Place.BACK]),
    )


def unlinked(screen: Screen) -> list[Option]:
    """The options whose address Telegram takes for no button, as `http://localhost` of a shop on one's own machine:
    it would refuse the whole message, so they are written in the text.
    """
    return [option for option in screen.options if option.url is not None and not is_link(option.url)]


def step_of(screen: Screen, option: Option) -> int:
    """Less, the quantity itself, more; the page before, the next; everything else keeps its order."""
    if option.act is None:
        return 0
    match place_of(screen, option):
        case Place.STEP:
            return option.act.number("quantity", quantity_of(screen))
        case Place.PAGE:
            return option.act.number("page")
        case _:
            return 0


def quantity_of(screen: Screen) -> int:
    """How many a confirm screen is about to order."""
    acts = [option.act for option in screen.options if option.act and option.act.intent is Intent.PLACE]
    return acts[0].number("quantity") if acts else 0


def quantity_label(screen: Screen, option: Option, texts: Texts) -> str:
    """`数量：2` between − and +, where 改数量 would not fit; empty for every other option."""
    count = quantity_of(screen)
    is_between = count > 0 and option.act is not None and option.act.intent is Intent.ASK_QUANTITY
    return texts.row(texts.say("Quantity"), str(count)) if is_between else ""


def numbers_of(screen: Screen) -> dict[int, int]:
    """The options to be listed in the text because a button is too narrow for one of them: where each stands among
    the screen's options, and its number, which is what the same number means when it is typed. None where a typed
    number answers something else.
    """
    forward = [(at, option) for at, option in enumerate(screen.options) if not option.is_back]
    long = [
        at for at, option in forward if place_of(screen, option) is Place.PLAIN and columns(option.label) > HALF_ROW
    ]
    if screen.asks is not None or all(columns(screen.options[at].label) <= WHOLE_ROW for at in long):
        return {}
    return {at: number for number, (at, _) in enumerate(forward, 1) if at in long}


def alone(buttons: Sequence[Button]) -> Rows:
    """A row each."""
    return tuple((button,) for button in buttons)


def together(buttons: Sequence[Button]) -> Rows:
    """One row, none if there are no buttons."""
    return (tuple(buttons),) if buttons else ()


def side_by_side(buttons: Sequence[Button]) -> Rows:
    """Neighbours of alike length share a row, in their order."""
    rows: list[tuple[Button, ...]] = []
    for most, group in groupby(buttons, key=lambda button: fitting(button.text)):
        of_group = list(group)
        rows += [tuple(of_group[at : at + most]) for at in range(0, len(of_group), most)]
    return tuple(rows)


def fitting(label: str) -> int:
    """How many buttons with such a label fit side by side."""
    return 5 if columns(label) <= FIFTH_ROW else 2 if columns(label) <= HALF_ROW else 1


def columns(text: str) -> int:
    """How wide a text is; a Chinese character is as wide as two Latin ones."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def short(label: str, number: int | None = None) -> str:
    """The label as it fits a button; one that is listed in the text has its number and what matters most of it."""
    if number is None:
        return cut(label, LABEL_COLUMNS)
    kept, *parts = label.split(SEPARATOR)
    kept = f"{number}. {kept}"
    for part in parts:
        if columns(longer := f"{kept}{SEPARATOR}{part}") > WHOLE_ROW:
            break
        kept = longer
    return cut(kept, WHOLE_ROW)


def cut(text: str, most: int) -> str:
    """The text, its end replaced by … where it is wider than `most` columns."""
    if columns(text) <= most:
        return text
    while columns(text) > most - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"
