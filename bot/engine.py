"""The dialog engine: what was said becomes an act, the act's handler answers with screens, their buttons get tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot import (
    binding,
    browse,
    buying,
    contacts,
    home,
    memberships,
    numbers,
    orders,
    outbox,
    paying,
    pickups,
    restock,
    stars,
    wallet,
)
from bot.incoming import Incoming
from bot.intents import Act, Intent
from bot.refusals import refuse
from bot.screens import Screen
from bot.talk import ShopContext, Talk
from bot.words import understand
from core.conversations.service import StaleButton, mint_buttons, read_button
from core.db import connection
from core.errors import Refusal
from core.messages.service import StoredMessage

Handler = Callable[[Talk, Act], Screen]

BUTTONS_LIVE = timedelta(days=30)
"""How long a button acts. It may be long: a button never carries a price that would be charged."""

HANDLERS: Mapping[Intent, Handler] = {
    Intent.HOME: browse.start,
    Intent.UNKNOWN: browse.unknown,
    Intent.CATALOG: browse.catalog,
    Intent.CATEGORY: browse.page,
    Intent.SEARCH: browse.searched,
    Intent.PRODUCT: browse.product,
    Intent.CODE: buying.code,
    Intent.CONFIRM: buying.confirm,
    Intent.ASK_QUANTITY: buying.ask_quantity,
    Intent.QUANTITY: buying.confirm,
    Intent.PLACE: buying.place,
    Intent.DISMISS: buying.dismiss,
    Intent.ORDERS: orders.orders,
    Intent.ORDER: orders.order,
    Intent.AGAIN: orders.again,
    Intent.PAY: paying.pay,
    Intent.PAID: paying.paid,
    Intent.WALLET_PAY: paying.from_wallet,
    Intent.STARS: stars.bill,
    Intent.STARS_TOP_UP: stars.top_up,
    Intent.CANCEL: paying.cancel_word,
    Intent.CANCEL_ORDER: paying.cancelled,
    Intent.CARDS: orders.cards,
    Intent.PICK_UP: pickups.pick_up,
    Intent.REDEEM: orders.redeem,
    Intent.FIND: orders.found,
    Intent.REFUND_LATE: wallet.refund_late,
    Intent.EXCHANGE_LATE: wallet.exchange_late,
    Intent.WALLET: wallet.wallet,
    Intent.TOP_UP: wallet.top_up,
    Intent.THANKS: home.thanks,
    Intent.LANGUAGE: home.language,
    Intent.SET_LANGUAGE: home.chosen_language,
    Intent.HELP: restock.support,
    Intent.MEMBER: memberships.member,
    Intent.POINTS: home.not_open_yet,
    Intent.CHECK_IN: home.not_open_yet,
    Intent.COUPONS: home.not_open_yet,
    Intent.BIND: binding.bind,
    Intent.BIND_AGREE: binding.agree,
    Intent.BIND_DECLINE: binding.decline,
    Intent.UNBIND: binding.release,
    Intent.UNBIND_NOW: binding.released,
    Intent.CONTACTS: contacts.contacts,
    Intent.EMAIL: contacts.email,
    Intent.PHONE: contacts.phone,
    Intent.CONTACT_CODE: contacts.code,
    Intent.FORGET_CONTACT: contacts.forgotten,
    Intent.AFTER_SALES: home.not_open_yet,
    Intent.STAFF: restock.staff,
    Intent.RESTOCK: restock.restock,
}
"""Who answers what; a bare number is first read against the last menu sent (numbers.py)."""


class Engine:
    """One conversation engine for all channels. It keeps nothing in memory between two messages."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    def handle(self, incoming: Incoming) -> list[Screen]:
        """Answer one message. A refusal is an `error` screen; a defect or an absent database raises."""
        with connection():
            talk = self._talk(incoming)
            try:
                screen = _answer(talk)
            except StaleButton as stale:
                screen = refuse(talk.texts, stale, *home.home_options(talk.texts), home=False)
            except Refusal as refusal:
                screen = refuse(talk.texts, refusal)
            if incoming.keeps_menu:
                numbers.remember(talk, screen)
            return [_minted(talk, screen)]

    def wants_file(self, incoming: Incoming) -> bool:
        """Whether the file of a message has to be fetched before it is handled; nobody's but staff's ever is."""
        with connection():
            return restock.wants_file(self._talk(incoming), understand(incoming.text or ""))

    def show(self, message: StoredMessage, incoming: Incoming) -> Screen:
        """Draw a message that is sent unasked, for the reader that `incoming` names (without text and action).

        The same message always gets the same button tokens, so that reading it again adds nothing.
        """
        with connection():
            talk = self._talk(incoming)
            screen = outbox.draw(talk, message)
            named = [_lasting_token(self._shop, talk, message, place) for place in range(len(screen.options))]
            return _minted(talk, screen, named)

    def show_once(self, message: StoredMessage, incoming: Incoming) -> Screen:
        """Draw a message that is written into a chat, where it stays: its buttons get new tokens each time."""
        with connection():
            talk = self._talk(incoming)
            return _minted(talk, outbox.draw(talk, message))

    def _talk(self, incoming: Incoming) -> Talk:
        return Talk(
            shop=self._shop,
            incoming=incoming,
            texts=replace(self._shop.phrasebook.texts(incoming.locale), manner=incoming.manner),
            now=self._shop.clock.now(),
            submission=_submission(incoming),
        )


def _answer(talk: Talk) -> Screen:
    act = _meant(talk)
    if act.intent is Intent.NUMBER:
        meant = numbers.meant_by(talk, act)
        if meant is None:
            return home.draw_menu_changed(talk.texts)
        act = meant
    if act.intent is Intent.YES:
        wanted = numbers.agreed(talk)
        if wanted is None:
            return home.draw_nothing_to_confirm(talk.texts)
        act, talk = wanted, replace(talk, submission=f"menu:{wanted.text('once')}")
    return numbers.paged(talk, HANDLERS[act.intent](talk, act), act)


def _meant(talk: Talk) -> Act:
    """What was tapped or said. Raises `StaleButton` for a token that is not of this conversation, alike for all."""
    incoming = talk.incoming
    if incoming.action is None:
        return understand(incoming.text or "")
    intent, params = read_button(conversation_id=talk.conversation_id, token=incoming.action, now=talk.now)
    if intent not in set(Intent):
        raise StaleButton()
    return Act(Intent(intent), params)


def _submission(incoming: Incoming) -> str:
    """The name under which this turn takes effect once: the button's, so that ten taps place one order (fault 39)."""
    if incoming.action is None:
        return f"message:{incoming.submission_id}"
    return f"button:{hashlib.sha256(incoming.action.encode()).hexdigest()}"


def _lasting_token(shop: ShopContext, talk: Talk, message: StoredMessage, place: int) -> str:
    named = f"{talk.conversation_id}/{message.id}/{place}".encode()
    digest = hmac.digest(shop.button_key.reveal(), b"keystall button\x00" + named, "sha256")
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _minted(talk: Talk, screen: Screen, named: Sequence[str] | None = None) -> Screen:
    """The screen with a token for each option that acts: new ones, or those `named` by the option's place."""
    places = [place for place, option in enumerate(screen.options) if option.act is not None]
    acts = [option.act for option in screen.options if option.act is not None]
    tokens = mint_buttons(
        conversation_id=talk.conversation_id,
        intents=[(act.intent.value, act.params) for act in acts],
        now=talk.now,
        ttl=BUTTONS_LIVE,
        tokens=None if named is None else [named[place] for place in places],
    )
    action = dict(zip(places, tokens, strict=True))
    return screen.with_options(
        *(replace(option, action=action.get(place)) for place, option in enumerate(screen.options))
    )
