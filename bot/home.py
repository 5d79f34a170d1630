"""Where the conversation begins and where it explains itself: the menu, help, languages, what is not open yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bot.intents import Act, Intent
from bot.screens import Option, Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts, mark
from bot.words import read_locale
from core.members.contacts import ContactKind
from core.members.service import set_locale
from core.parties.fronts import find_front

NOT_OPEN_YET = {
    Intent.MEMBER: mark("Membership has not opened in this shop yet."),
    Intent.POINTS: mark("Points have not opened in this shop yet."),
    Intent.CHECK_IN: mark("Check-in has not opened in this shop yet."),
    Intent.COUPONS: mark("Coupons have not opened in this shop yet; the price you see is the price you pay."),
    Intent.AFTER_SALES: mark(
        "After-sales cannot be asked for here yet: write to the shop where you found it, with your order number."
    ),
}
LOOKS = frozenset(
    {Intent.HOME, Intent.UNKNOWN, Intent.CATALOG, Intent.CATEGORY, Intent.SEARCH, Intent.PRODUCT, Intent.CODE,
     Intent.CONFIRM, Intent.ORDERS, Intent.ORDER, Intent.CARDS, Intent.WALLET, Intent.THANKS, Intent.LANGUAGE,
     Intent.SET_LANGUAGE, Intent.HELP, Intent.MEMBER, Intent.POINTS, Intent.CHECK_IN, Intent.COUPONS,
     Intent.AFTER_SALES, Intent.CONTACTS}
)  # fmt: skip
"""What neither places an order nor moves money, however it ends, and may be said again."""

LANGUAGE_NAMES = {"zh-CN": "中文", "en": "English"}


def home(talk: Talk, act: Act) -> Screen:
    """The menu, as the shop greets, with what shoppers should know now."""
    front, texts = find_front(merchant_id=talk.merchant_id), talk.texts
    said = [texts.of_the_shop(text) for text in (front.greets(texts.locale), front.notes(texts.locale))]
    greeting, notice = said
    screen = draw_home(texts, first=greeting)
    return replace(screen, text=f"{notice}\n\n{screen.text}") if notice else screen


def not_open_yet(talk: Talk, act: Act) -> Screen:
    """One honest sentence, and the menu."""
    return draw_home(talk.texts, first=talk.texts.say(NOT_OPEN_YET[act.intent]))


def language(talk: Talk, act: Act) -> Screen:
    """Which language?"""
    return draw_languages(talk.texts, talk.shop.phrasebook.locales)


def chosen_language(talk: Talk, act: Act) -> Screen:
    """Speak it from now on; a language we do not speak shows those that we do."""
    locale = read_locale(act.text("locale"))
    if locale not in talk.shop.phrasebook.locales:
        return language(talk, act)
    set_locale(actor=talk.actor, locale=locale, now=talk.now)
    texts = replace(talk.shop.phrasebook.texts(locale), manner=talk.texts.manner)
    return draw_home(texts, first=texts.say("From now on we speak English."))


def support(talk: Talk, act: Act) -> Screen:
    """The words that work, and how to reach the merchant."""
    contact = talk.texts.of_the_shop(find_front(merchant_id=talk.merchant_id).contact)
    return draw_help(talk.texts, talk.shop.contacts, contact)


def thanks(talk: Talk, act: Act) -> Screen:
    """谢谢."""
    return draw_welcome(talk.texts)


def home_options(texts: Texts) -> tuple[Option, ...]:
    """What the menu offers."""
    return (
        choice(texts.say("Goods"), Intent.CATALOG),
        choice(texts.say("My orders"), Intent.ORDERS),
        choice(texts.say("Get my cards"), Intent.CARDS),
        choice(texts.say("Wallet"), Intent.WALLET),
        choice(texts.say("Help"), Intent.HELP),
        choice(texts.say("中文 / English"), Intent.LANGUAGE),
    )


def draw_home(texts: Texts, first: str = "") -> Screen:
    """The menu, after one sentence that answers what was asked."""
    lines = [first or texts.say("Hello, what would you like?")]
    lines.append(texts.say("Tap below, or just write: “search video”, “buy A1 2”."))
    return Screen(ScreenKind.MENU, "\n".join(lines), home_options(texts))


def draw_welcome(texts: Texts) -> Screen:
    """What a thank-you is answered with."""
    return draw_home(texts, first=texts.say("You are welcome. Anything else?"))


def draw_menu_changed(texts: Texts) -> Screen:
    """What a button or number of an old menu is answered with."""
    return draw_home(texts, first=texts.say("The menu has changed, please choose again."))


def draw_nothing_to_confirm(texts: Texts) -> Screen:
    """确认 without a question before it."""
    return draw_home(texts, first=texts.say("There is nothing to confirm right now, and nothing was ordered."))


def draw_languages(texts: Texts, locales: list[str]) -> Screen:
    """Each language by its own name."""
    options = (choice(LANGUAGE_NAMES.get(locale, locale), Intent.SET_LANGUAGE, locale=locale) for locale in locales)
    return Screen(ScreenKind.MENU, texts.say("Choose a language / 请选择语言"), (*options, home_option(texts)))


def draw_help(texts: Texts, contacts: Collection[ContactKind] = (), contact: str = "") -> Screen:
    """Help: words, codes, money, people; `contacts` are the ways outside the chat that the shop can write by.

    `contact` is where a person of the shop answers, as the shop says it; empty where it says nothing.
    """
    elsewhere = {
        ContactKind.EMAIL: (texts.say("email me@example.com"), texts.say("a letter where this chat cannot reach you")),
        ContactKind.PHONE: (texts.say("phone 13800138000"), texts.say("a text where this chat cannot reach you")),
    }
    person = texts.say("Write to the shop where you found it (its own page, group or account), with your order number.")
    if contact:
        person = texts.row(texts.say("Write to the shop, with your order number"), contact)
    lines = (
        texts.say("Words that always work"),
        texts.row(texts.say("menu"), texts.say("start over")),
        texts.row(texts.say("search video"), texts.say("look for goods")),
        texts.row(texts.say("buy A1 2"), texts.say("two of A1; “A1 2” and “A1*2” do the same")),
        texts.row(texts.say("orders"), texts.say("your latest orders")),
        texts.row(texts.say("cards"), texts.say("your cards once more")),
        texts.row(texts.say("wallet"), texts.say("your balance, and topping it up")),
        texts.row(texts.say("cancel"), texts.say("give up an unpaid order")),
        texts.row(texts.say("find 4200001234"), texts.say("an order by the number on your bill")),
        texts.row(texts.say("bind"), texts.say("the same orders and wallet in your other chat too")),
        *(texts.row(*words) for kind, words in elsewhere.items() if kind in contacts),
        texts.row(texts.say("language"), texts.say("Chinese or English")),
        "",
        texts.say("Need a person? Nobody answers in this chat yet."),
        person,
    )
    options = (
        choice(texts.say("Goods"), Intent.CATALOG),
        choice(texts.say("My orders"), Intent.ORDERS),
        choice(texts.say("Get my cards"), Intent.CARDS),
        home_option(texts),
    )
    return Screen(ScreenKind.MENU, "\n".join(lines), options)


def busy_words(texts: Texts) -> str:
    """What is said where an answer must come at once and is not ready; the work goes on."""
    return texts.say("Working on it: reply “cards” to see the result.")


def trouble_words(texts: Texts, asked: Intent, id_: str) -> str:
    """What is said where an answer failed; that nothing was ordered only where nothing can have been."""
    if asked in LOOKS:
        said = texts.say("The shop is busy. Nothing was ordered, your money is untouched: please send it once more.")
    else:
        said = texts.say("The shop is busy, and what you asked for may be done or not: send “orders” to see.")
    return f"{said}\n{texts.row(texts.say('Error id'), id_)}"
