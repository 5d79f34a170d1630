"""Links to card pages from the order to the page: what a bot's chat, a follower's chat and a letter box then hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.texts import Phrasebook
from channels.card_links import CardLinks
from channels.chat.couriers import Couriers
from channels.notify.email import Mailer, MailServer
from channels.notify.ways import EmailWay, Words
from core.connections.chats import ChatAccount, chat_account
from core.conversations.quotas import Opening, open_window
from core.fulfilment.service import Carrier, carry, deliver, request_reread, reread
from core.ids import new_id
from core.reports.trace import trace_order
from core.secret import Secret
from ops import wiring
from ops.channels.wechat import Given, connect
from ops.commands.trace import of_order
from tests.builders import Talker
from tests.doubles.smtp import PASSWORD, USER, MailDouble, mail_double
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.quotas import open_window as speak
from tests.support.chats import somebody
from tests.support.exchange import Exchange
from tests.support.links import WorkersVault, followed
from tests.support.pickups import CODE, codes_of, confirmed
from tests.support.sales import LINES, Sale
from tests.support.telegram import connected, on_telegram
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN

ORIGIN = "https://cards.example"
BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
PLAIN_LINES = re.compile("|".join(map(re.escape, LINES)))


class Post:
    """The worker of a shop with a vault: what is paid goes out by this carrier."""

    def __init__(self, desk: Exchange, carrier: Carrier) -> None:
        self.desk, self.carrier, self.vault = desk, carrier, WorkersVault(desk)

    def deliver(self, quantity: int, talker: Talker) -> Sale:
        """Sell, and have the cards go out."""
        sale = self.desk.counter.sell(quantity, talker=talker)
        self.desk.counter.shop.sql("UPDATE delivery SET state = 'ready' WHERE id = %s", [sale.delivery])
        with self.desk.as_worker():
            assert deliver(delivery_id=sale.delivery, vault=self.vault, carrier=self.carrier, now=datetime.now(UTC))
        return sale

    def again(self, talker: Talker) -> None:
        """取卡 in the chat that bought."""
        now = datetime.now(UTC)
        request_reread(actor=talker.actor, conversation_id=talker.conversation_id, submission_id=str(new_id()), now=now)
        ((reading,),) = self.desk.counter.shop.sql("SELECT id FROM reading")
        with self.desk.as_worker():
            assert reread(reading_id=reading, vault=self.vault, now=now)
            carry(conversation_id=talker.conversation_id, vault=self.vault, carrier=self.carrier, now=now)


def links_of(desk: Exchange) -> CardLinks:
    return CardLinks(WorkersVault(desk), ORIGIN)


@pytest.fixture
def tg() -> Iterator[TelegramDouble]:
    with TelegramDouble() as double:
        yield double
        assert double.violations == []


@pytest.fixture
def bot(tg: TelegramDouble) -> BotAccount:
    return tg.add_bot()


@pytest.fixture
def account(desk: Exchange, tg: TelegramDouble, bot: BotAccount) -> ChatAccount:
    return connected(on_telegram(desk.config, tg), bot)


@pytest.fixture
def letters() -> Iterator[MailDouble]:
    with mail_double() as double:
        yield double


@pytest.fixture
def post(desk: Exchange, tg: TelegramDouble, letters: MailDouble) -> Iterator[Post]:
    """Telegram and e-mail, both with links."""
    server = MailServer(
        letters.host, letters.port, "starttls", "shop@example.com", "键铺", USER, Secret(PASSWORD), letters.trust
    )
    clock, links = wiring.clock(), links_of(desk)
    mail = EmailWay(
        Mailer(server, timeout=2), Words(BOOK, "https://shop.example"), clock, codes_of(desk.config, clock), links
    )
    with contextlib.closing(wiring.telegram_courier(on_telegram(desk.config, tg))) as courier:
        courier.links = links
        yield Post(desk, Carrier(Couriers({"telegram": courier}), (mail,)))


@pytest.fixture
def user(tg: TelegramDouble, bot: BotAccount) -> User:
    person = tg.user(5001)
    person.start(bot)
    return person


def cards_link(addresses: Sequence[str]) -> str:
    (address,) = [one for one in addresses if "/k/" in one]
    assert address.startswith(f"{ORIGIN}/k/")
    return address


def kept_anywhere(desk: Exchange, address: str) -> list[str]:
    """The tables that hold the key of a link."""
    sql, key = desk.counter.shop.sql, address.partition("#")[2]
    tables = [name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return [one for one in tables if sql(f"SELECT 1 FROM {one} t WHERE t::text LIKE %s LIMIT 1", [f"%{key}%"])]


def test_a_bot_whose_merchant_wants_no_cards_in_the_chat_sends_a_button_to_their_page(
    desk: Exchange, post: Post, account: ChatAccount, bot: BotAccount, user: User
) -> None:
    """INV-K1: the link stands in the message only; `trace` says when it was opened."""
    desk.counter.shop.sql('UPDATE chat_account SET settings = settings || \'{"cards": "page"}\'')
    buyer = somebody(desk.counter.shop, chat_account(account_id=account.id), "5001")
    sale = post.deliver(2, buyer)
    shown = user.from_bot(bot)[-1]
    address = cards_link(shown.links)

    assert "商品 A1 × 2" in shown.text
    assert not PLAIN_LINES.search(str(shown.wire))
    assert not shown.has_preview
    assert kept_anywhere(desk, address) == []
    read = followed(desk, address).read()
    assert read is not None
    assert set(read) <= set(LINES)
    said = "\n".join(of_order(trace_order(order_id=sale.order), BOOK.texts("en").zone))
    assert said.count("cards.link_opened") == 1

    post.again(buyer)
    fresh = cards_link(user.from_bot(bot)[-1].links)
    assert fresh != address
    assert followed(desk, fresh).read() == read


def test_a_long_list_is_a_file_with_a_button_to_its_page(
    desk: Exchange, post: Post, account: ChatAccount, bot: BotAccount, user: User
) -> None:
    post.deliver(21, somebody(desk.counter.shop, account, "5001"))
    shown = [one for one in user.from_bot(bot) if one.document is not None][-1]

    assert shown.document is not None
    lines = shown.document.content.decode().split()
    assert len(lines) == 21
    read = followed(desk, cards_link([link for one in user.from_bot(bot) for link in one.links])).read()
    assert sorted(read or []) == sorted(lines)


def test_a_few_cards_have_no_link_and_a_page_that_cannot_be_linked_to_delays_them(
    desk: Exchange, post: Post, account: ChatAccount, bot: BotAccount, user: User
) -> None:
    buyer = somebody(desk.counter.shop, account, "5001")
    post.deliver(2, buyer)
    assert PLAIN_LINES.search(user.from_bot(bot)[-1].text)
    assert desk.counter.shop.count("card_link") == 0

    desk.counter.shop.sql('UPDATE chat_account SET settings = settings || \'{"cards": "page"}\'')
    post.carrier.courier.by_channel["telegram"].links = CardLinks(None, ORIGIN)  # type: ignore[attr-defined]
    sale = desk.counter.sell(1, talker=buyer)
    desk.counter.shop.sql("UPDATE delivery SET state = 'ready' WHERE id = %s", [sale.delivery])
    before = len(user.from_bot(bot))
    with desk.as_worker():
        now = datetime.now(UTC)
        deliver(delivery_id=sale.delivery, vault=post.vault, carrier=post.carrier, now=now)
    assert len(user.from_bot(bot)) == before  # never the cards themselves instead


def test_somebody_who_blocked_the_bot_gets_a_letter_with_a_link_and_a_code_and_no_card(
    desk: Exchange, post: Post, account: ChatAccount, bot: BotAccount, user: User, letters: MailDouble
) -> None:
    """Fault 43, the fallback: the letter leads to a page that opens the cards by a press."""
    buyer = somebody(desk.counter.shop, account, "5001")
    confirmed(desk.counter.shop, buyer, email="me@example.com")
    user.block(bot)
    post.deliver(2, buyer)

    (letter,) = letters.letters
    assert not PLAIN_LINES.search(letter.text + letter.html)
    address = cards_link(re.findall(r"https://\S+", letter.text))
    assert f'<a href="{address}">查看卡密</a>' in letter.html
    assert CODE.search(letter.text)
    assert kept_anywhere(desk, address) == []
    assert len(followed(desk, address).read() or []) == 2
    ((contact,),) = desk.counter.shop.sql("SELECT contact_id FROM card_link")
    assert contact is not None


def test_what_a_text_of_wechat_cannot_carry_has_a_link_that_opens_for_a_day(desk: Exchange) -> None:
    """Long lists go to the page; the link of 15 minutes that asks who opens it is not needed for that."""
    shop, now = desk.counter.shop, datetime.now(UTC)
    shop.sql("UPDATE batch SET state = 'locked', reason = 'test'")
    long = [f"LONG-{n:03}-{n * 7919 % 10007:05}-{'X' * 40}" for n in range(40)]
    desk.counter.vault.import_bytes("\n".join(long).encode(), "long.txt", owner=shop.merchant, sku="A1")
    with WeChatDouble() as wx:
        values = {"merchant": "demo", "app_id": APP_ID, "token": Secret(TOKEN), "app_secret": Secret(SECRET)}
        values |= {"aes_key": Secret(AES_KEY), "mode": "safe", "ios_rule": "strict", "name": "小店", "verified": True}
        made, _ = connect(desk.config, Given(**values | {"api_base": wx.url}))
        there = wx.add_account(APP_ID, SECRET, TOKEN, AES_KEY)
        fan = wx.follower(there)
        speak(fan.fan.windows, "words", wx.world.now())
        buyer = somebody(shop, made, fan.openid, now=now)
        open_window(conversation_id=buyer.conversation_id, opening=Opening.WORDS, now=now)
        carrier = wiring.carrier(desk.config)
        courier = carrier.courier.by_channel["wechat"]  # type: ignore[attr-defined]
        object.__setattr__(courier, "card_links", links_of(desk))
        post = Post(desk, carrier)
        post.deliver(40, buyer)
        courier.apis.close()

        text = fan.heard("service")[-1]
    address = cards_link(re.findall(r'href="([^"]+)"', text))
    assert not any(line in text for line in long)
    assert sorted(followed(desk, address).read() or []) == sorted(long)
    ((lasts,),) = shop.sql("SELECT expires_at - made_at FROM card_link")
    assert lasts == timedelta(hours=24)
