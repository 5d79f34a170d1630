"""From a blocked bot to the web chat: a whole store tells by a text message, and its code brings exactly the cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles.sms import KEY_ID, KEY_SECRET, SIGN_NAME, SmsDouble, sms_double
from tests.doubles.telegram import BotAccount, Seen, TelegramDouble, User
from tests.support.chatter import Chatter, press_sandbox_pay
from tests.support.pickups import CODE
from tests.support.telegram import last
from tests.support.whole import WholeStore

pytestmark = pytest.mark.slow

PHONE = "13800138000"


@dataclass
class Town:
    """The store, its Telegram with one bot, and its provider of text messages."""

    store: WholeStore
    tg: TelegramDouble
    bot: BotAccount
    sms: SmsDouble

    def asked_to_pay(self, user: User, quantity: int) -> Seen:
        """Order and confirm."""
        user.send(self.bot, f"买 A1 {quantity}")
        user.tap(self.bot, "确认下单", message=last(user, self.bot, "确认下单", seconds=40)).answer()
        return last(user, self.bot, "去支付", seconds=40)

    def texts(self, count: int, seconds: float = 40) -> list[dict[str, str]]:
        """The variables of the text messages, once there are so many."""
        self.tg.wait_until(lambda: len(self.sms.texts) >= count, seconds)
        assert [text.to for text in self.sms.texts] == [PHONE] * count
        return [dict(text.variables) for text in self.sms.texts]


@pytest.fixture
def town() -> Iterator[Town]:
    with TelegramDouble() as tg, sms_double() as sms:
        bot = tg.add_bot()
        settings = {"PROVIDER": "aliyun", "ENDPOINT": sms.endpoint, "ACCESS_KEY_ID": KEY_ID, "SIGN_NAME": SIGN_NAME}
        settings |= {
            "ACCESS_KEY_SECRET": "env:SMS_KEY_SECRET",
            "CARDS_TEMPLATE": "SMS_1003",
            "CODE_TEMPLATE": "SMS_1002",
        }
        named = {f"KEYSTALL_SMS__{name}": value for name, value in settings.items()}
        store = WholeStore(KEYSTALL_TELEGRAM__API_BASE=tg.url, SMS_KEY_SECRET=KEY_SECRET, **named)
        try:
            store.start()
            Path(store.folder, "bot.token").write_text(bot.token + "\n")
            done = store.run("channel", "add", "telegram", "--merchant", "demo", "--token", "file:bot.token")
            assert done.returncode == 0, done.stderr
            yield Town(store, tg, bot, sms)
            assert tg.violations == []
            assert sms.refused == []
        finally:
            store.remove()


def secrets_in(seen: Seen) -> set[str]:
    """The card keys of a message of A1, whose cards have a number and a key."""
    return set(seen.codes[1::2]) if seen.copied else set()


def test_who_blocked_the_bot_gets_exactly_the_cards_by_the_code_of_the_text_message(town: Town) -> None:
    """Fault 43: told another way, and what was told is enough to have the cards without that chat."""
    user = town.tg.user(7001, language_code="zh-hans")
    press_sandbox_pay(town.asked_to_pay(user, 1).links[0])
    first = secrets_in(user.wait_for(town.bot, lambda seen: len(secrets_in(seen)) == 1, 40))
    user.send(town.bot, f"手机 {PHONE}")
    user.send(town.bot, f"验证码 {town.texts(1)[0]['code']}")
    last(user, town.bot, "已确认", seconds=40)
    asked = town.asked_to_pay(user, 2)
    user.block(town.bot)
    press_sandbox_pay(asked.links[0])
    _, told = town.texts(2)
    assert set(told) == {"order", "code"}
    assert CODE.fullmatch(told["code"])

    finder, late = Chatter(town.store.address), Chatter(town.store.address)
    try:
        assert finder.say(f"取卡 {told['code'].lower()}")[-1]["text"] == "正在核对取卡码，卡密马上发到这里。"
        cards = finder.wait_for("cards")["cards"]
        late.say(f"取卡 {told['code']}")
        refused = late.wait_for("error")
        finder.say("取卡")
        again = finder.wait_for("cards")["cards"]
    finally:
        finder.close()
        late.close()

    assert again == cards
    assert len({card["secret"] for card in cards}) == 2
    assert not first & {card["secret"] for card in cards}
    assert refused["text"].startswith("这个取卡码用不了。")
    user.unblock(town.bot)
    user.send(town.bot, "取卡")
    own = user.wait_for(town.bot, lambda seen: len(secrets_in(seen)) == 2, 40)
    assert secrets_in(own) == {card["secret"] for card in cards}
    verified = town.store.run("verify")
    assert verified.returncode == 0, verified.stdout
