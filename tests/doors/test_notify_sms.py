"""Text messages through both providers' SDKs against endpoints that work every signature out again."""

import dataclasses
import logging

import pytest

from channels.notify import sms
from channels.notify.answers import is_misconfigured
from channels.notify.sms import SmsAccount, TextMessage, meaning, sms_account, texter
from core.config import Config, Sms, Store
from core.ports import SendOutcome
from core.secret import Secret
from ops import logs
from tests.doubles.sms import APP_ID, KEY_ID, KEY_SECRET, SIGN_NAME, SentText, sms_double

NUMBER = "+8613800138000"
TEMPLATES = {"aliyun": "SMS_1001", "tencent": "1001"}


@pytest.fixture
def double(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with sms_double() as double:
        yield double


@pytest.fixture(params=["aliyun", "tencent"])
def provider(request):
    return request.param


def account_of(double, provider, **changed):
    account = SmsAccount(provider, KEY_ID, Secret(KEY_SECRET), SIGN_NAME, app_id=APP_ID, endpoint=double.endpoint)
    return dataclasses.replace(account, **changed)


def a_message(provider, *, to=NUMBER, template="", variables=None):
    return TextMessage(to, template or TEMPLATES[provider], variables or {"order": "k2m9"})


def test_a_signed_message_is_taken_and_its_number_at_the_provider_kept(double, provider):
    answer = texter(account_of(double, provider)).send(a_message(provider))

    taken = {
        "aliyun": SentText("aliyun", "13800138000", "SMS_1001", {"order": "k2m9"}),
        "tencent": SentText("tencent", NUMBER, "1001", ["k2m9"]),
    }
    reference = {"aliyun": "biz-1", "tencent": "serial-1"}
    assert double.texts == [taken[provider]]
    assert (answer.outcome, answer.external_ref, answer.problem) == (SendOutcome.SENT, reference[provider], "")


def test_a_wrong_key_is_for_the_operator(double, provider):
    for changed in ({"key_secret": Secret("another")}, {"key_id": "nobody"}):
        answer = texter(account_of(double, provider, **changed)).send(a_message(provider))

        assert answer.outcome is SendOutcome.REFUSED
        assert answer.problem.startswith("login_refused ")
        assert is_misconfigured(answer)
    assert double.texts == []


def test_a_wrong_number_signature_template_or_variable_is_certainly_not_sent(double, provider):
    right = account_of(double, provider)
    answers = [
        texter(right).send(a_message(provider, to="+8612345")),
        texter(dataclasses.replace(right, sign_name="别家")).send(a_message(provider)),
        texter(right).send(a_message(provider, template="999")),
        texter(right).send(a_message(provider, variables={"order": "k2m9", "more": "x"})),
    ]

    assert [answer.problem.partition(" ")[0] for answer in answers] == [
        "address_refused",
        "sender_refused",
        "template_refused",
        "template_refused",
    ]
    assert {answer.outcome for answer in answers} == {SendOutcome.REFUSED}
    assert [is_misconfigured(answer) for answer in answers] == [False, True, True, True]
    assert double.texts == []


@pytest.mark.parametrize(
    ("provider", "code", "outcome", "problem"),
    [
        ("aliyun", "isv.BUSINESS_LIMIT_CONTROL", SendOutcome.LATER, "limited"),
        ("aliyun", "isv.AMOUNT_NOT_ENOUGH", SendOutcome.REFUSED, "no_money"),
        ("aliyun", "isp.SYSTEM_ERROR", SendOutcome.UNKNOWN, "no_answer"),
        ("aliyun", "isv.SOMETHING_NEW", SendOutcome.REFUSED, "content_refused"),
        ("tencent", "LimitExceeded.PhoneNumberDailyLimit", SendOutcome.LATER, "limited"),
        ("tencent", "RequestLimitExceeded", SendOutcome.LATER, "busy"),
        ("tencent", "InternalError.Timeout", SendOutcome.UNKNOWN, "no_answer"),
        ("tencent", "FailedOperation.InsufficientBalanceInSmsPackage", SendOutcome.REFUSED, "no_money"),
        ("tencent", "FailedOperation.PhoneNumberInBlacklist", SendOutcome.REFUSED, "address_refused"),
        ("tencent", "FailedOperation.ContainSensitiveWord", SendOutcome.REFUSED, "content_refused"),
    ],
)
def test_a_failure_that_comes_as_http_200_is_read_from_its_code(double, provider, code, outcome, problem):
    double.script = code

    answer = texter(account_of(double, provider)).send(a_message(provider))

    assert (answer.outcome, answer.problem) == (outcome, f"{problem} {code}")
    assert answer == meaning(code)
    assert double.texts == []


@pytest.mark.parametrize("silence", ["hang", "drop", "503"])
def test_an_answer_that_is_lost_is_unknown(double, provider, silence, monkeypatch):
    monkeypatch.setattr(sms, "READ_SECONDS", 0.3)
    monkeypatch.setattr(sms, "CONNECT_SECONDS", 0.3)
    double.script = silence

    answer = texter(account_of(double, provider)).send(a_message(provider))

    assert (answer.outcome, answer.problem) == (SendOutcome.UNKNOWN, "no_answer")


def test_an_absent_provider_means_later(provider, double):
    with sms_double() as gone:
        account = account_of(gone, provider)

    answer = texter(account).send(a_message(provider))

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, "unreachable")


def test_trying_out_looks_the_template_up_and_sends_nothing(double, provider):
    wire = texter(account_of(double, provider))

    assert wire.try_out(TEMPLATES[provider]).outcome is SendOutcome.SENT
    assert wire.try_out("999").problem.startswith("template_refused")
    assert texter(account_of(double, provider, key_secret=Secret("x"))).try_out("1001").problem.startswith("login")
    assert double.texts == []


def test_neither_key_nor_number_stands_in_logs_or_reprs(double, provider, tmp_path, monkeypatch):
    """INV-K1."""
    monkeypatch.setattr(sms, "READ_SECONDS", 0.3)
    account = account_of(double, provider)
    logs.set_up("worker", tmp_path, console=False)
    logging.getLogger("keystall").info("the log is there")
    try:
        for script in ("", "isv.BUSINESS_LIMIT_CONTROL", "drop", "503"):
            double.script = script
            texter(account).send(a_message(provider))
    finally:
        logs.tear_down()

    written = (tmp_path / "worker.log").read_text()
    assert "the log is there" in written
    for canary in (KEY_SECRET, "13800138000", "k2m9"):
        assert canary not in written + repr(account) + repr(a_message(provider))


def test_the_settings_make_an_account_with_the_key_behind_its_reference(tmp_path, monkeypatch):
    monkeypatch.setenv("SMS_KEY", "secret-of-aliyun")
    given = Sms(provider="aliyun", access_key_id="id", access_key_secret="env:SMS_KEY", sign_name="键铺")

    account = sms_account(Config(store=Store(data_dir=tmp_path), sms=given))

    assert account == SmsAccount("aliyun", "id", Secret("secret-of-aliyun"), "键铺")
    assert (account.scheme, account.host) == ("https", "")
    assert sms_account(Config()) is None
