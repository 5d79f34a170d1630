"""The screens about addresses outside the chat."""

from collections.abc import Callable, Iterator

from bot import contacts
from bot.screens import Screen
from bot.texts import Texts
from core.members.contacts import Contact, ContactKind
from tests.golden.goods import NOON

EMAIL = Contact(ContactKind.EMAIL, "me@example.com", NOON)
PHONE = Contact(ContactKind.PHONE, "+8613800138000", NOON)


def reaching() -> Iterator[tuple[str, Callable[[Texts], Screen]]]:
    """What is set, codes on their way, confirmed, forgotten."""
    every = frozenset(ContactKind)
    yield "contacts_off", lambda texts: contacts.draw_contacts(texts, (), [])
    yield "contacts_none", lambda texts: contacts.draw_contacts(texts, every, [])
    yield "contacts_email_only", lambda texts: contacts.draw_contacts(texts, {ContactKind.EMAIL}, [EMAIL])
    yield "contacts_both", lambda texts: contacts.draw_contacts(texts, every, [EMAIL, PHONE])
    yield "contact_code_email", lambda texts: contacts.draw_code_sent(texts, ContactKind.EMAIL, "m***@example.com")
    yield "contact_code_phone", lambda texts: contacts.draw_code_sent(texts, ContactKind.PHONE, "138****8000")
    yield "contact_confirmed", lambda texts: contacts.draw_confirmed(texts, EMAIL)
    for kind in ContactKind:
        yield f"contact_forgotten_{kind.value}", lambda texts, k=kind: contacts.draw_forgotten(texts, k)
        yield f"contact_code_not_sent_{kind.value}", lambda texts, k=kind: contacts.draw_code_not_sent(texts, k)
