"""Refusals of use cases in words of the panel: what is wrong, and what to do; nothing was changed."""

from __future__ import annotations

from collections.abc import Mapping

from admin.goods.sheet_reasons import SHEET_REASONS
from admin.stock.saying import STOCK, STOCK_PARTS
from bot.texts import Texts, mark
from core.catalog.changes import Archived
from core.catalog.goods import VariantThere
from core.catalog.sheets.cells import SheetUnreadable
from core.catalog.sheets.service import SheetMoved, TooLateToUndo
from core.connections.checks import TriedJustNow
from core.connections.gateways import GatewayLeft
from core.connections.handed_in import NoPublicKey
from core.connections.joining import AccountElsewhere, Disconnected, OtherBot
from core.connections.platforms import AppSecretWrong, NotListed, PlatformAway, PlatformRefuses, TokenUnknown
from core.connections.service import SandboxElsewhere
from core.conversations.restocking import BadCost, RestockTooOften, UnknownGoods
from core.errors import Conflict, Invalid, Limited, NotAllowed, NotFound, Refusal, Unavailable
from core.fulfilment.giving_back import LineStays
from core.fulfilment.memberships import NotForUs
from core.fulfilment.reading import NothingDelivered
from core.fulfilment.sending_again import SentOften
from core.fulfilment.tasks import FieldsMissing, TaskNotHeld, TaskTaken
from core.orders.hurrying import NothingWaits
from core.orders.review import CardsAreBroken, NothingToRelease, WentOut
from core.orders.rules import OrderIs
from core.parties.api_keys import TooManyKeys
from core.parties.applying import TooManyApplications
from core.parties.kept_filters import FilterThere, TooManyFilters
from core.parties.passwords import WrongPassword
from core.parties.people import LastOwner, OnesOwn, OnlyRoles, WorksElsewhere
from core.parties.service import CodeTaken
from core.parties.signing_in import TooManyTries
from core.payments.cases import NotToDecide
from core.payments.rules import AlreadyDecided
from core.supply.listing_offers import CostMoved
from core.supply.offering import NoSuchBuyer, NotYoursToOffer
from core.supply.service import OfferMakesCircle

FAMILIES: Mapping[type[Refusal], str] = {
    NotFound: mark("That is not there any more. Nothing was changed."),
    NotAllowed: mark("Your role may not do this. Nothing was changed."),
    Invalid: mark("Something here cannot be taken. Nothing was changed: check what you wrote."),
    Conflict: mark("Somebody was faster, or it has changed meanwhile. Nothing was changed: look at it again."),
    Limited: mark("Too often just now. Nothing was changed: wait a while."),
    Unavailable: mark("That does not answer at the moment. Nothing was changed: try again in a minute."),
}
"""The last resort of each family; whatever people meet often has a sentence of its own below."""

SENTENCES: Mapping[type[Refusal], str] = {
    LastOwner: mark("Nobody else is an owner: make somebody else one first. Nothing was changed."),
    OnesOwn: mark("Your own roles and login are another owner's to change. Nothing was changed."),
    WorksElsewhere: mark(
        "This person works for another party too: take the roles here away instead. Nothing was changed."
    ),
    OnlyRoles: mark("These are the only roles of this person: close the login instead. Nothing was changed."),
    WrongPassword: mark("This is not the password that you have now. Nothing was changed."),
    TooManyTries: mark("Too many wrong tries. Wait {minutes} min, then try again."),
    Archived: mark("It is put away: bring it back first."),
    VariantThere: mark("A variant with the values of {code} is there already. Nothing was added."),
    SheetMoved: mark("The goods have changed meanwhile: look at the rows again. Nothing was changed."),
    TooLateToUndo: mark("Only the last sheet can be undone, once, for a day. Nothing was changed."),
    BadCost: mark(
        "What a card cost is an amount like 3.20, with six digits after the point at most. Nothing was kept."
    ),
    RestockTooOften: mark("You have brought {most} files within a day: go on tomorrow. Nothing was kept."),
    UnknownGoods: mark("Cards of these goods are not yours to bring. Nothing was kept."),
    CostMoved: mark("A cost has changed meanwhile: look at the new prices below. Nothing was changed."),
    TooManyApplications: mark("Too many applications at the moment: try again tomorrow. Nothing was kept."),
    NoSuchBuyer: mark("No merchant or agent has this code: ask them for it."),
    NotYoursToOffer: mark(
        "There is no SKU with this code that you may sell: a shared one, your own, or one offered to you."
    ),
    OfferMakesCircle: mark("This offer would lead back to you: they sell this SKU to you already."),
    TooManyKeys: mark("There are {most} keys already: revoke one that is not used."),
    TooManyFilters: mark("You keep {most} filters already: forget one first. Nothing was kept."),
    FilterThere: mark("You keep a filter “{name}” of this list already: choose another name, or forget that one."),
    CodeTaken: mark("This code or address is in use already: choose another one."),
    TokenUnknown: mark("Telegram does not know this token: copy it from @BotFather again, the whole line."),
    OtherBot: mark("This is the token of another bot, @{username}: connect that one beside this."),
    AppSecretWrong: mark("WeChat says that AppID and AppSecret do not belong together: copy both again."),
    NotListed: mark(
        "WeChat lets this store not in: add its address {address} to the account's IP list, then try again."
    ),
    PlatformRefuses: mark(
        "The platform says no ({code}). Nothing was changed: look at the account in its own console."
    ),
    PlatformAway: mark("The platform does not answer from this store. Nothing was changed: try again in a minute."),
    AccountElsewhere: mark("This account serves another merchant already: disconnect it there first."),
    Disconnected: mark("It was disconnected and has no secrets any more: connect it again with them."),
    GatewayLeft: mark("It was disconnected: connect it again."),
    TriedJustNow: mark("It was checked some seconds ago: wait a moment."),
    NoPublicKey: mark("This store takes in no secrets yet: the operator starts it once more."),
    LineStays: mark("One of these cannot be given back now. Nothing was changed: the page says which, and why."),
    NotForUs: mark("This money cannot go back from here: the gateway gave it back, or it came in another currency."),
    NothingDelivered: mark("Nothing of this order was delivered yet, so that nothing can be sent again."),
    SentOften: mark("These cards were sent again {limit} times today. The shopper can always send 取卡."),
    TaskTaken: mark("Somebody else has this top-up already."),
    TaskNotHeld: mark("You do not have this top-up: take it first."),
    FieldsMissing: mark("The buyer has not told yet what is needed (fields missing: {missing})."),
    NothingWaits: mark("Nothing of this order waits for another try."),
    NothingToRelease: mark("Nothing of this order waits for a person any more."),
    WentOut: mark("The cards went out before the store was restored: released, they would go out twice."),
    CardsAreBroken: mark("Cards set aside: {missing}. Released, too few would be delivered. Give the money back."),
    OrderIs: mark("The order has moved on: look at it again. Nothing was changed."),
    NotToDecide: mark("Where this money belongs is not certain: ask the platform. Nothing was changed."),
    AlreadyDecided: mark("Somebody has decided about this money before."),
    SandboxElsewhere: mark("Play money is for demo stores only."),
    **STOCK,
}
"""`{…}` stands for the refusal's parameters."""

PARTS: Mapping[str, str] = {
    "price": mark("This is no price: give an amount like 10.50, from 0 up."),
    "email": mark("This is no e-mail address."),
    "contact": mark("Say who may be asked, in at most 120 characters."),
    "sells": mark("Say what you would sell, in at most 2,000 characters."),
    "kind": mark("Choose supplier or merchant."),
    "buyer": mark("Nobody offers to themselves: give the code of another party."),
    "scope": mark("Choose at least one thing that the key may do."),
    "days": mark("Give a number of days from 1 to 365."),
    "network": mark("One of the networks is none: write them like 203.0.113.7 or 203.0.113.0/24, 20 at most."),
    "amount": mark("This is no amount: give one like 10.50, without a sign or a currency."),
    "code": mark("This code cannot be taken: use small letters, digits and dashes, 40 at most."),
    "password": mark("This password cannot be taken: use 12 to 200 characters."),
    "password_same": mark("The new password is the old one: choose another."),
    "position": mark("A place is a whole number from 0 up."),
    "quantity": mark("One order may have from 1 to 1000."),
    "life": mark("Days are a whole number from 0 to 3650."),
    "listing": mark("A code is a letter with up to 15 letters and digits after it, like A1."),
    "grid": mark("Tick at least one variant, at most 100."),
    "axes": mark("A value is at most 40 signs long."),
    "label": mark("Each field needs what it asks in Chinese."),
    "fields": mark("Short names are small letters, digits and _, each once."),
    "percent": mark("A percentage is a number from 0 to 10000, with two digits after the point at most."),
    "ending": mark("Choose one of the endings."),
    "picks": mark("Tick at least one of the goods, at most 300."),
    "aliases": mark("These search words cannot be taken: they are too long, or have signs that cannot be shown."),
    "bot_token": mark("This is no bot token: it looks like 123456789:AAE… and comes from @BotFather."),
    "app_id": mark("This is no AppID: it begins with wx and has 18 signs."),
    "callback_token": mark("This is no Token: 3 to 32 letters and digits, the same as in WeChat's console."),
    "aes_key": mark("This is no EncodingAESKey: it has 43 letters and digits."),
    "lines": mark("Tick at least one of the goods."),
    "app_secret": mark("This is no AppSecret: copy it from WeChat's console."),
    "greeting": mark("The greeting is too long (200 signs at most), or has signs that cannot be shown."),
    "notice": mark("The notice is too long (300 signs at most), or has signs that cannot be shown."),
    "shop_contact": mark("The contact is too long (120 signs at most), or has signs that cannot be shown."),
    "name": mark("This name cannot be taken: it is empty, too long, or has signs that cannot be shown."),
    "filter": mark("There is no filter to keep: cut the list to something first."),
    "filter_name": mark("This name cannot be taken: it has 1 to 40 signs, and none that cannot be shown."),
    "filter_size": mark("This filter is too long to be kept: search for less at once."),
    **STOCK_PARTS,
}
"""What `Invalid` calls the part that it refuses."""


def sentence(refusal: Refusal, words: Texts) -> str:
    """The sentence of the nearest kind of this refusal."""
    if isinstance(refusal, SheetUnreadable):
        return words.say(SHEET_REASONS[str(refusal.params["problem"])], **refusal.params)
    said = PARTS.get(str(refusal.params.get("what"))) if isinstance(refusal, Invalid) else None
    if said is not None:
        return words.say(said)
    for kind in type(refusal).__mro__:
        found = SENTENCES.get(kind) or FAMILIES.get(kind)
        if found is not None:
            return words.say(found, **refusal.params)
    return words.say(FAMILIES[Conflict])
