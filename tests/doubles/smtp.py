"""A mail server on loopback: real STARTTLS or TLS by an authority made for it, a real login, answers by a script."""

from __future__ import annotations

import asyncio
import contextlib
import email
import hmac
import logging
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default as modern
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "shop@example.com", "mail-canary-6Tq"


@dataclass(frozen=True)
class Received:
    """One letter that the server took."""

    sender: str
    to: list[str]
    message: EmailMessage
    raw: bytes
    login: str | None

    @property
    def text(self) -> str:
        """The plain part."""
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        """The HTML part."""
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class MailDouble:
    """`script` maps MAIL, RCPT and DATA to the line that is answered instead; DATA may be `hang` or `drop` too.

    `hang` takes the letter and never answers, `drop` takes it and closes the connection.
    """

    security: str = "starttls"
    offers_starttls: bool = True
    script: dict[str, str] = field(default_factory=dict)
    letters: list[Received] = field(default_factory=list)
    logins: list[tuple[str, bool]] = field(default_factory=list)
    port: int = 0

    host = "127.0.0.1"

    def __post_init__(self) -> None:
        self._authority = Authority()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail double")
        self._server: asyncio.Server | None = None
        self._talks: list[SMTP] = []

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to believe this server."""
        return self._authority.trusting()

    def start(self) -> MailDouble:
        """Listen on a free port."""
        logging.getLogger("mail").setLevel(logging.CRITICAL)  # the server's own lines are no lines of the store
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def stop(self) -> None:
        """End every talk and the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        context = self._authority.serving() if self.security == "tls" else None
        self._server = await self._loop.create_server(self._talk, self.host, 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            if talk.transport is not None:
                talk.transport.abort()
        await self._server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _talk(self) -> SMTP:
        is_starttls = self.security == "starttls" and self.offers_starttls
        talk = SMTP(
            self,
            hostname="mail.example.com",
            tls_context=self._authority.serving() if is_starttls else None,
            require_starttls=is_starttls,
            auth_required=is_starttls,
            auth_require_tls=is_starttls,
            authenticator=self._authenticate,
            loop=self._loop,
        )
        self._talks.append(talk)
        return talk

    def _authenticate(self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        is_right = login.login == USER.encode() and hmac.compare_digest(login.password, PASSWORD.encode())
        self.logins.append((login.login.decode(), is_right))
        # handled=False: otherwise no 535 is sent and the client waits for ever
        return AuthResult(success=is_right, handled=False, auth_data=login.login.decode())

    async def handle_MAIL(self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if "MAIL" in self.script:
            return self.script["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if "RCPT" in self.script:
            return self.script["RCPT"]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        scripted = self.script.get("DATA", "")
        if scripted[:1].isdigit():
            return scripted
        message = email.message_from_bytes(envelope.content, policy=modern)
        assert isinstance(message, EmailMessage)
        login = session.auth_data if session.authenticated else None
        self.letters.append(Received(envelope.mail_from, list(envelope.rcpt_tos), message, envelope.content, login))
        if scripted == "hang":
            await asyncio.sleep(60)
        if scripted == "drop" and server.transport is not None:
            server.transport.abort()
        return "250 queued"


class Authority:
    """A certificate authority and one certificate for 127.0.0.1, both made now."""

    def __init__(self) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), _named("Test authority")
        self._authority = _certificate(name, key, name, key, is_authority=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._server = _certificate(_named("127.0.0.1"), self._key, name, key, is_authority=False)

    def serving(self) -> ssl.SSLContext:
        """A context with the server's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "server.pem"
            place.write_bytes(
                self._key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                + self._server.public_bytes(serialization.Encoding.PEM)
            )
            context.load_cert_chain(place)
        return context

    def trusting(self) -> ssl.SSLContext:
        """A context that trusts this authority and no other."""
        return ssl.create_default_context(cadata=self._authority.public_bytes(serialization.Encoding.PEM).decode())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@contextlib.contextmanager
def mail_double(**settings: Any) -> Iterator[MailDouble]:
    """A mail server until the block ends."""
    double = MailDouble(**settings).start()
    try:
        yield double
    finally:
        double.stop()
