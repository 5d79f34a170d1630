"""Fault 39: a shopper taps the same button ten times at once."""

import itertools

import pytest

from bot import engine as engine_module
from bot.screens import Screen, ScreenKind
from core.clock import FixedClock
from tests.builders import Shop
from tests.races.racing import at_once
from tests.support.dialog import Dialog, an_engine, order_of

TAPS = 10


@pytest.fixture
def talk(shop: Shop, clock: FixedClock) -> Dialog:
    shop.a_listing("A1")
    shop.a_batch("A1", 40)
    return Dialog(an_engine(shop, clock), shop.a_shopper())


def tapped_at_once(talk: Dialog, action: str) -> list[Screen]:
    """The answers to ten taps on one button."""
    taps = [lambda: talk.engine.handle(talk.incoming(action=action))[0] for _ in range(TAPS)]
    screens = at_once(taps)
    assert all(isinstance(screen, Screen) for screen in screens), screens
    return screens


def test_fault_39_ten_taps_at_once_make_one_order_and_all_show_it(talk: Dialog, shop: Shop) -> None:
    action = talk.say("买 A1 2").options[0].action or ""

    screens = tapped_at_once(talk, action)

    assert shop.count("shop_order") == 1
    assert {screen.kind for screen in screens} == {ScreenKind.PAY}
    assert len({order_of(screen) for screen in screens}) == 1
    assert shop.card_states() == {"free": 38, "held": 2}


def test_saying_yes_ten_times_at_once_makes_one_order(talk: Dialog, shop: Shop) -> None:
    talk.say("买 A1 2")

    at_once([lambda: talk.engine.handle(talk.incoming(text="确认")) for _ in range(TAPS)])

    assert shop.count("shop_order") == 1
    assert shop.card_states() == {"free": 38, "held": 2}


def test_control_without_the_buttons_name_ten_taps_make_several_orders(
    talk: Dialog, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(engine_module, "_submission", lambda incoming: f"tap {next(numbers)}")
    action = talk.say("买 A1 2").options[0].action or ""

    tapped_at_once(talk, action)

    assert shop.count("shop_order") > 1
