"""The worker's WeChat API against the double: what is said, what becomes of it, and what nobody learns of it."""

import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.texts import Phrasebook
from channels.chat.wechat.menu import menu
from channels.chat.wechat.rights import Right, expected_rights
from channels.chat.wechat.wire import ApiAway, ApiProblem
from core.ports import Outcome, SendAnswer, SendOutcome
from ops import logs
from tests.builders import Shop
from tests.support.wechat_api import APP_SECRET, SEND, STABLE, Desk, a_desk

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")


@pytest.fixture
def desk(shop: Shop, urls: dict[str, str]) -> Iterator[Desk]:
    with a_desk(shop, urls) as desk:
        yield desk
        assert desk.double.violations == []


def test_a_text_arrives_sign_by_sign(desk):
    user, text = desk.somebody(), '取卡 <a href="https://shop.example/w/1">打开</a> A&B "x" 😀\n第二行'

    answer = desk.more().send_text(user.openid, text)

    assert answer.outcome is SendOutcome.SENT
    assert answer.external_ref.isdigit()
    assert user.heard("service") == [text]
    (asked,) = desk.double.requests(SEND)
    assert asked.host == "api.weixin.qq.com"


@pytest.mark.parametrize(
    ("code", "outcome", "problem"),
    [
        (45015, SendOutcome.NO_QUOTA, "window_closed 45015"),
        (45047, SendOutcome.NO_QUOTA, "quota_used_up 45047"),
        (48001, SendOutcome.NO_QUOTA, "no_right 48001"),
        (40003, SendOutcome.BLOCKED, "unknown_openid 40003"),
        (43004, SendOutcome.BLOCKED, "not_following 43004"),
        (-1, SendOutcome.LATER, "busy -1"),
        (45009, SendOutcome.LATER, "daily_quota 45009"),
        (45002, SendOutcome.REFUSED, "refused 45002"),
        (87014, SendOutcome.REFUSED, "refused 87014"),
    ],
)
def test_each_refusal_of_a_message_means_one_thing(desk, code, outcome, problem):
    user = desk.somebody()
    desk.double.answer_with(code, path=SEND)

    answer = desk.more().send_text(user.openid, "hello")

    desk.double.world.violations.clear()  # 45002 is one, but it was scripted
    assert (answer.outcome, answer.problem) == (outcome, problem)
    assert user.heard() == []
    assert len(desk.double.requests(SEND)) == 1


def test_fault_53_quota_that_is_used_up_is_told_and_comes_back_with_the_next_word(desk):
    """Fault 53: 45047 after five messages, 45015 after two days; then the follower speaks and hears again."""
    user, api = desk.somebody(), desk.more()
    said = [api.send_text(user.openid, str(number)).outcome for number in range(6)]
    desk.clock.move(timedelta(hours=49))
    closed = api.send_text(user.openid, "7")
    desk.somebody()

    assert said == [SendOutcome.SENT] * 5 + [SendOutcome.NO_QUOTA]
    assert closed.problem == "window_closed 45015"
    assert api.send_text(user.openid, "8").outcome is SendOutcome.SENT


@pytest.mark.parametrize(
    ("kind", "outcome", "problem"),
    [
        ("502", SendOutcome.UNKNOWN, "http_502"),
        ("drop", SendOutcome.UNKNOWN, "no_answer"),
        ("busy", SendOutcome.LATER, "busy -1"),
    ],
)
def test_an_outage_after_the_token_is_there_may_have_taken_the_message(desk, kind, outcome, problem):
    user, api = desk.somebody(), desk.more()
    api.send_text(user.openid, "first")
    desk.double.outage(kind=kind)

    answer = api.send_text(user.openid, "second")

    assert (answer.outcome, answer.problem) == (outcome, problem)
    desk.double.outage(on=False)
    assert api.send_text(user.openid, "second").outcome is SendOutcome.SENT


@pytest.mark.parametrize(("kind", "problem"), [("502", "http_502"), ("drop", "no_answer"), ("busy", "busy -1")])
def test_without_a_token_nothing_was_sent(desk, kind, problem):
    user = desk.somebody()
    desk.double.outage(kind=kind)

    answer = desk.more().send_text(user.openid, "hello")

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, problem)
    assert desk.double.requests(SEND) == []


def test_a_server_that_is_not_there_took_nothing(desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    user = desk.somebody()
    desk.more().send_text(user.openid, "so that there is a token")

    answer = desk.more(f"http://127.0.0.1:{port}").send_text(user.openid, "hello")

    assert answer == SendAnswer(SendOutcome.LATER, problem="unreachable")


def test_a_lost_answer_is_unknown_and_the_same_again_arrives_twice(desk):
    user, api = desk.somebody(), desk.more()
    desk.double.lose_answers(path=SEND)

    first, second = api.send_text(user.openid, "取卡"), api.send_text(user.openid, "取卡")

    assert (first.outcome, second.outcome) == (SendOutcome.UNKNOWN, SendOutcome.SENT)
    assert user.heard() == ["取卡", "取卡"]


def test_a_slow_answer_is_not_waited_for_too_long(desk, monkeypatch):
    monkeypatch.setattr("channels.chat.wechat.wire.READ_SECONDS", 0.2)
    user, api = desk.somebody(), desk.more()
    desk.double.slow(1, path=SEND)

    assert api.send_text(user.openid, "hello") == SendAnswer(SendOutcome.UNKNOWN, problem="timeout")


def test_an_answer_that_drips_or_never_ends_is_cut_off(desk, monkeypatch):
    monkeypatch.setattr("channels.chat.wechat.wire.TOTAL_SECONDS", 0.3)
    user = desk.somebody()
    desk.more().send_text(user.openid, "so that there is a token")
    with dripping() as base:
        begun = time.monotonic()
        answer = desk.more(base).send_text(user.openid, "hello")

    assert answer == SendAnswer(SendOutcome.UNKNOWN, problem="too_slow_or_large")
    assert time.monotonic() - begun < 3


class dripping:  # noqa: N801 - reads as a phrase
    """A server that sends one byte at a time and never ends."""

    def __enter__(self) -> str:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _ = self.listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not self.ended.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join(10)
        self.listening.close()


def test_a_notice_needs_a_consent_each(desk):
    desk.platform.templates["T1"] = ("thing1",)
    user, api = desk.somebody(), desk.more()
    with desk.double.world.lock:
        user.fan.consents["T1"] = 1

    said = [api.send_notice(user.openid, "T1", {"thing1": "视频月卡"}, "https://shop.example/w/1") for _ in range(2)]

    assert [(one.outcome, one.problem) for one in said] == [
        (SendOutcome.SENT, ""),
        (SendOutcome.NO_QUOTA, "no_consent 43101"),
    ]
    assert [(seen.text, seen.page) for seen in user.messages()] == [("视频月卡", "https://shop.example/w/1")]


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_menu_is_taken_by_wechat_and_comes_back(desk, locale):
    api, made = desk.more(), menu(BOOK.texts(locale))
    assert api.current_menu() is None

    api.push_menu(made)

    assert api.current_menu() == made.as_json()


def test_a_code_names_who_opened_the_page_and_works_once(desk):
    user, api = desk.somebody(), desk.more()
    address = (
        f"{desk.double.url}/connect/oauth2/authorize?appid={desk.platform.app_id}"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Fw%2Foauth&response_type=code&scope=snsapi_base&state=s1"
        "#wechat_redirect"
    )
    code = user.authorise(address).partition("code=")[2].partition("&")[0]

    assert api.oauth_identity(code) == user.openid
    with pytest.raises(ApiProblem) as refused:
        api.oauth_identity(code)
    assert refused.value.code == 40163
    assert desk.fetches() == 0


def test_what_an_account_may_do_is_asked_without_doing_anything(desk):
    desk.double.limit_daily(desk.platform, SEND, 1000)
    service = desk.more().permissions()
    desk.platform.kind, desk.platform.verified = "subscription", False
    small = desk.more().permissions()
    desk.platform.allowed_addresses = set()
    desk.double.expire_tokens(desk.platform)
    locked_out = desk.more().permissions()

    yes, no, unknown = Outcome.YES, Outcome.NO, Outcome.UNKNOWN
    assert service.rights == {Right.MENU: yes, Right.MESSAGES: yes, Right.NOTICES: yes, Right.LOGIN: unknown}
    assert service.left_today[Right.MESSAGES] == 1000
    assert small.rights == {Right.MENU: no, Right.MESSAGES: no, Right.NOTICES: no, Right.LOGIN: unknown}
    assert (set(locked_out.rights.values()), locked_out.problem) == ({unknown}, "misconfigured 40164")
    assert {asked.path for asked in desk.double.requests()} == {STABLE, "/cgi-bin/openapi/quota/get"}


@pytest.mark.parametrize(("kind", "verified"), [(k, v) for k in ("service", "subscription") for v in (True, False)])
def test_the_table_of_rights_is_the_one_that_the_platform_keeps(desk, kind, verified):
    desk.platform.kind, desk.platform.verified = kind, verified

    asked = desk.more().permissions().rights

    expected = expected_rights(kind=kind, is_verified=verified)
    assert {right for right, said in asked.items() if said is Outcome.YES} == expected - {Right.LOGIN}


def test_a_wrong_secret_waits_for_staff_and_loses_no_message(desk):
    user = desk.somebody()

    answer = desk.more(secret="canary-of-a-wrong-secret").send_text(user.openid, "hello")

    assert (answer.outcome, answer.problem) == (SendOutcome.LATER, "misconfigured 40125")


def test_fault_97_no_log_line_and_no_exception_knows_token_secret_code_or_message(desk, tmp_path):
    """Fault 97: whatever fails, at whatever depth, says nothing of what was in the address or in the body."""
    user, api = desk.somebody(), desk.more()
    told: list[str] = []
    code, text = "canary-of-the-code", "canary-of-the-text"

    def failing() -> None:
        for work in (
            lambda: api.push_menu(menu(BOOK.texts("en"))),
            lambda: api.oauth_identity(code),
            api.current_menu,
        ):
            try:
                work()
            except (ApiAway, ApiProblem) as error:
                told.append(everything_of(error))
        told.append(repr(api.send_text(user.openid, text)))
        told.append(repr(api.permissions()))

    with logs.kept("worker", tmp_path):
        api.send_text(user.openid, "first")
        for kind in ("502", "drop", "busy"):
            desk.double.outage(kind=kind)
            failing()
            desk.double.expire_tokens(desk.platform)
            failing()
            desk.double.outage(on=False)
        desk.platform.secret = "another"
        desk.double.expire_tokens(desk.platform)
        failing()
        logging.getLogger("a canary").info("the log is written")

    tokens = [token.value for token in desk.platform.stable_tokens.all]
    written = (tmp_path / "worker.log").read_text() + "\n".join(told)
    assert tokens
    assert "the log is written" in written
    for canary in (*tokens, APP_SECRET, code, text):
        assert canary not in written


def everything_of(error: BaseException) -> str:
    """An exception with all that it leads to."""
    found, seen = [], [error]
    while seen:
        one = seen.pop()
        found += [repr(one), str(one), repr(vars(one)), "".join(traceback.format_exception(one))]
        seen += [inner for inner in (one.__cause__, one.__context__) if inner is not None]
    return "\n".join(found)
