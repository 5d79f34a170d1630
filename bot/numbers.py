"""A bare number, or a bare yes: read against the menu sent last, or taken as the quantity that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from bot.intents import Act, Intent
from bot.manner import Manner
from bot.pages import PageKind
from bot.screens import Option, Screen
from bot.talk import Talk, back_to
from core.conversations.service import MenuOption, StaleMenu, read_menu, remember_menu
from core.ids import Prefix, new_token, public

YES = -2  # where the act is kept that a typed 确认 stands for
MOST = 9  # numbers of a menu where nothing can be tapped; 0 leads back
NO_OPTION = -1  # a number that no menu has: it finds what any number means, if the last screen asked how many


LISTS = frozenset(
    {Intent.CATALOG, Intent.CATEGORY, Intent.SEARCH, Intent.UNKNOWN, Intent.CODE, Intent.CONFIRM, Intent.PRODUCT,
     Intent.ORDERS, Intent.LANGUAGE}
)  # fmt: skip
"""What only looks, and so can be done again for the rest of a long list."""


@dataclass(frozen=True, slots=True)
class Offered:
    """How the options of a screen are offered where nothing can be tapped: by a key that is typed, or as a link."""

    keys: tuple[tuple[str, Option], ...]  # "1" to "9" in their order, "Y", then "0"
    links: tuple[Option, ...]


def meant_by(talk: Talk, act: Act) -> Act | None:
    """What the number means: an option of the last menu, a quantity, or nothing any more (None)."""
    said = act.text("said")
    number = int(said) if said.isdigit() and len(said) < 10 else NO_OPTION
    try:
        option = read_menu(conversation_id=talk.conversation_id, number=number, now=talk.now)
    except StaleMenu:
        return None if said.isdigit() else Act(Intent.UNKNOWN, {"said": said})
    params = dict(option.params)
    if option.number is None:
        params["quantity"] = said
    return Act(Intent(option.intent), params)


def agreed(talk: Talk) -> Act | None:
    """What a typed 确认 places: exactly what the last screen asked to be confirmed, or None where it asked nothing.

    Its parameter `once` names that one screen, so that saying it twice at once places one order.
    """
    try:
        option = read_menu(conversation_id=talk.conversation_id, number=YES, now=talk.now)
    except StaleMenu:
        return None
    return Act(Intent(option.intent), option.params) if option.number == YES else None


def awaits_quantity(talk: Talk) -> bool:
    """Whether the last screen asked how many: then 取消 means that question, not an order placed before."""
    try:
        return read_menu(conversation_id=talk.conversation_id, number=NO_OPTION, now=talk.now).number is None
    except StaleMenu:
        return False


def remember(talk: Talk, screen: Screen) -> None:
    """Keep what a bare number answers from now on; a screen without choices leaves the menu before it."""
    if options := menu_of(screen, talk.texts.manner):
        remember_menu(conversation_id=talk.conversation_id, options=options, now=talk.now)


def menu_of(screen: Screen, manner: Manner) -> list[MenuOption]:
    """What a bare number answers once this screen is read; nothing where it offers no choice."""
    if not manner.has_buttons:
        return typed(screen)
    if screen.asks is not None:
        return [MenuOption(None, screen.asks.intent, screen.asks.params), *agreement(screen)]
    return numbered(screen)


def agreement(screen: Screen) -> list[MenuOption]:
    """What a typed 确认 does: places the order that the screen asks to be confirmed."""
    return [
        MenuOption(YES, option.act.intent, {**option.act.params, "once": new_token()})
        for option in screen.options
        if option.act is not None and option.act.intent is Intent.PLACE
    ]


def numbered(screen: Screen) -> list[MenuOption]:
    """The options as they are numbered: from 1 in their order, the one that leads back is 0."""
    forward = [option for option in screen.options if not option.is_back]
    places = [(n, acting(option)) for n, option in enumerate(forward, 1)]
    places += [(0, option.act) for option in screen.options if option.is_back]
    return [MenuOption(n, act.intent, act.params) for n, act in places if act is not None]


def acting(option: Option) -> Act | None:
    """What an option does when it is named instead of tapped; a payment page is shown once more."""
    if option.pay_order is not None:
        return Act(Intent.PAY, {"order": public(Prefix.ORDER, option.pay_order)})
    return option.act


def offered(screen: Screen) -> Offered:
    """The keys and links of a screen where nothing can be tapped; `typed` understands exactly these keys.

    Where a number answers the question itself (how many?) only Y and 0 are keys.
    """
    acts = [option for option in screen.options if option.act is not None]
    forward = [option for option in acts if not option.is_back]
    if screen.asks is not None:
        keys = [("Y", option) for option in forward if is_placing(option)]
    else:
        keys = [(str(n), option) for n, option in enumerate(forward[:MOST], 1)]
    keys += [("0", option) for option in acts if option.is_back]
    return Offered(tuple(keys), tuple(option for option in screen.options if option.act is None))


def is_placing(option: Option) -> bool:
    """Whether choosing it places an order."""
    return option.act is not None and option.act.intent is Intent.PLACE


def typed(screen: Screen) -> list[MenuOption]:
    """What may be typed after a screen where nothing can be tapped. 0 always leads somewhere: else to the menu."""
    numbers = {int(key): option.act for key, option in offered(screen).keys if key != "Y"}
    options = [MenuOption(n, act.intent, act.params) for n, act in numbers.items() if act is not None]
    if 0 not in numbers:
        options.append(MenuOption(0, Intent.HOME))
    if screen.asks is None:
        return options
    return [MenuOption(None, screen.asks.intent, screen.asks.params), *options, *(agreement(screen) or linked(screen))]


def linked(screen: Screen) -> list[MenuOption]:
    """A typed 确认 where only a page can place the order: the same once more, with a link that still works."""
    return [
        MenuOption(YES, Intent.CONFIRM, {name: option.page.params[name] for name in ("code", "quantity")})
        for option in screen.options
        if option.page is not None and option.page.kind is PageKind.CHECKOUT
    ]


def paged(talk: Talk, screen: Screen, act: Act) -> Screen:
    """A list longer than the numbers reach, a part at a time: the last number goes on, 0 goes back.

    Going on does the same act again with `skip`, so nothing of the list is kept and the parts are never stale.
    """
    forward = [option for option in screen.options if not option.is_back]
    if talk.texts.manner.has_buttons or len(forward) <= MOST or act.intent not in LISTS or screen.asks is not None:
        return screen
    step = MOST - 1
    skip = act.number("skip") if 0 < act.number("skip") < len(forward) else 0
    back = [option for option in screen.options if option.is_back]
    if skip:
        before = {**act.params, "skip": max(0, skip - step)}
        back = [back_to(talk.texts.say("Previous page"), act.intent, **before)]
    if len(forward) - skip <= MOST:
        return screen.with_options(*forward[skip:], *back)
    more = Option(talk.texts.say("More"), act=Act(act.intent, {**act.params, "skip": skip + step}))
    return screen.with_options(*forward[skip : skip + step], more, *back)
