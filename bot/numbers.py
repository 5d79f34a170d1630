"""A bare number, or a bare yes: read against the menu sent last, or taken as the quantity that was asked for."""

from __future__ import annotations

from bot.intents import Act, Intent
from bot.screens import Option, Screen
from bot.talk import Talk
from core.conversations.service import MenuOption, StaleMenu, read_menu, remember_menu
from core.ids import Prefix, new_token, public

YES = -2  # where the act is kept that a typed 确认 stands for
NO_OPTION = -1  # a number that no menu has: it finds what any number means, if the last screen asked how many


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
    if screen.asks is not None:
        options = [MenuOption(None, screen.asks.intent, screen.asks.params)]
        options += [
            MenuOption(YES, option.act.intent, {**option.act.params, "once": new_token()})
            for option in screen.options
            if option.act is not None and option.act.intent is Intent.PLACE
        ]
    else:
        options = numbered(screen)
    if options:
        remember_menu(conversation_id=talk.conversation_id, options=options, now=talk.now)


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
