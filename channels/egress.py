"""The one way out to a server that somebody else named: resolved once, public, pinned, bounded in size and time.

An address of a supplier is typed in by a person and answered by whoever holds its name. So each call resolves it once,
refuses it unless every address is public (fault 89), connects to exactly that address, follows no redirect, uses no
proxy of the environment, and ends at 64 KB or ten seconds, however slowly the bytes come (fault 94).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpcore

MOST_BYTES = 64 * 1024
"""Of an answer; its head may have as much again as `HEAD_BYTES`."""

HEAD_BYTES = 16 * 1024
MOST_SECONDS = 10.0

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotSent(Exception):
    """Certainly nothing reached the other side: a bad address, or no connection. The text names no address."""


class NoAnswer(Exception):
    """It may have reached the other side; what came back is nothing to go by."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body may hold secrets and never prints."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Egress:
    """`loopback` is allowed where the store itself listens there only: to try a supplier's double."""

    loopback: bool = False
    most_seconds: float = MOST_SECONDS

    def post(self, url: str, *, body: bytes, headers: Mapping[bytes | str, bytes | str]) -> Answer:
        """Send a request and read its answer. Raises `NotSent`, `NoAnswer`."""
        until = time.monotonic() + self.most_seconds
        host, port, scheme = checked_url(url, loopback=self.loopback)
        limits = _Limits(until)
        sent: dict[bytes | str, bytes | str] = {"Host": _named(host, port, scheme), "Connection": "close", **headers}
        backend = _Pinned(self._address(host, port), limits)
        try:
            with httpcore.ConnectionPool(
                network_backend=backend, ssl_context=ssl.create_default_context(), retries=0, max_connections=1
            ) as pool:
                found = pool.request(
                    "POST",
                    url,
                    headers=sent,
                    content=body,
                    extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self.most_seconds)},
                )
                return Answer(found.status, found.content)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            raise NotSent("no connection") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, _TooMuch):
            if not limits.has_written:
                raise NotSent("no connection") from None
            raise NoAnswer("no whole answer in time") from None

    def _address(self, host: str, port: int) -> str:
        """The one address that is connected to. Raises `NotSent` unless all that the name has may be spoken to."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotSent("a name without an address") from None
        addresses = [ipaddress.ip_address(row[4][0]) for row in found]
        if not addresses or not all(is_allowed(one, loopback=self.loopback) for one in addresses):
            raise NotSent("not a public address")
        return str(addresses[0])


def checked_url(url: str, *, loopback: bool) -> tuple[str, int, str]:
    """Host, port and scheme of an address that may be called: https, or http on loopback. Raises `NotSent`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotSent("not an address") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password or parts.fragment:
        raise NotSent("not an address")
    if parts.scheme == "http" and not (loopback and _is_loopback_name(host)):
        raise NotSent("not encrypted")
    return host, port or (443 if parts.scheme == "https" else 80), parts.scheme


def is_allowed(address: Address, *, loopback: bool) -> bool:
    """Whether an address is public: nothing private, link-local, shared (CGNAT), reserved, or hidden in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return is_allowed(hidden, loopback=False)
        if address.is_site_local:  # the private ones of before; Python calls them global
            return False
    if loopback and address.is_loopback:
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_loopback_name(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _named(host: str, port: int, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == {"https": 443, "http": 80}[scheme] else f"{shown}:{port}"


class _TooMuch(Exception):
    """More bytes came than an answer may have."""


@dataclass(slots=True)
class _Limits:
    """What one call may still use; every read and write of its connection is counted here."""

    until: float
    left: int = MOST_BYTES + HEAD_BYTES
    has_written: bool = False

    def seconds(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Pinned(httpcore.NetworkBackend):
    """Connects to one address, whatever name is asked for; the certificate is still checked against the name."""

    def __init__(self, address: str, limits: _Limits) -> None:
        self._address = address
        self._limits = limits
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._limits.seconds()
        stream = self._inner.connect_tcp(self._address, port, seconds, local_address, socket_options)
        return _Bounded(stream, self._limits)


class _Bounded(httpcore.NetworkStream):
    """A connection on which no read waits past the end, and no more is read than an answer may have."""

    def __init__(self, inner: httpcore.NetworkStream, limits: _Limits) -> None:
        self._inner = inner
        self._limits = limits

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        read = self._inner.read(max_bytes, timeout=self._limits.seconds())
        self._limits.left -= len(read)
        if self._limits.left < 0:
            raise _TooMuch
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._limits.has_written = True
        self._inner.write(buffer, timeout=self._limits.seconds())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, timeout=self._limits.seconds())
        return _Bounded(stream, self._limits)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
