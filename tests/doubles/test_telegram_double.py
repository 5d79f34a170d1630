"""The Telegram double takes what aiogram sends, answers what aiogram reads, and refuses what Telegram never takes."""

import itertools
from collections.abc import Iterator

import httpx
import pytest
from aiogram import methods as api
from aiogram import types
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramNotFound, TelegramUnauthorizedError

from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.doubles.telegram.client import Client
from tests.doubles.telegram.methods import METHODS
from tests.doubles.telegram.schema import schema

numbers = itertools.count(1)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x04\x08\x02\x00\x00\x00"
PRICES = [types.LabeledPrice(label="A1", amount=50)]
INVOICE = {"title": "A1", "description": "month card", "payload": "ord_1", "currency": "XTR", "prices": PRICES}


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
    return double.add_bot(username=f"shop{next(numbers)}_bot")


@pytest.fixture
def user(double: TelegramDouble, bot: BotAccount) -> User:
    person = double.user(5000 + next(numbers))
    person.start(bot)
    return person


def violations(double: TelegramDouble, bot: BotAccount) -> list[str]:
    return [each for each in double.violations if each.startswith(f"{bot.username} ")]


def keyboard(*buttons: types.InlineKeyboardButton) -> types.InlineKeyboardMarkup:
    return types.InlineKeyboardMarkup(inline_keyboard=[list(buttons)])


def test_every_method_of_the_schema_is_played_and_no_other():
    assert set(schema()["methods"]) == {*METHODS, "getUpdates"}


def test_a_bot_hears_a_person_and_the_person_sees_the_answer_with_markup_keyboard_and_edits(double, client, bot, user):
    (first,) = client.call(bot, api.GetUpdates(timeout=1))
    shown = client.call(
        bot,
        api.SendMessage(
            chat_id=first.message.chat.id, text="<b>买</b> &lt;A1&gt; <code>K-1</code> ", parse_mode="HTML",
            reply_markup=keyboard(types.InlineKeyboardButton(text="确认", callback_data="go")),
            link_preview_options=types.LinkPreviewOptions(is_disabled=True),
        ),
    )  # fmt: skip
    client.call(bot, api.EditMessageText(chat_id=user.id, message_id=shown.message_id, text="好的"))

    assert (first.message.text, first.message.from_user.language_code) == ("/start", "zh-hans")
    assert (shown.text, shown.entities[1].type, shown.entities[1].offset) == ("买 <A1> K-1", "code", 7)
    assert [(each.text, each.labels, each.is_edited) for each in user.from_bot(bot)] == [("好的", [], True)]
    assert violations(double, bot) == []


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (api.SetMyCommands(commands=[types.BotCommand(command="menu", description="菜单")], language_code="zh"), True),
        (api.DeleteMyCommands(scope=types.BotCommandScopeAllPrivateChats()), True),
        (api.SetMyDescription(description="Keys", language_code="en"), True),
        (api.SetMyShortDescription(short_description="Keys"), True),
        (api.SetMyName(name="Shop"), True),
        (api.SetChatMenuButton(menu_button=types.MenuButtonCommands()), True),
        (api.DeleteWebhook(drop_pending_updates=True), True),
        (api.SetWebhook(url="https://shop.example/hook", secret_token="a-b_C1", allowed_updates=["message"]), True),
    ],
)  # fmt: skip
def test_what_a_bot_says_about_itself_is_kept(double, client, bot, method, expected):
    assert client.call(bot, method) is expected
    assert violations(double, bot) == []


def test_commands_are_told_per_language_and_scope_and_people_see_the_narrowest(client, double, bot, user):
    chinese, english = (
        types.BotCommand(command="menu", description="菜单"),
        types.BotCommand(command="menu", description="Menu"),
    )
    client.call(bot, api.SetMyCommands(commands=[english]))
    client.call(bot, api.SetMyCommands(commands=[chinese], language_code="zh"))

    assert client.call(bot, api.GetMyCommands(language_code="zh"))[0].description == "菜单"
    assert client.call(bot, api.GetMyCommands(language_code="de")) == []
    assert user.commands(bot)[0]["description"] == "菜单"
    assert double.user(9, "en").commands(bot)[0]["description"] == "Menu"


def test_each_reading_method_answers_what_aiogram_can_read(client, bot, user):
    client.call(bot, api.SetMyName(name="Shop"))

    assert client.call(bot, api.GetMe()).username == bot.username
    assert client.call(bot, api.GetMyName()).name == "Shop"
    assert client.call(bot, api.GetMyDescription()).description == ""
    assert client.call(bot, api.GetMyShortDescription()).short_description == ""
    assert client.call(bot, api.GetChatMenuButton()).type == "commands"
    assert client.call(bot, api.GetWebhookInfo()).pending_update_count == 1
    assert client.call(bot, api.GetChat(chat_id=user.id)).first_name == "小明"
    assert client.call(bot, api.GetStarTransactions()).transactions == []
    assert client.call(bot, api.GetMyStarBalance()).amount == 0
    assert client.call(bot, api.SendChatAction(chat_id=user.id, action="typing")) is True


def test_a_document_with_a_chinese_name_arrives_byte_for_byte_and_files_of_people_can_be_fetched(
    double, client, bot, user
):
    content = "卡号,密码\r\nK-1,a b\t\n".encode()
    sent = client.call(
        bot,
        api.SendDocument(
            chat_id=user.id, document=types.BufferedInputFile(content, '卡 "1".txt'), protect_content=True
        ),
    )
    again = client.call(
        bot, api.SendDocument(chat_id=user.id, document=sent.document.file_id, caption="<i>x</i>", parse_mode="HTML")
    )
    client.call(bot, api.SendPhoto(chat_id=user.id, photo=types.BufferedInputFile(PNG, "a.png")))
    client.call(bot, api.EditMessageCaption(chat_id=user.id, message_id=again.message_id, caption="y"))
    user.send_document(bot, "stock.txt", b"K-2\n", caption="A1")
    incoming = client.call(bot, api.GetUpdates())[-1].message.document
    path = client.call(bot, api.GetFile(file_id=incoming.file_id)).file_path

    first, second, third = user.from_bot(bot)
    assert (first.document.content, first.document.name, first.is_protected) == (content, '卡 "1".txt', True)
    assert (second.document.content, second.text, third.photo.content) == (content, "y", PNG)
    assert (incoming.file_name, client.download(bot, path)) == ("stock.txt", b"K-2\n")
    assert violations(double, bot) == []


def test_what_telegram_cleans_away_is_missing_on_the_phone_too(client, bot, user):
    """A key with a tab, a carriage return or a blank at its end is another key once it was sent as text."""
    client.call(bot, api.SendMessage(chat_id=user.id, text="<code>a\tb\rc\u202ed </code>", parse_mode="HTML"))

    assert user.from_bot(bot)[-1].codes == ["a bcd"]


def sending(**more: object) -> api.SendMessage:
    return api.SendMessage(**({"chat_id": 1, "text": "x"} | more))


def with_button(**more: object) -> api.SendMessage:
    return sending(reply_markup=keyboard(types.InlineKeyboardButton(**({"text": "b"} | more))))


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (sending(text=""), "message text is empty"),
        (sending(text=" \n\t"), "message text is empty"),
        (sending(text="x" * 4097), "message is too long"),
        (sending(text="😀" * 2049), "message is too long"),
        (sending(text="<b>x", parse_mode="HTML"), "can't parse entities: Can't find end tag"),
        (sending(text="<k>x</k>", parse_mode="HTML"), 'can\'t parse entities: Unsupported start tag "k"'),
        (sending(text="a & b", parse_mode="HTML"), "can't parse entities: Unexpected character '&'"),
        (sending(text="x", parse_mode="MarkdownV2"), "this double reads HTML only"),
        (with_button(callback_data="卡" * 22), "BUTTON_DATA_INVALID"),
        (with_button(callback_data="a", url="https://a.example"), "exactly one of the optional fields must be used"),
        (with_button(), "exactly one of the optional fields must be used"),
        (with_button(text=" ", callback_data="a"), "inline keyboard button text must be non-empty"),
        (with_button(url="http://localhost:8000/"), "inline keyboard button URL 'http://localhost:8000/' is invalid"),
        (with_button(copy_text=types.CopyTextButton(text="k" * 257)), "BUTTON_COPY_TEXT_INVALID"),
        (with_button(pay=True), "BUTTON_TYPE_INVALID"),
        (with_button(callback_data="a", style="gold"), "invalid button style specified"),
        (api.AnswerCallbackQuery(callback_query_id="1", text="x" * 201), "text must have 0-200 characters, not 201"),
        (api.EditMessageReplyMarkup(message_id=1), "message identifier is not specified"),
        (api.SendInvoice(chat_id=1, **(INVOICE | {"title": "t" * 33})), "title must have 1-32 characters, not 33"),
        (api.SendInvoice(chat_id=1, **(INVOICE | {"payload": "p" * 129})), "INVOICE_PAYLOAD_INVALID"),
        (api.SendInvoice(chat_id=1, **(INVOICE | {"prices": PRICES * 2})), "prices must have 1-1 items, not 2"),
        (api.SendInvoice(chat_id=1, **(INVOICE | {"currency": "CNY"})), "payments in Stars (XTR) only"),
        (api.CreateInvoiceLink(**INVOICE, subscription_period=60), "SUBSCRIPTION_PERIOD_INVALID"),
        (api.SetMyCommands(commands=[types.BotCommand(command="Menu", description="x")]), "BOT_COMMAND_INVALID"),
        (api.SetMyCommands(commands=[types.BotCommand(command="menu", description="")]), "description must have 1-256"),
        (api.SetMyDescription(description="x", language_code="zh-hans"), "invalid language code specified"),
        (api.SetWebhook(url="https://a.example:8000/"), "bad webhook: Webhook can be set up only on ports"),
        (api.SetWebhook(url="http://a.example/"), "bad webhook: An HTTPS URL must be provided"),
        (api.SetWebhook(url="https://a.example/", secret_token="é"), "secret token contains unallowed characters"),
        (api.GetUpdates(allowed_updates=["mesage"]), "there is no update mesage"),
        (api.GetUpdates(limit=101), "limit must have 1-100 value, not 101"),
        (api.AnswerPreCheckoutQuery(pre_checkout_query_id="1", ok=False), "error message must be non-empty"),
        (api.SendPhoto(chat_id=1, photo=types.BufferedInputFile(b"no picture", "a.png")), "IMAGE_PROCESS_FAILED"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_a_request_that_telegram_never_takes_is_refused_and_kept(double, client, bot, method, said):
    double.user(1).start(bot)
    with pytest.raises(TelegramBadRequest) as refused:
        client.call(bot, method)

    assert said in refused.value.message
    (kept,) = violations(double, bot)
    assert kept.startswith(f"{bot.username} {method.__api_method__}: Bad Request: ")
    assert double.user(1).from_bot(bot) == []


def keys(button: dict[str, str]) -> dict[str, object]:
    return {"inline_keyboard": [[button]]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"chat_id": 1, "text": "x", "colour": "red"}, "sendMessage has no parameter colour"),
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 1}, "message text is empty"),
        ({"chat_id": 1.5, "text": "x"}, "chat_id must be of type"),
        ({"chat_id": 1, "text": "x", "protect_content": "yes"}, "can't parse protect content JSON object"),
        ({"chat_id": 1, "text": "x", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        ({"chat_id": 1, "text": "x", "reply_markup": keys({"callback_data": "a"})}, 'Can\'t find field "text"'),
        ({"chat_id": 1, "text": "x", "reply_markup": keys({"text": "a", "data": "a"})}, "has no field data"),
        ({"chat_id": 1, "text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "out of text bounds"),
    ],
)  # fmt: skip
def test_json_bodies_and_nested_fields_are_checked_too(double, bot, body, said):
    double.user(1).start(bot)

    answer = httpx.post(f"{double.url}/bot{bot.token}/sendMessage", json=body, trust_env=False)

    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert said in answer.json()["description"]
    assert said in violations(double, bot)[0]


def test_strangers_and_unknown_methods_are_turned_away(double, client, bot):
    with pytest.raises(TelegramUnauthorizedError):
        client.call("7000000001:wrong", api.GetMe())
    with pytest.raises(TelegramNotFound):
        client.call(bot, api.SendDice(chat_id=1))

    assert violations(double, bot) == [f"{bot.username} sendDice: Not Found"]


def test_what_is_not_possible_now_is_refused_without_blaming_the_bot(double, client, bot, user):
    mine = client.call(bot, api.SendMessage(chat_id=user.id, text="x")).message_id
    theirs = user.send(bot, "hello")

    def said(method: api.TelegramMethod) -> str:
        with pytest.raises((TelegramBadRequest, TelegramForbiddenError)) as refused:
            client.call(bot, method)
        return refused.value.message

    assert "message is not modified" in said(api.EditMessageText(chat_id=user.id, message_id=mine, text="x"))
    assert "message to edit not found" in said(api.EditMessageText(chat_id=user.id, message_id=999, text="x"))
    assert "message can't be edited" in said(api.EditMessageText(chat_id=user.id, message_id=theirs, text="x"))
    assert client.call(bot, api.DeleteMessage(chat_id=user.id, message_id=theirs)) is True
    assert "message to delete not found" in said(api.DeleteMessage(chat_id=user.id, message_id=theirs))
    assert "chat not found" in said(api.SendMessage(chat_id=404, text="x"))
    double.user(77)
    assert "bot can't initiate conversation" in said(api.SendMessage(chat_id=77, text="x"))
    user.block(bot)
    assert said(api.SendMessage(chat_id=user.id, text="x")) == "Forbidden: bot was blocked by the user"
    user.deactivate()
    assert said(api.SendMessage(chat_id=user.id, text="x")) == "Forbidden: user is deactivated"
    assert violations(double, bot) == []
