"""Fault 16: the web process has no file descriptor left. It answers nothing for a while, and recovers by itself."""

import contextlib
import resource
import time

import httpx
import psutil
import pytest

from tests.support.chatter import Chatter
from tests.support.whole import WholeStore


@pytest.fixture
def store():
    store = WholeStore()
    yield store.start()
    store.remove()


def web_process(store: WholeStore) -> psutil.Process:
    """The process that serves the pages."""
    assert store.process is not None
    children = psutil.Process(store.process.pid).children(recursive=True)
    return next(child for child in children if child.cmdline()[-2:] == ["process", "web"])


def answers(store: WholeStore) -> int | None:
    """The status of a fresh connection's request, None when there was no answer."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{store.address}/healthz", timeout=2).status_code
    return None


def test_a_web_process_without_descriptors_comes_back_by_itself(store):
    web = web_process(store)
    usual = resource.prlimit(web.pid, resource.RLIMIT_NOFILE)

    resource.prlimit(web.pid, resource.RLIMIT_NOFILE, (web.num_fds(), usual[1]))
    starved = [answers(store) for _ in range(5)]
    resource.prlimit(web.pid, resource.RLIMIT_NOFILE, usual)
    end = time.monotonic() + 20
    while answers(store) != 200 and time.monotonic() < end:
        time.sleep(0.2)

    assert set(starved) <= {None, 503}
    assert answers(store) == 200
    assert web_process(store).pid == web.pid
    guest = Chatter(store.address)
    assert len(guest.buy("A1", 1)) == 1
    guest.close()
