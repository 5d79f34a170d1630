"""What Telegram is told of every other screen: titles, texts of any length, keyboards, in a form that it accepts."""

import pytest
from aiogram.types import InlineKeyboardButton
from hypothesis import given
from hypothesis import strategies as st

from bot.intents import Intent
from bot.screens import Option, Screen, ScreenKind
from channels.chat.telegram.message import Button, TelegramMessage
from channels.chat.telegram.render import render
from tests.golden.renderers import LOCALES, legible
from tests.golden.scenes import scenes
from tests.support.telegram_reading import BOOK, ENGLISH, Read, a_choice, accepted, buttons, cleaned, labels, shown


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), times=st.integers(1, 60))
def test_a_text_of_any_length_arrives_whole_and_in_order(text, times):
    screen = Screen(ScreenKind.PRODUCT, "Title\n" + text * times, (a_choice("Menu", is_back=True),))

    messages = shown(screen)

    arrived = "".join(Read(message.html).text for message in messages)
    assert "".join(arrived.split()) == "".join(cleaned(screen.text).split())
    assert [labels(message) for message in messages] == [[]] * (len(messages) - 1) + [[["Menu"]]]


@pytest.mark.parametrize("kind", ScreenKind)
def test_receipts_and_cards_are_new_messages_and_everything_else_may_replace_the_living_one(kind):
    (message,) = shown(Screen(kind, "Title\nText"))

    assert message.is_living == (kind not in {ScreenKind.RECEIPT, ScreenKind.CARDS})
    if not message.is_living:
        with pytest.raises(ValueError, match="never replace"):
            message.as_parameters(edit=True)


def test_a_confirm_screen_has_confirm_first_then_less_quantity_more_and_cancel_last():
    place = a_choice("Confirm", Intent.PLACE, listing=1, quantity=2)
    steps = (
        a_choice("−1", Intent.CONFIRM, code="A1", quantity=1),
        a_choice("+1", Intent.CONFIRM, code="A1", quantity=3),
    )
    change = a_choice("Change quantity", Intent.ASK_QUANTITY, code="A1")
    no = a_choice("Cancel", Intent.DISMISS, is_back=True)

    (message,) = shown(Screen(ScreenKind.CONFIRM, "Sure?\nTotal", (place, *steps, change, no)))

    assert labels(message) == [["Confirm"], ["−1", "Quantity: 2", "+1"], ["Cancel"]]
    assert [button.style for button in buttons(message)] == ["success", None, None, None, "danger"]


def test_pages_stand_side_by_side_the_earlier_one_left():
    more = a_choice("More", Intent.CATEGORY, page=3)
    before = a_choice("Previous page", Intent.CATEGORY, page=1)
    goods = a_choice("Goods · 1", Intent.PRODUCT, product=1)

    (message,) = shown(Screen(ScreenKind.MENU, "Goods", (goods, more, before, a_choice("Back", is_back=True))))

    assert labels(message) == [["Goods · 1"], ["Previous page", "More"], ["Back"]]


def test_options_too_long_for_a_button_are_listed_under_the_number_that_chooses_them():
    options = (
        a_choice("Steam", Intent.PRODUCT, product=1),
        a_choice("Tencent Video, 1 month × 2 · ¥50.00 · waiting for payment", Intent.ORDER, order="o"),
        a_choice("Menu", is_back=True),
    )

    (message,) = shown(Screen(ScreenKind.MENU, "Orders", options))

    assert message.html.endswith("\n2. Tencent Video, 1 month × 2 · ¥50.00 · waiting for payment")
    assert labels(message) == [["Steam"], ["2. Tencent Video, 1 month × 2"], ["Menu"]]


def test_a_long_label_without_parts_is_cut_with_an_ellipsis():
    (message,) = shown(Screen(ScreenKind.MENU, "Goods", (a_choice("长" * 40),)))

    assert labels(message) == [["1. " + "长" * 16 + "…"]]
    assert "1. " + "长" * 40 in message.html


def test_an_error_id_is_copied_by_a_tap():
    (message,) = shown(Screen(ScreenKind.ERROR, "No\nNothing was charged.", error_id="err_x"))

    assert message.html == "<b>No</b>\nNothing was charged.\n\n<i>Error id: </i><code>err_x</code>"


def test_a_picture_is_the_only_preview_there_ever_is():
    (message,) = shown(Screen(ScreenKind.PRODUCT, "Steam\nText", media="https://shop.example/steam.png"))

    assert message.as_parameters()["link_preview_options"] == {
        "url": "https://shop.example/steam.png",
        "prefer_large_media": True,
        "show_above_text": True,
    }


def test_a_button_does_exactly_one_thing_and_its_token_fits():
    with pytest.raises(ValueError, match="exactly one"):
        Button("Go")
    with pytest.raises(ValueError, match="exactly one"):
        Button("Go", callback="t", url="https://shop.example")
    with pytest.raises(ValueError, match="65 bytes"):
        Button("Go", callback="t" * 65)
    with pytest.raises(ValueError, match="0 bytes"):
        Button("Go", callback="")
    assert Button("Go", callback="卡" * 21).as_json() == {"text": "Go", "callback_data": "卡" * 21}


def test_more_than_a_hundred_buttons_are_refused_instead_of_cut_off():
    with pytest.raises(ValueError, match="100"):
        TelegramMessage("x", tuple((Button("Go", callback="t"),) for _ in range(101)))


def test_a_payment_page_on_ones_own_machine_is_written_out_because_telegram_refuses_its_button():
    pay = Option("Pay <1>", url="http://localhost:8000/pay/x")

    (message,) = shown(Screen(ScreenKind.PAY, "Please pay\nTotal", (pay, a_choice("Menu", is_back=True))))

    assert message.html == "<b>Please pay</b>\nTotal\n\nPay &lt;1&gt;: <code>http://localhost:8000/pay/x</code>"
    assert labels(message) == [["Menu"]]


def test_order_numbers_are_copied_by_a_tap():
    number = "ord_agomygraabyabaaaaaaaaaaaae"

    (message,) = shown(Screen(ScreenKind.RECEIPT, f"Delivered\nOrder number: {number}\nnot{number}"))

    assert message.html.endswith(f"\nOrder number: <code>{number}</code>\nnot{number}")


def test_an_option_that_does_nothing_is_refused():
    with pytest.raises(ValueError, match="exactly one"):
        render(Screen(ScreenKind.MENU, "Hello", (Option("Go"),)), ENGLISH, protect=False)


def test_the_colours_of_buttons_are_part_of_this_aiogram():
    assert "style" in InlineKeyboardButton.model_fields


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", scenes())
def test_telegram_accepts_every_screen_of_the_shop(name, locale):
    texts = BOOK.texts(locale)

    for message in render(legible(scenes()[name](texts)), texts, protect=True):
        accepted(message)
