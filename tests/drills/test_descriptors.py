"""Fault 16: a process has no file descriptor left. It answers nothing for a while, and recovers by itself."""

import contextlib
import resource
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.drills.conftest import ProcessOf
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.drill


@contextlib.contextmanager
def without_descriptors(process: psutil.Process) -> Iterator[None]:
    """For the block the process may open nothing more than what it has open."""
    usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (process.num_fds(), usual[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)


def answers(store: WholeStore) -> int | None:
    """The status of a fresh connection's request, None when there was no answer."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{store.address}/healthz", timeout=2).status_code
    return None


def test_fault_16_a_web_process_without_descriptors_comes_back_by_itself(
    store: WholeStore, process_of: ProcessOf
) -> None:
    web = process_of("web")

    with without_descriptors(web):
        starved = [answers(store) for _ in range(5)]
    end = time.monotonic() + 20
    while answers(store) != 200 and time.monotonic() < end:
        time.sleep(0.2)

    assert set(starved) <= {None, 503}
    assert answers(store) == 200
    assert process_of("web").pid == web.pid
    guest = Chatter(store.address)
    assert len(guest.buy("A1", 1)) == 1
    guest.close()


@pytest.mark.parametrize("name", ["worker", "vault"])
def test_fault_16_what_was_paid_meanwhile_is_delivered_once_the_process_may_open_files_again(
    store: WholeStore, process_of: ProcessOf, name: str
) -> None:
    starving, guest = process_of(name), Chatter(store.address)
    pay = guest.order("A1", 1)

    with without_descriptors(starving):
        assert guest.press_sandbox_pay(pay).status_code == 200
        time.sleep(3)
    cards = guest.wait_for("cards", seconds=120)["cards"]

    assert len(cards) == 1
    assert process_of(name).pid == starving.pid
    verified = store.run("verify")
    assert (verified.returncode, [line for line in verified.stdout.splitlines() if not line.endswith(" 0")]) == (0, [])
    guest.close()
