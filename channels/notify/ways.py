"""The ways outside the chats, in the order they are tried: a letter, then a text message; neither carries a card.

Where they tell of cards they carry a pick-up code instead: it is minted here, as the message is written, and kept only
if the message may have arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.letters import Pickup, Place, draw_letter, order_end
from bot.texts import Phrasebook, Texts
from channels.card_links import CardLinks
from channels.notify.answers import is_misconfigured
from channels.notify.email import Letter, Mailer, mail_server
from channels.notify.sms import Texter, TextMessage, sms_account, texter
from core.actor import SYSTEM, Actor, ActorKind
from core.clock import Clock
from core.config import Config
from core.connections.chats import ChatChannel, chat_account, read_address
from core.errors import NotFound
from core.fulfilment.pickup_codes import MintedPickup, PickupCodes, may_get_code
from core.ids import Prefix, parse
from core.members.confirmed import ConfirmedContact, confirmed_contact
from core.members.contacts import ContactKind
from core.messages.alerts import AlertKind, raise_alert
from core.messages.service import CARDS_WAIT, MessageKind
from core.orders.service import OrderView, order_view
from core.parties.service import PartyView, access_party
from core.ports import Parcel, SendAnswer
from core.secret import Secret
from core.vault.pickups import pickup_key

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Words:
    """What a letter needs beside its message."""

    phrasebook: Phrasebook
    public_url: str


class EmailWay:
    """Letters; a `core.fulfilment.carrying.OtherWay`."""

    name = "email"
    is_heard = True

    def __init__(
        self, mailer: Mailer, words: Words, clock: Clock, pickups: PickupCodes, links: CardLinks | None = None
    ) -> None:
        self._mailer = mailer
        self._links = links or CardLinks()
        self._words = words
        self._clock = clock
        self._pickups = pickups

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """Send the message as a letter; None without a confirmed address, or for what is worth no letter."""
        contact = confirmed_contact(shopper_id=parcel.shopper_id, kind=ContactKind.EMAIL)
        if contact is None:
            return None
        view = _order(parcel)
        if parcel.kind not in CARDS_WAIT or view is None or not self._may_get_code(view, contact):
            plain = self._letter(parcel, contact.address, view, None, None)
            return self._send(plain) if plain else None
        page = self._links.for_letter(parcel, contact)
        with self._pickups.for_message(order_id=view.id, merchant_id=parcel.merchant_id, contact=contact) as minted:
            letter = self._letter(parcel, contact.address, view, minted, page)
            return minted.settled(self._send(letter)) if letter else None

    def _may_get_code(self, view: OrderView, contact: ConfirmedContact) -> bool:
        return may_get_code(order_id=view.id, contact=contact, now=self._clock.now())

    def _send(self, letter: Letter) -> SendAnswer:
        return watched(self.name, self._mailer.send(letter, now=self._clock.now()), clock=self._clock)

    def _letter(
        self, parcel: Parcel, address: str, view: OrderView | None, minted: MintedPickup | None, page: str | None
    ) -> Letter | None:
        texts = self._words.phrasebook.texts(parcel.locale)
        merchant = access_party(actor=SYSTEM, party_id=parcel.merchant_id)
        words = draw_letter(
            texts,
            MessageKind(parcel.kind),
            parcel.body,
            view,
            shop=texts.name(merchant.names),
            place=place_of(texts, parcel, merchant, public_url=self._words.public_url),
            pickup=Pickup(minted.text(), minted.days) if minted else None,
            card_page=page,
        )
        if words is None:
            return None
        reference = reference_of(parcel) + (f"/{minted.id}" if minted else "")  # another code is another letter
        return Letter(address, words.subject, words.text, reference, words.link, words.link_text)


class SmsWay:
    """Text messages that cards are ready, and nothing else: each costs money. An `OtherWay` too."""

    name = "sms"
    is_heard = True

    def __init__(
        self,
        wire: Texter,
        phrasebook: Phrasebook,
        clock: Clock,
        pickups: PickupCodes,
        *,
        template: str,
        variables: Sequence[str],
    ) -> None:
        self._wire = wire
        self._phrasebook = phrasebook
        self._clock = clock
        self._pickups = pickups
        self._template = template
        self._variables = tuple(variables)

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """Say that the cards are ready; None without a confirmed phone, and for every other message.

        None as well where the template has a code and this phone may not get one for this order.
        """
        contact, view = confirmed_contact(shopper_id=parcel.shopper_id, kind=ContactKind.PHONE), _order(parcel)
        if contact is None or view is None or parcel.kind not in CARDS_WAIT:
            return None
        merchant = access_party(actor=SYSTEM, party_id=parcel.merchant_id)
        shop = self._phrasebook.texts(parcel.locale).name(merchant.names)
        values = {"order": order_end(view.id), "shop": shop}
        if "code" not in self._variables:
            return self._send(contact.address, values)
        if not may_get_code(order_id=view.id, contact=contact, now=self._clock.now()):
            return None
        with self._pickups.for_message(order_id=view.id, merchant_id=parcel.merchant_id, contact=contact) as minted:
            return minted.settled(self._send(contact.address, values | {"code": minted.text()}))

    def _send(self, address: str, values: Mapping[str, str]) -> SendAnswer:
        message = TextMessage(address, self._template, {name: values[name] for name in self._variables})
        return watched(self.name, self._wire.send(message), clock=self._clock)


def other_ways(
    config: Config, *, phrasebook: Phrasebook, clock: Clock, links: CardLinks | None = None
) -> list[EmailWay | SmsWay]:
    """The ways that are switched on, in the order they are tried. Raises ConfigError without their secrets."""
    ways: list[EmailWay | SmsWay] = []
    server, account = mail_server(config), sms_account(config)
    if not server and not account:
        return ways
    key = pickup_key(config.secret(config.secrets.worker_key).reveal())
    pickups = PickupCodes(Secret(key), clock)
    if server:
        ways.append(EmailWay(Mailer(server), Words(phrasebook, config.public_url), clock, pickups, links))
    if account:
        wire, sms = texter(account), config.sms
        ways.append(SmsWay(wire, phrasebook, clock, pickups, template=sms.cards_template, variables=sms.cards_params))
    return ways


def watched(way: str, answer: SendAnswer, *, clock: Clock) -> SendAnswer:
    """The same answer; where the operator must mend something first, that is alerted."""
    if is_misconfigured(answer):
        log.error("a way to tell people does not work", way=way, problem=answer.problem)
        detail = {"problem": answer.problem}
        raise_alert(kind=AlertKind.CHANNEL_MISCONFIGURED, subject=way, detail=detail, now=clock.now())
    return answer


def reference_of(parcel: Parcel) -> str:
    """What names a message for ever: its conversation, kind and the ids in its body."""
    named = sorted((name, value) for name, value in parcel.body.items() if isinstance(value, str | int))
    return "/".join([str(parcel.conversation_id), parcel.kind, *(f"{name}={value}" for name, value in named)])


def place_of(texts: Texts, parcel: Parcel, merchant: PartyView, *, public_url: str) -> Place:
    """The chat that the shopper knows us from: the bot, the official account, or the shop's page."""
    address = read_address(parcel.chat_address)
    if address is None:
        link = f"{public_url}/s/{merchant.code}"
        return Place(link, link)
    account = chat_account(account_id=address.account_id)
    if address.channel is ChatChannel.TELEGRAM:
        return Place(f"Telegram @{account.username}", f"https://t.me/{account.username}" if account.username else "")
    return Place(texts.row(texts.say("WeChat"), texts.name(account.names)))


def _order(parcel: Parcel) -> OrderView | None:
    if "order" not in parcel.body:
        return None
    shopper = Actor(ActorKind.SHOPPER, id=parcel.shopper_id, party_id=parcel.merchant_id)
    try:
        return order_view(actor=shopper, order_id=parse(Prefix.ORDER, str(parcel.body["order"])))
    except NotFound:
        return None
