"""The one way out: only to public addresses, only where the name led first, never further and never for long."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from channels.egress import Egress, NoAnswer, NotSent, checked_url, is_allowed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server of one kind of answer on loopback; its address, and the heads of what it was asked."""
    heads: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    heads.append(connection.recv(65536))
                    with suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def post(url: str, **settings: Any) -> bytes:
    return Egress(**{"loopback": True, **settings}).post(url, body=b"{}", headers={}).body


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
        "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:0:53aa:64c:0:fff:80ff:fffe", "2001:db8::1",
        "fec0::1", "64:ff9b:1::7f00:1",
    ],
)  # fmt: skip
def test_fault_89_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "64:ff9b::808:808"])
def test_public_addresses_are_spoken_to(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "gopher://shop.example/", "file:///etc/passwd", "ftp://shop.example", "https://",
        "https://me:word@shop.example/", "https://shop.example/#there", "https://[::1", "https://shop.example:99999/",
        "http://127.0.0.1/", "//shop.example", "",
    ],
)  # fmt: skip
def test_fault_89_what_is_no_encrypted_address_is_not_called(url: str) -> None:
    with pytest.raises(NotSent):
        checked_url(url, loopback=False)


def test_fault_89_a_store_that_others_reach_does_not_call_its_own_machine() -> None:
    with serving(lambda connection: connection.sendall(OK)) as (url, heads):
        for way in (url, url.replace("http", "https")):
            with pytest.raises(NotSent):
                post(way, loopback=False)

        assert post(url) == b"{}"
        assert len(heads) == 1


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::ffff:10.0.0.1"]])
def test_fault_89_a_name_with_one_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was called"))

    with pytest.raises(NotSent):
        post("https://shop.example/", loopback=False)


def test_fault_89_a_name_that_changes_its_mind_is_asked_once_and_connected_to_where_it_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the second answer would be the machine itself."""
    answers, called = [["8.8.8.8"], ["127.0.0.1"]], []

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in answers.pop(0)]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotSent):
        post("https://shop.example/", loopback=False)

    assert called == [("8.8.8.8", 443)]
    assert answers == [["127.0.0.1"]]


def test_fault_89_a_redirect_is_an_answer_and_not_followed() -> None:
    with serving(lambda connection: connection.sendall(OK)) as (inner, reached):
        moved = f"HTTP/1.1 302 Found\r\nLocation: {inner}/\r\nContent-Length: 0\r\n\r\n".encode()
        with serving(lambda connection: connection.sendall(moved)) as (url, heads):
            assert Egress(loopback=True).post(url, body=b"{}", headers={}).status == 302

    assert (len(heads), reached) == (1, [])


def test_fault_94_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would see the keys: none is used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    sent = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with serving(endless) as (url, _), pytest.raises(NoAnswer):
        post(url)

    assert sum(sent) < 16 * 2**20


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200, id="its head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 200, id="its body"),
    ],
)
def test_fault_94_bytes_that_come_one_by_one_end_with_the_time(drip: bytes) -> None:
    def slowly(connection: socket.socket) -> None:
        for byte in drip:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with serving(slowly) as (url, _):
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            post(url, most_seconds=0.3)
        assert time.monotonic() - began < 2


def test_a_server_that_hangs_up_may_have_heard_it() -> None:
    with serving(lambda connection: None) as (url, heads), pytest.raises(NoAnswer):
        post(url)

    assert heads[0].startswith(b"POST / HTTP/1.1\r\n")


def test_where_nobody_listens_nothing_was_sent() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent):
        post(f"http://127.0.0.1:{port}")
