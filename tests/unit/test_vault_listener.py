"""Fault 16: a vault that has no descriptor left waits, and goes on answering once it has."""

import errno
import socket
import threading

import pytest

from core.custody.server import accepted


class Listener:
    """Says what it is told to, one after another."""

    def __init__(self, *says: OSError | socket.socket) -> None:
        self.says = list(says)

    def accept(self) -> tuple[socket.socket, str]:
        said = self.says.pop(0)
        if isinstance(said, OSError):
            raise said
        return said, ""


def test_fault_16_without_a_descriptor_the_vault_waits_and_then_answers():
    here, there = socket.socketpair()
    with here, there:
        listener, stop = Listener(OSError(errno.EMFILE, "too many open files"), TimeoutError(), here), threading.Event()
        stop.set()  # nobody waits here

        assert [accepted(listener, stop) for _ in range(3)] == [None, None, here]


def test_a_listener_that_is_broken_is_no_reason_to_go_on():
    with pytest.raises(OSError, match="bad file descriptor"):
        accepted(Listener(OSError(errno.EBADF, "bad file descriptor")), threading.Event())
