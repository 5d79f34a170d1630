"""Taps: ten of them are one order, altered and old ones harm nothing, each is answered at once."""

import json
import time

import pytest

from core.config import Config
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import last, settled


@pytest.fixture
def chat(running: Config) -> Config:
    """The bot process at work."""
    return running


def test_fault_37_a_replayed_update_places_no_second_order(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 37: the same update_id again, also while it is being handled."""
    user.send(bot, "买 A1")
    user.tap(bot, "确认下单", message=last(user, bot, "确认下单")).answer()
    last(user, bot, "去支付")
    before = len(user.from_bot(bot))

    tg.repeat_last_update(bot, 5, kind="callback_query")
    tg.repeat_last_update(bot, 5, kind="message")
    tg.wait_until_taken(bot)
    settled(chat)

    assert goods.count("shop_order") == 1
    assert goods.sql("SELECT count(*) FROM inbox WHERE waits") == [(2,)]
    assert len(user.from_bot(bot)) == before


def test_fault_39_ten_taps_place_one_order_and_each_is_answered_within_a_second(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 39: those that come while the first is at work hear so."""
    user.send(bot, "买 A1")
    confirm = last(user, bot, "确认下单")
    settled(chat)
    tg.slow(0.6, method="editMessageText")

    taps = [user.tap(bot, "确认下单", message=confirm) for _ in range(10)]
    toasts = [tap.answer(1.0) for tap in taps]
    last(user, bot, "去支付")
    settled(chat)

    assert all(toasts)
    words = [toast.text for toast in toasts if toast]
    assert words[0] is None
    assert set(words[1:]) == {"处理中…"}
    assert goods.count("shop_order") == 1
    assert len(tg.requests(bot, "editMessageText")) == 1


@pytest.mark.parametrize(
    "data", ["x", "buy:A1:1", "A" * 22, "' OR 1=1 --", "\u202e", "确认下单", json.dumps({"price": 1})]
)
def test_fault_40_altered_data_are_answered_like_an_old_button(
    chat: Config, goods: Shop, bot: BotAccount, user: User, data: str
) -> None:
    """Fault 40: a price, an id or code in the data means nothing."""
    user.start(bot)
    last(user, bot, "选购商品")

    toast = user.forge_tap(bot, data).answer()

    assert toast is not None
    assert "按钮" in last(user, bot, "按钮").text
    assert goods.count("shop_order") == 0


def test_fault_40_the_button_of_another_person_places_nothing(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 40: a token works in its own chat only."""
    user.send(bot, "买 A1")
    button = last(user, bot, "确认下单").button("确认下单")
    other = tg.user(5009)
    other.start(bot)
    last(other, bot, "选购商品")
    assert button is not None
    assert button.data is not None

    other.forge_tap(bot, button.data).answer()

    assert "按钮" in last(other, bot, "按钮").text
    assert goods.count("shop_order") == 0


def test_fault_41_a_stale_button_shows_the_new_price_and_charges_nothing(
    chat: Config, goods: Shop, bot: BotAccount, user: User
) -> None:
    """Fault 41: 价格已更新, and the new price to be confirmed."""
    user.send(bot, "买 A1")
    confirm = last(user, bot, "确认下单", "¥25.00")
    goods.sql("UPDATE listing SET price_minor = 3100, version = version + 1")

    user.tap(bot, "确认下单", message=confirm).answer()
    shown = last(user, bot, "确认下单", "¥31.00")

    assert "价格已更新" in shown.text
    assert goods.count("shop_order") == 0


def test_a_checkout_is_answered_while_every_thread_is_busy(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 34: eight chats wait for a lock that somebody holds; the checkout has threads of its own."""
    people = [tg.user(6000 + number) for number in range(12)]
    buttons = []
    for person in people:
        person.send(bot, "买 A1")
        buttons.append(last(person, bot, "确认下单"))
    settled(chat)
    import psycopg

    with psycopg.connect(chat.database.url) as holder:
        holder.execute("LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE")
        for person, shown in zip(people, buttons, strict=True):
            person.tap(bot, "确认下单", message=shown)
        tg.wait_until(lambda: len(tg.requests(bot, "answerCallbackQuery")) >= 12)
        began = time.monotonic()
        slug = "https://t.me/$" + "test"
        tg.world.invoices["test"] = {"prices": [{"amount": 5}], "payload": "pay_nothing", "title": "x"}
        user.start(bot)
        paid = user.pay_invoice(bot, slug)
        took = time.monotonic() - began
        holder.rollback()

    assert not paid.ok
    assert paid.error is not None
    assert "TIMEOUT" not in paid.error
    assert took < 5
