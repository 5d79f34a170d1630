"""Where a shopper is told outside the chat: an e-mail address or a phone, set by a word, confirmed by a code."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.intents import Act, Intent
from bot.pickups import own_address
from bot.screens import Option, Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts
from core.members.contacts import (
    CODE_LIVES,
    Contact,
    ContactKind,
    ask_confirmation,
    confirm,
    contacts_of,
    forget,
    masked,
)


def contacts(talk: Talk, act: Act) -> Screen:
    """What is set, and the words that set it."""
    return draw_contacts(talk.texts, talk.shop.contacts, contacts_of(shopper_id=talk.incoming.shopper_id))


def email(talk: Talk, act: Act) -> Screen:
    """邮箱 me@example.com."""
    return _asked(talk, act, ContactKind.EMAIL)


def phone(talk: Talk, act: Act) -> Screen:
    """手机 13800138000."""
    return _asked(talk, act, ContactKind.PHONE)


def _asked(talk: Talk, act: Act, kind: ContactKind) -> Screen:
    if kind not in talk.shop.contacts:
        return contacts(talk, act)
    shown = ask_confirmation(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        chat=own_address(talk),
        kind=kind,
        address=act.text("address"),
        network=talk.incoming.network,
        seal_key=talk.shop.order_keys.seal,
        now=talk.now,
    )
    return draw_code_sent(talk.texts, kind, shown)


def code(talk: Talk, act: Act) -> Screen:
    """验证码 123456, or the bare digits after they were asked for."""
    written = act.text("code") or act.text("quantity")
    known = confirm(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        chat=own_address(talk),
        code=written.replace(" ", ""),
        seal_key=talk.shop.order_keys.seal,
        now=talk.now,
    )
    return draw_confirmed(talk.texts, known)


def forgotten(talk: Talk, act: Act) -> Screen:
    """Nothing is sent there any more."""
    kind = ContactKind(act.text("kind"))
    forget(actor=talk.actor, kind=kind, now=talk.now)
    return draw_forgotten(talk.texts, kind)


def draw_contacts(texts: Texts, kinds: Collection[ContactKind], known: Sequence[Contact]) -> Screen:
    """Each way that the shop has: what is set there, and how it is changed."""
    if not kinds and not known:
        lines = [texts.say("This shop sends no e-mail and no text messages."), texts.say("You hear everything here.")]
        return Screen(ScreenKind.TEXT, "\n".join(lines), (home_option(texts),))
    set_to = {contact.kind: masked(contact.kind, contact.address) for contact in known}
    lines = [texts.say("Where we reach you when this chat cannot")]
    lines += [
        texts.row(_name(texts, kind), set_to.get(kind) or texts.say("not set"))
        for kind in ContactKind
        if kind in kinds or kind in set_to
    ]
    lines.append(texts.say("We write there only when nothing reaches you here; cards are never in it."))
    how = {
        ContactKind.EMAIL: texts.say("To set an e-mail address, send “email me@example.com”."),
        ContactKind.PHONE: texts.say("To set a phone, send “phone 13800138000”."),
    }
    lines += [how[kind] for kind in ContactKind if kind in kinds]
    return Screen(
        ScreenKind.TEXT, "\n".join(lines), (*(_forget_option(texts, kind) for kind in set_to), home_option(texts))
    )


def draw_code_sent(texts: Texts, kind: ContactKind, shown: str) -> Screen:
    """A code is on its way; the next bare number is read as it."""
    minutes = int(CODE_LIVES.total_seconds()) // 60
    lines = [
        texts.say("A code is on its way to {address}", address=shown),
        texts.say("Please send its six digits here within {minutes} minutes.", minutes=minutes),
    ]
    if kind is ContactKind.EMAIL:
        lines.append(texts.say("Nothing there? Look among the junk mail, or ask for it again in a minute."))
    else:
        lines.append(texts.say("Nothing there? Ask for it again in a minute."))
    return Screen(ScreenKind.INPUT, "\n".join(lines), (home_option(texts),), asks=Act(Intent.CONTACT_CODE))


def draw_confirmed(texts: Texts, contact: Contact) -> Screen:
    """The address is the shopper's."""
    lines = [
        texts.say("Confirmed: {address}", address=masked(contact.kind, contact.address)),
        texts.say("We write there only when nothing reaches you here; cards are never in it."),
    ]
    return Screen(ScreenKind.TEXT, "\n".join(lines), (_forget_option(texts, contact.kind), home_option(texts)))


def draw_forgotten(texts: Texts, kind: ContactKind) -> Screen:
    """The address is gone."""
    gone = {
        ContactKind.EMAIL: texts.say("Your e-mail address is forgotten: nothing is sent there any more."),
        ContactKind.PHONE: texts.say("Your phone is forgotten: nothing is sent there any more."),
    }
    return Screen(ScreenKind.TEXT, gone[kind], (home_option(texts),))


def draw_code_not_sent(texts: Texts, kind: ContactKind) -> Screen:
    """What is told unasked when no code could be sent."""
    lines = [texts.say("The code could not be sent"), texts.say("Nothing was changed. Please check what you wrote:")]
    if kind is ContactKind.EMAIL:
        lines.append(texts.say("To set an e-mail address, send “email me@example.com”."))
    else:
        lines.append(texts.say("To set a phone, send “phone 13800138000”."))
    return Screen(ScreenKind.TEXT, "\n".join(lines), (home_option(texts),))


def _name(texts: Texts, kind: ContactKind) -> str:
    return texts.say("E-mail") if kind is ContactKind.EMAIL else texts.say("Phone")


def _forget_option(texts: Texts, kind: ContactKind) -> Option:
    label = texts.say("Forget my e-mail address") if kind is ContactKind.EMAIL else texts.say("Forget my phone")
    return choice(label, Intent.FORGET_CONTACT, kind=kind.value)
