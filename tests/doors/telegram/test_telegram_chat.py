"""The conversation inside Telegram: orders, the living message, deep links, languages, groups, taps."""

import pytest

from core.config import Config
from core.connections.chats import ChatAccount
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import connected, last, settled


def orders(goods: Shop) -> int:
    return goods.count("shop_order")


@pytest.fixture
def chat(running: Config) -> Config:
    """The bot process at work."""
    return running


def test_an_order_by_browsing_lives_in_one_message(chat: Config, goods: Shop, bot: BotAccount, user: User) -> None:
    user.start(bot)
    home = last(user, bot, "选购商品")
    for label in ("选购商品", "购买", "确认下单"):
        shown = last(user, bot, label)
        user.tap(bot, label, message=shown).answer()
    paying = last(user, bot, "去支付", "我已支付")

    assert paying.id == home.id
    assert paying.is_edited
    assert [message.id for message in user.from_bot(bot)] == [home.id]
    assert paying.links[0].startswith(f"{chat.public_url}/pay/")
    assert orders(goods) == 1


def test_an_order_by_code_takes_one_message_and_a_tap(chat: Config, goods: Shop, bot: BotAccount, user: User) -> None:
    user.send(bot, "买 A1 2")
    user.tap(bot, "确认下单", message=last(user, bot, "确认下单", "¥50.00")).answer()

    paying = last(user, bot, "去支付 ¥50.00")

    assert orders(goods) == 1
    assert "取消订单" in paying.labels


def test_a_deep_link_of_one_sku_is_two_taps_and_payment(chat: Config, goods: Shop, bot: BotAccount, user: User) -> None:
    user.start(bot, "A1")
    user.tap(bot, "购买", message=last(user, bot, "购买")).answer()  # one
    user.tap(bot, "确认下单", message=last(user, bot, "确认下单")).answer()  # two

    assert last(user, bot, "去支付").links[0].startswith(f"{chat.public_url}/pay/")
    assert orders(goods) == 1


@pytest.mark.parametrize("payload", ["", "nothing_of_ours", "ZZ99"])
def test_a_link_that_names_nothing_leads_home(chat: Config, bot: BotAccount, user: User, payload: str) -> None:
    user.start(bot, payload)

    assert "选购商品" in last(user, bot, "选购商品").labels


def test_words_get_a_new_message_and_the_old_one_loses_its_buttons(chat: Config, bot: BotAccount, user: User) -> None:
    user.start(bot)
    first = last(user, bot, "选购商品")
    user.send(bot, "买 A1")
    second = last(user, bot, "确认下单")
    settled(chat)

    shown = {message.id: message for message in user.from_bot(bot)}

    assert second.id > first.id
    assert shown[first.id].labels == []
    assert shown[first.id].text == first.text


def test_a_message_that_was_deleted_is_replaced_by_a_new_one(chat: Config, bot: BotAccount, user: User) -> None:
    user.start(bot)
    home = last(user, bot, "选购商品")
    settled(chat)
    user.delete(bot, home.id)
    user.tap(bot, "选购商品", message=home).answer()

    assert last(user, bot, "购买").id > home.id


def test_cancelling_frees_the_cards(chat: Config, goods: Shop, bot: BotAccount, user: User) -> None:
    user.send(bot, "买 A1 2")
    user.tap(bot, "确认下单", message=last(user, bot, "确认下单")).answer()
    user.tap(bot, "取消订单", message=last(user, bot, "去支付")).answer()
    settled(chat)

    assert goods.sql("SELECT state FROM shop_order") == [("cancelled",)]
    assert goods.card_states() == {"free": 10}


def test_the_language_is_the_phones_at_first_and_the_shoppers_choice_then(
    chat: Config, tg: TelegramDouble, bot: BotAccount
) -> None:
    german = tg.user(5002, language_code="de", first_name="Jan")
    german.start(bot)
    last(german, bot, "Goods", "My orders")
    german.send(bot, "/language")
    german.tap(bot, "中文", message=last(german, bot, "Choose a language")).answer()

    assert "选购商品" in last(german, bot, "选购商品").labels


def test_commands_are_set_per_language_and_each_is_understood(
    chat: Config, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    tg.wait_until(lambda: len(bot.commands) == 3)
    names = [one["command"] for one in user.commands(bot)]
    descriptions = [one["description"] for one in user.commands(bot)]
    english = tg.user(5003, language_code="en").commands(bot)

    for name in names:
        before = len(user.from_bot(bot))
        user.send(bot, f"/{name}@{bot.username}" if name == "orders" else f"/{name}")
        tg.wait_until(lambda before=before: len(user.from_bot(bot)) > before)
        assert "没有找到" not in user.from_bot(bot)[-1].text

    assert names == ["menu", "goods", "orders", "cards", "wallet", "language", "help"]
    assert descriptions[1] == "全部商品"
    assert english[1]["description"] == "All goods"


def test_a_sticker_is_answered_with_help(chat: Config, bot: BotAccount, user: User) -> None:
    user.send_raw(bot, {"sticker": {"file_id": "x", "file_unique_id": "y", "type": "regular", "width": 1, "height": 1,
                                    "is_animated": False, "is_video": False}})  # fmt: skip

    assert last(user, bot, "选购商品").from_bot


def test_a_group_is_told_once_where_to_talk_and_hears_nothing_else(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    group = tg.group("买卡群", bot)
    greeted = tg.wait_until(lambda: user.from_bot(bot, group=group))
    user.send(bot, f"/start@{bot.username} A1", group=group)
    user.send(bot, "买 A1", group=group, reply_to=greeted[0].id)
    tg.wait_until_taken(bot)
    user.start(bot)
    last(user, bot, "选购商品")

    shown = user.from_bot(bot, group=group)

    assert len(shown) == 1
    assert shown[0].links == [f"https://t.me/{bot.username}?start=menu"]
    assert goods.count("conversation") == 1


def test_two_bots_of_two_merchants_know_nothing_of_each_other(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    second = tg.add_bot(username="other_bot")
    connected(chat, second, "other")  # while the process runs
    user.start(bot)
    user.start(second)
    last(user, bot, "选购商品")
    last(user, second, "选购商品", seconds=30)
    user.send(second, "买 A1")
    refused = last(user, second, "没看懂")

    rows = goods.sql("SELECT merchant_id FROM shopper ORDER BY merchant_id")

    assert rows == [(goods.merchant,), (goods.a_party("other"),)]
    assert "确认下单" not in refused.labels


def test_a_bot_that_is_switched_off_hears_nothing_until_it_is_on(
    chat: Config, account: ChatAccount, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    from core.actor import OPERATOR
    from core.connections.chats import enable_chat_account
    from tests.builders import NOON

    user.start(bot)
    last(user, bot, "选购商品")
    enable_chat_account(actor=OPERATOR, account_id=account.id, enabled=False, now=NOON)
    tg.wait_until(lambda: not [one for one in tg.requests(bot, "getUpdates") if one.at > tg.world.now() - 3], 30)
    user.send(bot, "买 A1")
    silent = user.from_bot(bot)[-1].text
    enable_chat_account(actor=OPERATOR, account_id=account.id, enabled=True, now=NOON)

    assert "确认" not in silent
    assert "确认下单" in last(user, bot, "确认下单").labels
