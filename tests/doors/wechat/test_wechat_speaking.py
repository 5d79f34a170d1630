"""What the store says unasked to followers: within what WeChat allows, one message kept for the cards."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.config import Config
from core.connections.chats import ChatAccount
from core.conversations.chats import Heard, hear_from
from core.conversations.quotas import messages_left
from core.db import database_now
from core.errors import NotFound
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind
from core.ports import Parcel, PlainCard, SendOutcome
from core.secret import Secret
from ops import wiring
from ops.channels.wechat import connect
from tests.builders import Shop
from tests.doors.wechat.conftest import given
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.world import Account


@pytest.fixture
def courier(web_config: Config, wx: WeChatDouble, account: ChatAccount, sql: Any) -> Iterator[Any]:
    """The worker's way; web and worker are one process here, so the login of one needs the rights of both."""
    sql("GRANT SELECT, INSERT, UPDATE ON wechat_token TO keystall_shop")
    connect(web_config, given("safe", api_base=wx.url))
    carrier = wiring.carrier(web_config)
    yield carrier.courier
    carrier.courier.by_channel["wechat"].apis.close()


@pytest.fixture
def chat(account: ChatAccount, fan: Follower) -> Heard:
    """The follower's conversation."""
    return hear_from(account=account, user=fan.openid, chat=fan.openid, locale="zh-CN", now=database_now())


def a_parcel(chat: Heard, kind: MessageKind = MessageKind.WALLET_TOPPED_UP, *secrets: str, **body: Any) -> Parcel:
    cards = tuple(PlainCard(f"crd_{n}", "A9**", {"secret": Secret(one)}) for n, one in enumerate(secrets))
    if kind is MessageKind.WALLET_TOPPED_UP:
        body = {"amount_minor": 5000, "currency": "CNY"}
    return Parcel(
        chat.conversation_id, chat.merchant_id, chat.shopper_id, chat.identity_id, "zh-CN", chat.chat_address,
        kind.value, body, cards,
    )  # fmt: skip


def test_words_open_five_messages_of_which_the_last_is_for_cards(
    fan: Follower, chat: Heard, courier: Any, wx: WeChatDouble
) -> None:
    fan.say("菜单")

    outcomes = [courier.hand_over(a_parcel(chat)).outcome for _ in range(6)]

    assert outcomes == [SendOutcome.SENT] * 4 + [SendOutcome.NO_QUOTA] * 2
    assert messages_left(conversation_id=chat.conversation_id, now=database_now()) == 1
    assert len(fan.heard("service")) == 4
    assert "¥50.00 已到钱包" in fan.heard("service")[0]


def test_nothing_is_sent_to_somebody_who_did_nothing(fan: Follower, chat: Heard, courier: Any) -> None:
    answer = courier.hand_over(a_parcel(chat))

    assert (answer.outcome, answer.problem) == (SendOutcome.NO_QUOTA, "quota")
    assert fan.heard("service") == []


def test_what_wechat_counts_better_than_we_do_is_believed(
    fan: Follower, chat: Heard, courier: Any, wx: WeChatDouble
) -> None:
    """Fault 53: 45047; nothing more is tried until the follower does something again."""
    fan.say("菜单")
    wx.use_up_quota(fan)

    first, second = courier.hand_over(a_parcel(chat)), courier.hand_over(a_parcel(chat))
    asked = len(wx.requests("/cgi-bin/message/custom/send"))
    fan.say("菜单")
    third = courier.hand_over(a_parcel(chat))

    assert [first.outcome, second.outcome] == [SendOutcome.NO_QUOTA] * 2
    assert asked == 1
    assert third.outcome is SendOutcome.SENT


def test_somebody_who_unfollowed_takes_nothing(fan: Follower, chat: Heard, courier: Any) -> None:
    fan.say("菜单")
    fan.unsubscribe()

    assert courier.hand_over(a_parcel(chat)).outcome in {SendOutcome.BLOCKED, SendOutcome.NO_QUOTA}


def test_an_expired_token_is_fetched_anew_once(
    fan: Follower, chat: Heard, courier: Any, wx: WeChatDouble, official_account: Account
) -> None:
    """Fault 52."""
    fan.say("菜单")
    assert courier.hand_over(a_parcel(chat)).outcome is SendOutcome.SENT
    wx.expire_tokens(official_account)

    assert courier.hand_over(a_parcel(chat)).outcome is SendOutcome.SENT
    assert len(fan.heard("service")) == 2


def test_an_outage_delays_and_a_lost_answer_is_unknown(
    fan: Follower, chat: Heard, courier: Any, wx: WeChatDouble
) -> None:
    fan.say("菜单")
    courier.hand_over(a_parcel(chat))
    wx.outage(kind="busy")
    busy = courier.hand_over(a_parcel(chat)).outcome
    wx.outage(False)
    wx.lose_answers(1)

    assert busy is SendOutcome.LATER
    assert courier.hand_over(a_parcel(chat)).outcome is SendOutcome.UNKNOWN


def test_what_certainly_did_not_go_out_costs_no_message_of_the_window(
    fan: Follower, chat: Heard, courier: Any, wx: WeChatDouble
) -> None:
    fan.say("菜单")
    before = messages_left(conversation_id=chat.conversation_id, now=database_now())
    wx.outage(kind="busy")
    outcomes = [courier.hand_over(a_parcel(chat)).outcome for _ in range(6)]
    after = messages_left(conversation_id=chat.conversation_id, now=database_now())
    wx.outage(False)

    assert (set(outcomes), after) == ({SendOutcome.LATER}, before)
    assert courier.hand_over(a_parcel(chat)).outcome is SendOutcome.SENT


def test_cards_go_out_byte_for_byte_or_lead_to_the_page(fan: Follower, chat: Heard, courier: Any, goods: Shop) -> None:
    fan.say("菜单")
    order = public(Prefix.ORDER, new_id())
    body = {"order": order, "delivery": str(new_id()), "code": "A1"}

    with pytest.raises(NotFound):  # an order that nobody placed
        courier.hand_over(a_parcel(chat, MessageKind.CARDS, "KEY-1", cards=[], **body))
    assert fan.heard("service") == []


def test_a_foreign_account_of_another_merchant_is_never_used(chat: Heard, courier: Any) -> None:
    foreign = Parcel(
        chat.conversation_id, chat.merchant_id + 1, chat.shopper_id, chat.identity_id, "zh-CN", chat.chat_address,
        MessageKind.WALLET_TOPPED_UP.value, {"amount_minor": 1, "currency": "CNY"},
    )  # fmt: skip

    assert courier.hand_over(foreign).problem == "foreign_chat"


def test_a_consent_is_one_notice(
    fan: Follower, chat: Heard, wx: WeChatDouble, official_account: Account, goods: Shop
) -> None:
    official_account.templates["tmpl-1"] = ("thing1",)
    fan.consent("tmpl-1")
    fan.consent("tmpl-1", accepts=False)

    assert goods.sql("SELECT template_id, notices_left::int FROM notice_consent") == [("tmpl-1", 1)]
