"""From the chat to the letter box: an address is set by words, confirmed by a code that arrives, then told there."""

import re
from dataclasses import replace

import pytest

from bot.texts import Phrasebook
from channels.notify.codes import CodeSender, contact_kinds
from channels.notify.email import Mailer, MailServer
from channels.notify.sms import SmsAccount, texter
from channels.notify.ways import EmailWay, SmsWay, Words, other_ways
from core import db
from core.config import Config, Mail, Sms
from core.db import execute
from core.ids import Prefix, public
from core.members.contacts import ContactKind
from core.messages.service import MessageKind
from core.ports import SendOutcome
from core.secret import Secret
from ops.wiring import shop_context
from tests.doubles.sms import APP_ID, KEY_ID, KEY_SECRET, SIGN_NAME, sms_double
from tests.doubles.smtp import PASSWORD, USER, mail_double
from tests.support.dialog import Dialog, an_engine, order_of, pay
from tests.support.pickups import CODE, AsWorker, codes_of, confirmed, parcel_of

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
CANARY = "TX9A-CARD-CANARY"


@pytest.fixture
def mail():
    with mail_double() as double:
        yield double


@pytest.fixture
def sms(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with sms_double() as double:
        yield double


@pytest.fixture
def mailer(mail):
    server = MailServer(
        mail.host, mail.port, "starttls", "shop@example.com", "键铺", USER, Secret(PASSWORD), mail.trust
    )
    return Mailer(server, timeout=2)


@pytest.fixture
def wire(sms):
    return texter(SmsAccount("aliyun", KEY_ID, Secret(KEY_SECRET), SIGN_NAME, APP_ID, endpoint=sms.endpoint))


@pytest.fixture
def dialog(shop, talker, clock):
    engine = an_engine(shop, clock)
    engine._shop = replace(engine._shop, contacts=frozenset(ContactKind))
    return Dialog(engine, talker)


@pytest.fixture
def send_codes(urls, clock, mailer, wire):
    """The worker takes the newest wish."""

    def send():
        ((code_id,),) = execute("SELECT id FROM contact_code ORDER BY asked_at DESC, id DESC LIMIT 1")
        sender = CodeSender(BOOK, clock, mailer, wire, "SMS_1002", ("code",))
        db.connect(urls["worker"], size=4)
        try:
            return sender.send(code_id)
        finally:
            db.connect(urls["shop"], size=4)

    return send


@pytest.fixture
def way(mailer, clock, config, urls):
    return AsWorker(EmailWay(mailer, Words(BOOK, "https://shop.example"), clock, codes_of(config, clock)), urls)


@pytest.fixture
def sms_way(wire, clock, config, urls):
    way = SmsWay(wire, BOOK, clock, codes_of(config, clock), template="SMS_1003", variables=("order", "code"))
    return AsWorker(way, urls)


@pytest.fixture
def cards(shop, talker, clock):
    """A paid order's cards, as the carrier tells them otherwise."""
    shop.a_listing("A1")
    shop.a_batch("A1", 5)
    dialog = Dialog(an_engine(shop, clock), talker)
    dialog.say("买 A1 2")
    order = order_of(dialog.tap("确认"))
    pay(shop, clock, order)
    body = {"order": public(Prefix.ORDER, order), "delivery": "d-1", "cards": [{"token": "crd_x", "mask": CANARY}]}
    return parcel_of(talker, MessageKind.CARDS, **body)


def test_an_address_set_by_words_is_confirmed_by_the_code_in_the_letter(dialog, send_codes, mail):
    assert dialog.say("邮箱 me@example.com").text.startswith("验证码已发往 m***@example.com")
    assert send_codes().outcome is SendOutcome.SENT

    (letter,) = mail.letters
    assert letter.message["Subject"] == "demo：您的验证码"
    (code,) = re.findall(r"验证码：(\d{6})", letter.text)
    assert dialog.say(f"验证码 {code}").text.startswith("已确认：m***@example.com")
    assert "邮箱：m***@example.com" in dialog.say("邮箱").text
    assert dialog.say("邮箱 取消").text == "已解除邮箱，不会再发邮件。"
    assert "邮箱：未设置" in dialog.say("通知").text


def test_in_english_a_bare_code_answers_the_question(shop, dialog, send_codes, mail):
    dialog.locale = "en"
    shop.sql("UPDATE shopper SET locale = 'en'")
    dialog.say("email me@example.com")
    send_codes()
    (code,) = re.findall(r"Your code: (\d{6})", mail.letters[0].text)

    assert dialog.say(code).text.startswith("Confirmed: m***@example.com")


def test_a_phone_is_confirmed_by_a_text_message(dialog, send_codes, sms):
    assert dialog.say("手机 138 0013 8000").text.startswith("验证码已发往 138****8000")
    assert send_codes().outcome is SendOutcome.SENT

    (text,) = sms.texts
    assert (text.to, text.template) == ("13800138000", "SMS_1002")
    assert dialog.say(f"code {text.variables['code']}").text.startswith("已确认：138****8000")


def test_a_wrong_code_costs_a_try_in_the_chat_too(dialog, send_codes, mail):
    dialog.say("邮箱 me@example.com")
    send_codes()
    (code,) = re.findall(r"验证码：(\d{6})", mail.letters[0].text)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    assert "还可以试 2 次" in dialog.say(f"验证码 {wrong}").text
    assert "还可以试 1 次" in dialog.say(f"验证码 {wrong}").text
    assert dialog.say(f"验证码 {wrong}").text.startswith("现在没有待确认的验证码")
    assert dialog.say(f"验证码 {code}").text.startswith("现在没有待确认的验证码")


def test_an_address_that_takes_nothing_is_told_in_the_chat(dialog, send_codes, mail):
    mail.script["RCPT"] = "550 no such user"
    dialog.say("邮箱 me@example.com")

    assert send_codes().problem == "address_refused 550"
    (told,) = dialog.unasked()
    assert told.text.startswith("验证码没能发出去")


def test_a_code_that_was_not_sent_is_another_one_at_the_next_try(dialog, send_codes, mail):
    mail.script["RCPT"] = "451 later"
    dialog.say("邮箱 me@example.com")
    assert send_codes().outcome is SendOutcome.LATER

    del mail.script["RCPT"]
    assert send_codes().outcome is SendOutcome.SENT
    assert send_codes() is None
    assert dialog.unasked() == []
    assert len(mail.letters) == 1


def test_where_the_shop_sends_nothing_outside_it_says_so(shop, talker, clock):
    dialog = Dialog(an_engine(shop, clock), talker)

    for words in ("邮箱 me@example.com", "手机 13800138000", "邮箱"):
        assert dialog.say(words).text.startswith("本店没有开通邮件和短信通知")
    assert execute("SELECT count(*) FROM contact_code") == [(0,)]


def test_cards_are_told_in_a_letter_that_leads_back_and_carries_none(shop, talker, way, mail, cards):
    confirmed(shop, talker, email="me@example.com")

    answer = way.tell(cards)

    (letter,) = mail.letters
    end = cards.body["order"][-6:]
    assert answer.outcome is SendOutcome.SENT
    assert letter.message["Subject"] == "demo：您的卡密已备好"
    (code,) = set(CODE.findall(letter.text))
    assert letter.text == (
        "您的卡密已备好\n\n"
        f"商品：商品 A1 × 2\n订单尾号：{end}\n对话：https://shop.example/s/demo\n\n"
        "请打开对话，发送“取卡”领取。为了安全，邮件里不会有卡密。\n\n"
        f"取卡码：{code}\n打不开那个对话？在本店的其他对话里发送“取卡 {code}”也能领取。\n"
        "7 天内有效，只能用一次。谁拿到它都能领走卡密，请不要告诉别人。\n\n"
        "您在与本店的对话里确认过这个邮箱。不想再收到邮件，请在对话里发送“邮箱 取消”。\n\n"
        "打开对话\nhttps://shop.example/s/demo\n"
    )
    assert CANARY not in letter.raw.decode() + letter.text + letter.html
    assert way.tell(cards).external_ref != answer.external_ref  # another code is another letter
    assert len({*CODE.findall(mail.letters[0].text), *CODE.findall(mail.letters[1].text)}) == 2


def test_a_letter_names_the_bot_or_the_official_account(shop, talker, way, mail, cards):
    confirmed(shop, talker, email="me@example.com")
    accounts = [
        shop.sql(
            "INSERT INTO chat_account (opaque_id, channel, merchant_id, external_id, username, names, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, now()) RETURNING id",
            [f"{channel}-opaque-id-1", channel, talker.merchant_id, "1", username, '{"zh-CN": "键铺服务号"}'],
        )[0][0]
        for channel, username in (("telegram", "keystall_bot"), ("wechat", "gh_1"))
    ]

    way.tell(replace(cards, chat_address=f"telegram:{accounts[0]}:77"))
    way.tell(replace(cards, chat_address=f"wechat:{accounts[1]}:openid", locale="en"))

    telegram, wechat = mail.letters
    assert "对话：Telegram @keystall_bot" in telegram.text
    assert telegram.text.endswith("打开对话\nhttps://t.me/keystall_bot\n")
    assert "Chat: WeChat: 键铺服务号" in wechat.text
    assert "http" not in wechat.text


@pytest.mark.parametrize(
    ("kind", "body", "subject"),
    [
        (MessageKind.LATE_MONEY, {"event": "e"}, "demo：这笔付款来晚了，订单已经失效"),
        (MessageKind.IN_REVIEW, {}, None),
        (MessageKind.REFUNDED, {"amount_minor": 5000, "currency": "CNY", "to_wallet": False}, None),
        (MessageKind.REFUNDED, {"amount_minor": 5000, "currency": "CNY", "to_wallet": True}, None),
    ],
)
def test_what_is_worth_a_letter_is_told_in_both_languages(shop, talker, way, mail, kind, body, subject):
    confirmed(shop, talker, email="me@example.com")

    for locale in ("zh-CN", "en"):
        assert way.tell(parcel_of(talker, kind, locale=locale, **body)).outcome is SendOutcome.SENT

    assert len({letter.message["Subject"] for letter in mail.letters}) == 2
    assert "Chat: https://shop.example/s/demo" in mail.letters[1].text


def test_what_speaks_of_the_moment_is_no_letter_and_nobody_without_an_address_gets_one(shop, talker, way, mail, cards):
    assert way.tell(cards) is None
    confirmed(shop, talker, email="me@example.com")
    for kind in (MessageKind.PAID, MessageKind.DELIVERY_DELAYED, MessageKind.WALLET_TOPPED_UP):
        assert way.tell(parcel_of(talker, kind)) is None
    assert mail.letters == []


def test_a_text_message_says_that_cards_are_ready_by_the_orders_end_and_a_code_and_nothing_else(
    shop, talker, sms_way, sms, cards
):
    assert sms_way.tell(cards) is None
    confirmed(shop, talker, phone="+8613800138000")

    assert sms_way.tell(cards).outcome is SendOutcome.SENT
    assert sms_way.tell(parcel_of(talker, MessageKind.IN_REVIEW)) is None
    (text,) = sms.texts
    assert (text.to, text.template) == ("13800138000", "SMS_1003")
    assert text.variables["order"] == cards.body["order"][-6:]
    assert CODE.fullmatch(text.variables["code"])


def test_a_code_is_kept_only_while_its_message_may_have_arrived(shop, talker, sms_way, sms, cards):
    confirmed(shop, talker, phone="+8613800138000")
    kept = []
    for code in ("isv.MOBILE_NUMBER_ILLEGAL", "", "isp.SYSTEM_ERROR", "isv.BUSINESS_LIMIT_CONTROL"):
        sms.script = code
        sms_way.tell(cards)
        kept.append(shop.sql("SELECT array_agg(id) FROM pickup_code")[0][0])

    assert [one and len(one) for one in kept] == [None, 1, 1, 1]
    assert kept[1] != kept[2] == kept[3]


def test_a_way_that_the_operator_must_mend_is_alerted_once(shop, talker, clock, config, urls, mail, cards):
    confirmed(shop, talker, email="me@example.com")
    server = MailServer(mail.host, mail.port, "starttls", "shop@example.com", "x", USER, Secret("wrong"), mail.trust)
    broken = EmailWay(Mailer(server), Words(BOOK, "https://shop.example"), clock, codes_of(config, clock))

    for _ in range(2):
        assert AsWorker(broken, urls).tell(cards).problem == "login_refused 535"

    assert execute("SELECT kind, subject, detail, seen FROM alert") == [
        ("channel_misconfigured", "email", {"problem": "login_refused 535"}, 2)
    ]


def test_the_settings_say_which_ways_there_are(config, monkeypatch, clock):
    monkeypatch.setenv("SOME_SECRET", "of-another-house")
    mail = Mail(host="smtp.example.com", username="u", password="env:SOME_SECRET", sender="shop@example.com")
    sms = Sms(provider="tencent", access_key_id="i", access_key_secret="env:SOME_SECRET", app_id="1", sign_name="s",
              cards_template="1", code_template="2")  # fmt: skip

    assert contact_kinds(Config()) == frozenset()
    assert other_ways(Config(), phrasebook=BOOK, clock=clock) == []
    both = replace(config, mail=mail, sms=sms)
    assert [way.name for way in other_ways(both, phrasebook=BOOK, clock=clock)] == ["email", "sms"]
    assert shop_context(both).contacts == frozenset(ContactKind)
    assert shop_context(replace(config, mail=mail)).contacts == frozenset({ContactKind.EMAIL})
