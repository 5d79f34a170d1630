"""E-mail: one letter to one shopper over an encrypted connection, and what the server's answer means.

Up to the end of the letter's text every failure is certain: nothing was sent. An answer that is lost after that is
unknown; the letter sent again carries the same Message-ID, by which mail programs know the repeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY

import aiosmtplib

from channels.notify.answers import Problem, later, refused, sent, unknown
from core.config import Config
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret

TIMEOUT = 10.0
"""Seconds for each step of the talk with the server."""

LONGEST = 45.0
"""Seconds for the whole of it: a worker's thread is not kept longer."""

_LOGIN_ANSWERS = (530, 534, 535, 538)  # RFC 4954: asks for a login, too weak, wrong, wants encryption


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `reference` names the message it tells; the same reference always has the same Message-ID.

    `link` is put below the text, in the HTML part as a link with the words `link_text`.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    reference: str
    link: str = field(default="", repr=False)
    link_text: str = ""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in, and as whom. Without a user name there is no login."""

    host: str
    port: int
    security: str  # starttls | tls | none
    sender: str
    name: str
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(b""))
    trust: ssl.SSLContext | None = field(default=None, repr=False)  # other authorities than the system's


class _Stop(Exception):
    """The talk ends here with this answer."""

    def __init__(self, answer: SendAnswer) -> None:
        self.answer = answer
        super().__init__(answer.problem)


def mail_server(config: Config) -> MailServer | None:
    """The settings [mail] with the password behind its reference; None where e-mail is off. Raises ConfigError."""
    mail = config.mail
    if not mail.host:
        return None
    password = config.given_secret(mail.password) if mail.username else Secret(b"")
    name = mail.name or config.store.name
    return MailServer(mail.host, mail.port, mail.security, mail.sender, name, mail.username, password)


class Mailer:
    """Hands letters in, one connection each. Called from the worker's threads, outside any transaction."""

    def __init__(self, server: MailServer, *, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    def send(self, letter: Letter, *, now: datetime) -> SendAnswer:
        """Hand one letter in; never raises for what a server says or does not say."""
        message = composed(letter, server=self._server, now=now).as_bytes()
        return asyncio.run(self._send(letter, message))

    def try_out(self) -> SendAnswer:
        """Connect, encrypt and log in, as `doctor` does; SENT means that the server would take a letter."""
        return asyncio.run(self._try_out())

    async def _send(self, letter: Letter, message: bytes) -> SendAnswer:
        handed_over = False
        try:
            async with asyncio.timeout(max(LONGEST, self._timeout)), self._session() as client:
                await self._envelope(client, letter.to)
                handed_over = True
                await client.data(message)
                return sent(message_id(letter.reference, self._server.sender))
        except _Stop as stop:
            return stop.answer
        except aiosmtplib.SMTPDataError as error:
            temporary = error.code < 500  # 4xx, at the beginning or the end of the text: not taken, come back
            return later(Problem.BUSY, error.code) if temporary else refused(Problem.CONTENT_REFUSED, error.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            return unknown() if handed_over else later(Problem.UNREACHABLE)

    async def _try_out(self) -> SendAnswer:
        try:
            async with asyncio.timeout(max(LONGEST, self._timeout)), self._session():
                return SendAnswer(SendOutcome.SENT)
        except _Stop as stop:
            return stop.answer
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            return later(Problem.UNREACHABLE)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that is encrypted and logged in; closed at the end, whatever happens."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=server.trust,
            local_hostname=server.sender.rpartition("@")[2],
            timeout=self._timeout,
        )
        wire: asyncio.BaseTransport | None = None
        try:
            await self._connect(client)
            wire = client.transport  # the library forgets it when the connection is lost
            await self._log_in(client)
            yield client
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit()  # the letter is in: an impolite end changes nothing
        finally:
            await _closed(client, wire)

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
            if self._server.security == "starttls":
                await client.ehlo()
                if not client.supports_extension("starttls"):
                    raise _Stop(refused(Problem.NO_TLS))
                await client.starttls()
        except (aiosmtplib.SMTPException, OSError) as error:
            if _is_about_trust(error):
                raise _Stop(refused(Problem.NOT_TRUSTED)) from None
            raise

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        if not self._server.username:
            return
        if not client.is_ehlo_or_helo_needed and not client.supports_extension("auth"):
            raise _Stop(refused(Problem.NO_LOGIN))
        try:
            await client.login(self._server.username, self._server.password.reveal())
        except aiosmtplib.SMTPAuthenticationError as error:
            is_wrong = error.code >= 500
            answer = refused(Problem.LOGIN_REFUSED, error.code) if is_wrong else later(Problem.BUSY, error.code)
            raise _Stop(answer) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            raise
        except aiosmtplib.SMTPException:
            raise _Stop(refused(Problem.NO_LOGIN)) from None

    async def _envelope(self, client: aiosmtplib.SMTP, to: str) -> None:
        try:
            await client.mail(self._server.sender)
            await client.rcpt(to)
        except aiosmtplib.SMTPSenderRefused as error:
            raise _Stop(_not_taken(error.code, Problem.SENDER_REFUSED)) from None
        except aiosmtplib.SMTPRecipientRefused as error:
            raise _Stop(_not_taken(error.code, Problem.ADDRESS_REFUSED)) from None


async def _closed(client: aiosmtplib.SMTP, wire: asyncio.BaseTransport | None) -> None:
    """Close at once, without waiting for a goodbye: the event loop ends after this and must leave no socket behind."""
    transport = wire or client.transport
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    for _ in range(3):  # TLS and socket are closed one after the other
        await asyncio.sleep(0)


def _not_taken(code: int, problem: Problem) -> SendAnswer:
    if code in _LOGIN_ANSWERS:
        return refused(Problem.LOGIN_REFUSED, code)
    return refused(problem, code) if code >= 500 else later(Problem.BUSY, code)


def _is_about_trust(error: BaseException) -> bool:
    """Whether a certificate was the reason, however deep the library has wrapped it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def message_id(reference: str, sender: str) -> str:
    """The Message-ID of what `reference` names: the same for every repeat, and it tells nothing of its number."""
    digest = hashlib.sha256(f"keystall letter/{sender}/{reference}".encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def composed(letter: Letter, *, server: MailServer, now: datetime) -> EmailMessage:
    """The letter as it goes over the wire: plain text, the same as simple HTML, and headers for programs."""
    message = EmailMessage(policy=MAIL_POLICY)
    message["From"] = Address(display_name=_one_line(server.name), addr_spec=server.sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = now
    message["Message-ID"] = message_id(letter.reference, server.sender)
    message["Auto-Submitted"] = "auto-generated"
    text = f"{letter.text}\n\n{letter.link_text}\n{letter.link}" if letter.link else letter.text
    message.set_content(f"{text}\n", cte="base64")
    message.add_alternative(_as_html(letter), subtype="html", cte="base64")
    return message


def _as_html(letter: Letter) -> str:
    parts = "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>\n" for part in letter.text.split("\n\n"))
    link = ""
    if letter.link:
        link = f'<p><a href="{html.escape(letter.link)}">{html.escape(letter.link_text or letter.link)}</a></p>\n'
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n{parts}{link}</body></html>\n'


def _one_line(text: str) -> str:
    """A header is one line: names of shops are other people's words."""
    return " ".join(text.split())
