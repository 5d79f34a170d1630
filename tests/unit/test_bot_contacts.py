"""The words that set an address outside the chat, and the goods that sound like them."""

import pytest

from bot.intents import Act, Intent
from bot.words import understand


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("邮箱", Act(Intent.CONTACTS)),
        ("email", Act(Intent.CONTACTS)),
        ("通知方式", Act(Intent.CONTACTS)),
        ("邮箱 me@example.com", Act(Intent.EMAIL, {"address": "me@example.com"})),
        ("邮箱：Me@Example.com。", Act(Intent.EMAIL, {"address": "Me@Example.com"})),
        ("电子邮箱me@example.com", Act(Intent.EMAIL, {"address": "me@example.com"})),
        ("Email me＠example.com", Act(Intent.EMAIL, {"address": "me@example.com"})),
        ("邮箱 @", Act(Intent.EMAIL, {"address": "@"})),
        ("手机 138 0013 8000", Act(Intent.PHONE, {"address": "138 0013 8000"})),
        ("手机号１３８００１３８０００", Act(Intent.PHONE, {"address": "13800138000"})),
        ("phone +86 13800138000", Act(Intent.PHONE, {"address": "+86 13800138000"})),
        ("验证码 012345", Act(Intent.CONTACT_CODE, {"code": "012345"})),
        ("验证码：012345", Act(Intent.CONTACT_CODE, {"code": "012345"})),
        ("code 012 345", Act(Intent.CONTACT_CODE, {"code": "012 345"})),
        ("邮箱 取消", Act(Intent.FORGET_CONTACT, {"kind": "email"})),
        ("phone off", Act(Intent.FORGET_CONTACT, {"kind": "phone"})),
    ],
)
def test_an_address_a_code_and_a_farewell_are_understood(said, meant):
    assert understand(said) == meant


@pytest.mark.parametrize("said", ["手机 充值", "手机", "phone top-up", "邮箱 会员", "验证码 平台", "email gift"])
def test_goods_that_sound_like_it_are_looked_for(said):
    assert understand(said).intent in {Intent.UNKNOWN, Intent.CODE}


@pytest.mark.parametrize("said", ["code does not work", "验证码 无效"])
def test_a_worry_stays_a_worry(said):
    assert understand(said) == Act(Intent.AFTER_SALES)
