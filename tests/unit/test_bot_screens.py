"""A Screen leaves in exactly the shape that the chat over HTTP promises, and never shows a secret by accident."""

from uuid import UUID

import pytest

from bot.intents import Act, Intent
from bot.numbers import numbered
from bot.screens import CardEntry, Option, Screen, ScreenKind
from core.ids import Prefix, public

ORDER = UUID("019ccc1a-2000-7000-8000-000000000001")
CARD = "crd_aaaaaaaaaaaaaaaaaaaaaaaaaa"


def test_a_screen_leaves_out_what_it_does_not_have():
    screen = Screen(
        ScreenKind.MENU, "hello", (Option("Go", action="t1"), Option("Pay", url="https://shop.example/pay/x"))
    )

    assert screen.as_json() == {
        "kind": "menu",
        "text": "hello",
        "media": None,
        "options": [{"label": "Go", "action": "t1"}, {"label": "Pay", "url": "https://shop.example/pay/x"}],
    }


def test_an_order_and_an_error_id_are_shown_where_there_are_any():
    screen = Screen(ScreenKind.ERROR, "no", order=ORDER, error_id="err_x")

    assert screen.as_json()["order"] == public(Prefix.ORDER, ORDER)
    assert screen.as_json()["error_id"] == "err_x"


def test_the_door_fills_in_what_it_opened_and_the_rest_stays_masked():
    entries = (CardEntry("crd_1", "A9-****"), CardEntry("crd_2", "A9-****"))
    screen = Screen(ScreenKind.CARDS, "two", cards=entries)

    shown = screen.with_secrets({"crd_1": {"secret": "K<&>\x7f", "number": "88", "pin": "12", "expires": "2026-12-31"}})

    assert shown.as_json()["cards"] == [
        {"token": "crd_1", "secret": "K<&>\x7f", "number": "88", "pin": "12", "expires": "2026-12-31"},
        {"token": "crd_2", "mask": "A9-****"},
    ]


def test_a_secret_shows_its_mask_when_a_screen_is_printed():
    screen = Screen(ScreenKind.CARDS, "one", cards=(CardEntry(CARD),)).with_secrets({CARD: {"secret": "TOP-SECRET-1"}})

    assert "TOP-SECRET-1" not in repr(screen)
    assert "TOP-SECRET-1" not in str(screen.cards)


def test_only_a_cards_screen_has_cards():
    assert Screen(ScreenKind.CARDS, "none").as_json()["cards"] == []
    assert "cards" not in Screen(ScreenKind.TEXT, "hello").as_json()


def test_the_door_fills_in_the_address_of_a_payment_page():
    screen = Screen(ScreenKind.PAY, "pay", (Option("Pay", pay_order=ORDER), Option("No", action="t")))

    linked = screen.with_links(lambda order: f"https://shop.example/pay/{order.hex[-1]}")

    assert [option.as_json() for option in linked.options] == [
        {"label": "Pay", "url": "https://shop.example/pay/1"},
        {"label": "No", "action": "t"},
    ]


def test_an_option_that_leads_nowhere_is_a_defect_and_not_sent():
    with pytest.raises(ValueError, match="neither an address nor a minted action"):
        Screen(ScreenKind.MENU, "hello", (Option("Go", act=Act(Intent.HOME)),)).as_json()


def test_options_are_numbered_from_one_and_the_way_back_is_zero():
    screen = Screen(
        ScreenKind.MENU,
        "choose",
        (
            Option("Orders", act=Act(Intent.ORDERS)),
            Option("Pay", pay_order=ORDER),
            Option("Back", act=Act(Intent.HOME), is_back=True),
        ),
    )

    meant = {option.number: option.intent for option in numbered(screen)}

    assert meant == {1: Intent.ORDERS, 2: Intent.PAY, 0: Intent.HOME}
