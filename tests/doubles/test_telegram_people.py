"""People of the Telegram double: taps and their toasts, payments in Stars, groups, blocks, and their page."""

import itertools
import threading
from collections.abc import Iterator

import httpx
import pytest
from aiogram import methods as api
from aiogram import types
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError

from tests.doubles.telegram import BotAccount, Payment, TelegramDouble, Toast, User
from tests.doubles.telegram.client import Client

numbers = itertools.count(1)
INVOICE = {"title": "A1", "description": "month card", "payload": "ord_1", "currency": "XTR"}


@pytest.fixture(scope="module")
def double() -> Iterator[TelegramDouble]:
    with TelegramDouble() as served:
        yield served


@pytest.fixture(scope="module")
def client(double: TelegramDouble) -> Iterator[Client]:
    with Client(double) as opened:
        yield opened


@pytest.fixture
def bot(double: TelegramDouble) -> BotAccount:
    return double.add_bot(username=f"people{next(numbers)}_bot")


@pytest.fixture
def user(double: TelegramDouble, bot: BotAccount) -> User:
    person = double.user(6000 + next(numbers), stars=120)
    person.start(bot)
    return person


def asked(client: Client, bot: BotAccount) -> list[types.Update]:
    """The updates that wait, confirmed."""
    updates = client.call(bot, api.GetUpdates())
    if updates:
        client.call(bot, api.GetUpdates(offset=updates[-1].update_id + 1))
    return updates


def a_menu(client: Client, bot: BotAccount, user: User, *labels: str) -> int:
    rows = [[types.InlineKeyboardButton(text=label, callback_data=f"t{label}")] for label in labels]
    markup = types.InlineKeyboardMarkup(inline_keyboard=rows)
    return client.call(bot, api.SendMessage(chat_id=user.id, text="?", reply_markup=markup)).message_id


def test_a_tap_is_answered_once_and_soon(double, client, bot, user):
    a_menu(client, bot, user, "买", "走")
    tap = user.tap(bot, "买")
    query = asked(client, bot)[-1].callback_query

    assert client.call(bot, api.AnswerCallbackQuery(callback_query_id=query.id, text="处理中")) is True
    assert (query.data, tap.answer()) == ("t买", Toast("处理中", is_alert=False, url=None))
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        client.call(bot, api.AnswerCallbackQuery(callback_query_id=query.id))

    late = user.tap(bot, "走")
    double.pass_time(31)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        client.call(bot, api.AnswerCallbackQuery(callback_query_id=late.id))
    assert late.answer(0) is None


def test_a_button_that_was_edited_away_can_still_be_tapped_as_it_was_seen(client, bot, user):
    number = a_menu(client, bot, user, "买")
    before = user.from_bot(bot)[-1]
    client.call(bot, api.EditMessageText(chat_id=user.id, message_id=number, text="done"))

    with pytest.raises(AssertionError, match="there is no button"):
        user.tap(bot, "买")
    user.tap(bot, "买", message=before)
    user.tap(bot, "买", message=before, is_old=True)
    user.forge_tap(bot, "price=0", message=number)
    queries = [update.callback_query for update in asked(client, bot)[1:]]

    assert [query.data for query in queries] == ["t买", "t买", "price=0"]
    assert [isinstance(query.message, types.InaccessibleMessage) for query in queries] == [False, True, False]


def paying(client: Client, bot: BotAccount, user: User, answer: dict[str, object] | None) -> Payment:
    """One attempt to pay 50 Stars, with the bot's word to it."""
    results: list[Payment] = []
    thread = threading.Thread(target=lambda: results.append(user.pay_invoice(bot)))
    thread.start()
    if answer is not None:
        query = checkout(client, bot)
        client.call(bot, api.AnswerPreCheckoutQuery(pre_checkout_query_id=query.id, **answer))
    thread.join()
    return results[0]


def checkout(client: Client, bot: BotAccount) -> types.PreCheckoutQuery:
    """The query that comes next, confirmed."""
    client.call(bot, api.GetUpdates(timeout=5))
    return asked(client, bot)[-1].pre_checkout_query


@pytest.fixture
def invoiced(client: Client, bot: BotAccount, user: User) -> User:
    client.call(bot, api.SendInvoice(chat_id=user.id, **INVOICE, prices=[types.LabeledPrice(label="A1", amount=50)]))
    asked(client, bot)
    return user


def test_the_same_invoice_paid_twice_makes_two_charges_and_a_third_finds_no_stars(client, bot, invoiced):
    first = paying(client, bot, invoiced, {"ok": True})
    told = asked(client, bot)[-1].message.successful_payment
    second = paying(client, bot, invoiced, {"ok": True})

    assert (first.ok, second.ok, first.charge_id != second.charge_id) == (True, True, True)
    assert (told.telegram_payment_charge_id, told.total_amount, told.invoice_payload) == (first.charge_id, 50, "ord_1")
    assert invoiced.pay_invoice(bot) == Payment(ok=False, error="BALANCE_TOO_LOW", amount=50)
    assert (invoiced.stars, bot.stars) == (20, 100)
    assert client.call(bot, api.GetMyStarBalance()).amount == 100


def test_a_checkout_refused_or_not_answered_moves_nothing(double, client, bot, invoiced):
    refused = paying(client, bot, invoiced, {"ok": False, "error_message": "已售罄"})
    double.set_patience(checkout=0.05)
    silent = paying(client, bot, invoiced, None)
    double.set_patience(checkout=10)
    query = asked(client, bot)[-1].pre_checkout_query

    assert (refused.ok, refused.error) == (False, "已售罄")
    assert (silent.ok, silent.error) == (False, "BOT_PRECHECKOUT_TIMEOUT")
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        client.call(bot, api.AnswerPreCheckoutQuery(pre_checkout_query_id=query.id, ok=True))
    assert (invoiced.stars, bot.stars) == (120, 0)


def test_a_charge_is_refunded_once_to_the_one_who_paid(client, bot, invoiced):
    charge = paying(client, bot, invoiced, {"ok": True}).charge_id
    asked(client, bot)
    refund = api.RefundStarPayment(user_id=invoiced.id, telegram_payment_charge_id=charge)

    with pytest.raises(TelegramBadRequest, match="CHARGE_NOT_FOUND"):
        client.call(bot, api.RefundStarPayment(user_id=1, telegram_payment_charge_id=charge))
    assert client.call(bot, refund) is True
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        client.call(bot, refund)

    told = asked(client, bot)[-1].message
    assert (told.refunded_payment.telegram_payment_charge_id, told.chat.id) == (charge, invoiced.id)
    paid, returned = client.call(bot, api.GetStarTransactions()).transactions
    assert (paid.id, paid.source.invoice_payload, returned.id) == (charge, "ord_1", charge)
    assert (returned.receiver.user.id, invoiced.stars, bot.stars) == (invoiced.id, 120, 0)


def test_a_subscription_is_renewed_unasked_with_the_same_payload_until_it_is_cancelled(client, bot, user):
    month = [types.LabeledPrice(label="A1", amount=10)]
    link = client.call(bot, api.CreateInvoiceLink(**INVOICE, prices=month, subscription_period=2592000))
    asked(client, bot)
    results: list[Payment] = []
    thread = threading.Thread(target=lambda: results.append(user.pay_invoice(bot, link)))
    thread.start()
    client.call(bot, api.AnswerPreCheckoutQuery(pre_checkout_query_id=checkout(client, bot).id, ok=True))
    thread.join()
    (first,) = results
    renewed = user.renew(first.charge_id)
    stop = api.EditUserStarSubscription(user_id=user.id, telegram_payment_charge_id=first.charge_id, is_canceled=True)
    client.call(bot, stop)

    payments = [update.message.successful_payment for update in asked(client, bot)]
    assert [payment.telegram_payment_charge_id for payment in payments] == [first.charge_id, renewed.charge_id]
    assert [payment.is_first_recurring for payment in payments] == [True, None]
    assert {payment.invoice_payload for payment in payments} == {"ord_1"}
    assert user.renew(first.charge_id).error == "SUBSCRIPTION_ENDED"


def test_a_bot_in_a_group_hears_what_is_meant_for_it_and_cannot_write_once_it_is_kicked(double, client, bot, user):
    group = double.group("群", bot)
    user.send(bot, "hello all", group=group)
    user.send(bot, "买 A1 2", group=group)
    user.send(bot, f"/menu@{bot.username}", group=group)
    user.send(bot, "/menu@other_bot", group=group)
    client.call(bot, api.SendMessage(chat_id=group.id, text="hi"))
    double.set_rank(group, bot, "kicked")

    heard = [update.message.text for update in asked(client, bot)[1:] if update.message]
    assert heard == [f"/menu@{bot.username}"]
    assert [each.text for each in user.from_bot(bot, group=group)] == ["hi"]
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        client.call(bot, api.SendMessage(chat_id=group.id, text="x"))


def test_a_bot_learns_that_it_was_blocked_and_hears_again_from_whoever_comes_back(client, bot, user):
    user.block(bot)
    user.start(bot, "A1")

    first, blocked, back, started = asked(client, bot)
    assert (first.message.text, started.message.text) == ("/start", "/start A1")
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert back.my_chat_member.new_chat_member.status == "member"


def test_the_page_of_a_person_shows_the_chat_and_acts_for_them(double, client, bot, user):
    number = a_menu(client, bot, user, "买")
    chosen = {"bot": bot.id, "user": user.id}
    with httpx.Client(base_url=double.url, trust_env=False) as page:
        frame = page.get("/")
        state = page.get("/person/state", params=chosen).json()
        said = page.post("/person/do", json=chosen | {"do": "send", "text": "买 A1 2"})
        page.post("/person/upload", params=chosen | {"name": "stock.txt"}, content=b"K-1\n")
        forged = page.post("/person/do", json=chosen | {"do": "tap", "message": number, "data": "other"})
        kept = page.get(f"/person/file/{user.messages(bot)[-1].document.id}")

    assert (frame.status_code, "Telegram double" in frame.text) == (200, True)
    assert state["messages"][-1]["rows"][0][0]["label"] == "买"
    assert (said.status_code, user.messages(bot)[-2].text) == (200, "买 A1 2")
    assert (kept.content, kept.headers["content-type"]) == (b"K-1\n", "application/octet-stream")
    assert (forged.status_code, forged.json()["said"]) == (409, "there is no button 'other'")
