"""E-mail over a real server on loopback: what arrives, and what each answer of the server means."""

import dataclasses
import logging
import socket
import ssl
from datetime import UTC, datetime

import pytest

from channels.notify.answers import is_misconfigured
from channels.notify.email import Letter, Mailer, MailServer, mail_server
from core.config import Config, ConfigError, Mail, Store
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret
from ops import logs
from tests.doubles.smtp import PASSWORD, USER, MailDouble, mail_double

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ADDRESS = "reader-canary@example.net"
LETTER = Letter(
    to=ADDRESS,
    subject="【键铺】您的卡密已备好（订单尾号 k2m9）",
    text="您好，\n\n腾讯视频月卡 × 2 <已备好>。\n.行首的句点也要原样",
    reference="shopper/17",
    link="https://shop.example/s/demo?a=1&b=2",
    link_text="打开对话，发送“取卡”",
)


@pytest.fixture
def server():
    with mail_double() as double:
        yield double


def mailer_of(double: MailDouble, *, password: str = PASSWORD, trust: ssl.SSLContext | None = None) -> Mailer:
    server = MailServer(
        host=double.host,
        port=double.port,
        security=double.security,
        sender="shop@example.com",
        name="键铺, “一号”店",
        username="" if double.security == "none" else USER,
        password=Secret(password),
        trust=trust or double.trust,
    )
    return Mailer(server, timeout=0.6)


def outcome(answer: SendAnswer) -> tuple[SendOutcome, str]:
    return answer.outcome, answer.problem


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_chinese_letter_arrives_as_it_was_written(security):
    with mail_double(security=security) as server:
        answer = mailer_of(server).send(LETTER, now=NOW)

    (letter,) = server.letters
    assert answer == SendAnswer(SendOutcome.SENT, external_ref=letter.message["Message-ID"])
    assert (letter.sender, letter.to) == ("shop@example.com", [ADDRESS])
    assert letter.message["Subject"] == LETTER.subject
    assert letter.message["From"].addresses[0].display_name == "键铺, “一号”店"
    assert letter.message["From"].addresses[0].addr_spec == "shop@example.com"
    assert letter.message["Date"].datetime == NOW
    assert letter.message["Auto-Submitted"] == "auto-generated"
    wanted = f"{LETTER.text}\n\n打开对话，发送“取卡”\n{LETTER.link}\n"
    assert letter.text == wanted
    assert "<p>您好，</p>" in letter.html
    assert "&lt;已备好&gt;" in letter.html
    assert '<a href="https://shop.example/s/demo?a=1&amp;b=2">打开对话，发送“取卡”</a>' in letter.html
    assert server.logins == ([] if security == "none" else [(USER, True)])


def test_the_same_message_sent_again_is_recognisable_and_another_is_not(server):
    mailer = mailer_of(server)

    first, again = mailer.send(LETTER, now=NOW), mailer.send(LETTER, now=NOW)
    other = mailer.send(dataclasses.replace(LETTER, reference="shopper/18"), now=NOW)

    assert first.external_ref == again.external_ref
    assert other.external_ref != first.external_ref
    assert [letter.message["Message-ID"] for letter in server.letters] == [
        first.external_ref,
        again.external_ref,
        other.external_ref,
    ]


def test_a_name_with_a_line_break_makes_no_header_of_its_own(server):
    letter = dataclasses.replace(LETTER, subject="好\r\nBcc: other@example.com\n\n内容")

    mailer_of(server).send(letter, now=NOW)

    assert server.letters[0].message["Subject"] == "好 Bcc: other@example.com 内容"
    assert server.letters[0].message["Bcc"] is None
    assert server.letters[0].to == [ADDRESS]


@pytest.mark.parametrize(
    ("stage", "line", "wanted", "problem", "taken"),
    [
        ("RCPT", "550 5.1.1 no such user", SendOutcome.REFUSED, "address_refused 550", 0),
        ("RCPT", "553 5.1.3 bad address", SendOutcome.REFUSED, "address_refused 553", 0),
        ("RCPT", "451 4.7.1 greylisted", SendOutcome.LATER, "busy 451", 0),
        ("MAIL", "553 5.7.1 not your address", SendOutcome.REFUSED, "sender_refused 553", 0),
        ("MAIL", "421 too many", SendOutcome.LATER, "busy 421", 0),
        ("DATA", "554 5.7.1 spam", SendOutcome.REFUSED, "content_refused 554", 0),
        ("DATA", "451 4.3.0 disk full", SendOutcome.LATER, "busy 451", 0),
        ("DATA", "hang", SendOutcome.UNKNOWN, "no_answer", 1),
        ("DATA", "drop", SendOutcome.UNKNOWN, "no_answer", 1),
    ],
)
def test_each_answer_is_sent_later_refused_or_unknown(server, stage, line, wanted, problem, taken):
    """As with a refund whose answer is lost: only an answer that was lost after the text is unknown."""
    server.script[stage] = line

    assert outcome(mailer_of(server).send(LETTER, now=NOW)) == (wanted, problem)
    assert len(server.letters) == taken


def test_a_wrong_password_is_for_the_operator_and_sends_nothing(server):
    answer = mailer_of(server, password="wrong").send(LETTER, now=NOW)

    assert outcome(answer) == (SendOutcome.REFUSED, "login_refused 535")
    assert is_misconfigured(answer)
    assert set(server.logins) == {(USER, False)}
    assert server.letters == []


def test_a_certificate_of_another_authority_gets_neither_password_nor_letter(server):
    for security in ("starttls", "tls"):
        with mail_double(security=security) as stranger:
            answer = mailer_of(stranger, trust=server.trust).send(LETTER, now=NOW)

            assert outcome(answer) == (SendOutcome.REFUSED, "not_trusted"), security
            assert is_misconfigured(answer)
            assert (stranger.logins, stranger.letters) == ([], [])


def test_a_server_without_starttls_gets_nothing_in_clear():
    with mail_double(offers_starttls=False) as server:
        answer = mailer_of(server).send(LETTER, now=NOW)

    assert outcome(answer) == (SendOutcome.REFUSED, "no_tls")
    assert (server.logins, server.letters) == ([], [])


def test_an_absent_server_and_a_silent_one_mean_later():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mailer = Mailer(MailServer("127.0.0.1", port, "starttls", "shop@example.com", "x"), timeout=0.3)
        answers = [mailer.send(LETTER, now=NOW)]
    answers.append(mailer.send(LETTER, now=NOW))

    assert [outcome(answer) for answer in answers] == [(SendOutcome.LATER, "unreachable")] * 2


def test_trying_out_logs_in_and_sends_nothing(server):
    assert mailer_of(server).try_out().outcome is SendOutcome.SENT
    assert outcome(mailer_of(server, password="wrong").try_out()) == (SendOutcome.REFUSED, "login_refused 535")
    assert set(server.logins) == {(USER, True), (USER, False)}
    assert server.letters == []


def test_neither_password_nor_address_nor_words_stand_in_logs_or_reprs(server, tmp_path):
    """INV-K1."""
    mailer = mailer_of(server)
    logs.set_up("worker", tmp_path, console=False)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        mailer.send(LETTER, now=NOW)
        server.script["DATA"] = "drop"
        mailer.send(LETTER, now=NOW)
        mailer_of(server, password="wrong-canary-77").send(LETTER, now=NOW)
    finally:
        logs.tear_down()
        logging.getLogger().setLevel(logging.WARNING)

    written = (tmp_path / "worker.log").read_text() + repr(LETTER) + repr(vars(mailer))
    for canary in (PASSWORD, "wrong-canary-77", ADDRESS, "腾讯视频月卡"):
        assert canary not in written


def test_the_settings_make_a_server_with_the_password_behind_its_reference(tmp_path, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "short\n")
    mail = Mail(host="smtp.example.com", username="u", password="env:MAIL_PASSWORD", sender="shop@example.com")
    config = Config(store=Store(name="键铺", data_dir=tmp_path), mail=mail)

    assert mail_server(config) == MailServer(
        "smtp.example.com", 587, "starttls", "shop@example.com", "键铺", "u", Secret("short")
    )
    assert mail_server(Config()) is None
    monkeypatch.delenv("MAIL_PASSWORD")
    with pytest.raises(ConfigError, match="the environment variable MAIL_PASSWORD is empty"):
        mail_server(config)
