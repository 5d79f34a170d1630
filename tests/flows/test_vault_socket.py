"""The vault's socket: who may ask, what is no request, and how large one may be."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from core.config import Config
from core.custody.server import Peers
from core.secret import Secret
from core.vault.callers import OPERATIONS, Caller, Credential
from core.vault.client import VaultAway, VaultClient, VaultCode, VaultRefused
from core.vault.frames import LONGEST_ANSWER, BrokenFrame, read_frame, send_frame
from tests.support.vaults import VaultProcess, vault_process


@pytest.fixture
def vault(store_db: Any, config: Config) -> Iterator[VaultProcess]:
    with vault_process(config) as running:
        yield running


def ask(config: Config, raw: bytes) -> dict[str, Any] | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(config.vault_socket))
        assert read_frame(connection, longest=LONGEST_ANSWER) is not None
        connection.sendall(raw)
        try:
            return read_frame(connection, longest=LONGEST_ANSWER)
        except ConnectionResetError:  # it closed before it had read all of it
            return None


def test_the_socket_is_closed_to_others_and_answers_for_its_health(vault: VaultProcess) -> None:
    path = vault.config.vault_socket

    status = vault.client.status()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (status.reason, len(status.key_id or "")) == (None, 16)


def test_what_is_no_request_is_refused_and_the_vault_serves_on(vault: VaultProcess) -> None:
    config = vault.config

    unknown = ask(config, frame(b'{"op": "reveal"}'))
    assert unknown is not None
    assert unknown["code"] == VaultCode.UNKNOWN_REQUEST
    for raw in (frame(b"[1]"), frame(b"\xff\xfe"), b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"):
        assert ask(config, raw) is None
    for delivery in ("x", "../..", "0", "[]"):
        with pytest.raises(VaultRefused) as refused:
            vault.client._ask({"op": "open", "delivery": delivery})
        assert refused.value.vault_code is VaultCode.NOT_SENDING
    assert vault.client.status().reason is None


ASKED: dict[str, dict[str, Any]] = {
    "open": {"delivery": str(uuid4())},
    "import": {"upload": str(uuid4()), "sku": "A1"},
    "trace": {"secret": "QUJD"},
    "keys": {},
}


def refused_to(client: VaultClient) -> set[str]:
    """What the vault refuses this client to ask at all."""
    found = set()
    for operation, request in ASKED.items():
        try:
            client._ask({"op": operation} | request)
        except VaultRefused as refused:
            found |= {operation} & ({operation} if refused.vault_code is VaultCode.NOT_ALLOWED else set())
    return found


def test_each_caller_may_ask_its_own_things_and_one_without_a_key_only_for_the_health(vault: VaultProcess) -> None:
    config, everything = vault.config, set(ASKED)
    keys = {Caller.WORKER: config.secrets.worker_key, Caller.OPERATOR: config.secrets.operator_key}
    worker, operator = (
        VaultClient(config.vault_socket, credential=Credential(caller, config.secret(key)))
        for caller, key in keys.items()
    )
    guessed = [Credential(caller, Secret(b"a guess of 16 bytes")) for caller in Caller]
    swapped = Credential(Caller.OPERATOR, config.secret(keys[Caller.WORKER]))

    assert (refused_to(worker), refused_to(operator)) == (everything - {"open"}, {"open"})
    for credential in (None, *guessed, swapped):
        stranger = VaultClient(config.vault_socket, credential=credential)
        assert refused_to(stranger) == everything
        assert stranger.status().reason is None


def test_a_request_that_was_overheard_proves_nothing_on_another_connection_or_altered(vault: VaultProcess) -> None:
    config = vault.config
    credential = Credential(Caller.OPERATOR, config.secret(config.secrets.operator_key))
    answers = []
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for connection in (first, second):
            connection.connect(str(config.vault_socket))
        greeting = read_frame(first, longest=LONGEST_ANSWER)
        assert greeting is not None
        assert read_frame(second, longest=LONGEST_ANSWER) not in (None, greeting)
        signed = credential.signed({"op": "keys"}, greeting["challenge"])
        for connection, request in ((second, signed), (first, signed | {"op": "trace"}), (first, signed)):
            send_frame(connection, request)
            answers.append(read_frame(connection, longest=LONGEST_ANSWER))

    assert [answer and answer.get("code", "done") for answer in answers] == ["not_allowed", "not_allowed", "done"]


def test_an_unknown_delivery_is_not_opened(vault: VaultProcess) -> None:
    with pytest.raises(VaultRefused) as refused:
        vault.client.open_delivery(uuid4())
    assert refused.value.vault_code is VaultCode.NOT_SENDING


def test_a_socket_left_behind_by_a_killed_vault_is_taken_over(vault: VaultProcess) -> None:
    process = vault.supervisor.children[0].process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(VaultAway):
        vault.client.status()

    vault.restart()

    assert vault.client.status().reason is None


def test_other_users_may_ask_only_what_they_were_allowed() -> None:
    peers = Peers({}, {65534: frozenset({"status"})})

    assert peers.of(os.getuid()) == OPERATIONS
    assert peers.of(65534) == {"status"}
    assert peers.of(65533) == frozenset()


def test_no_vault_at_all_is_said_to_be_away(config: Config) -> None:
    with pytest.raises(VaultAway):
        VaultClient(config.vault_socket).status()


@pytest.mark.parametrize("raw", [b"\0\0", b"\0\0\0\x09{}", b"\0\0\0\x02[]", b"\0\x10\0\0" + b"x"])
def test_a_frame_that_is_cut_off_or_too_long_is_broken(raw: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(raw)
        left.shutdown(socket.SHUT_WR)
        with pytest.raises(BrokenFrame):
            read_frame(right, longest=1000)


def frame(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw
