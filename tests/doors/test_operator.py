"""The operator's listener: what is not ready, all figures for Prometheus, and the page for people."""

import asyncio
import dataclasses
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from channels.wake import Wakes
from core.config import Config
from ops.processes.listening import listener
from ops.processes.web import assembled
from tests.builders import Shop
from tests.support.web import on_loopback


@dataclasses.dataclass(frozen=True)
class Doors:
    """Clients of both listeners."""

    shop: httpx.Client
    operator: httpx.Client


@pytest.fixture
def doors(web_config: Config, goods: Shop) -> Iterator[Doors]:
    """Both listeners of one web process, whose store has a name of markup; one request was answered."""
    named = dataclasses.replace(web_config.store, name="<script>Shop")
    config = dataclasses.replace(web_config, store=named)
    sockets = [on_loopback(), on_loopback()]
    stopped, started = threading.Event(), threading.Event()

    async def serve() -> None:
        wakes = Wakes(config.database.roles.direct)
        async with assembled(config, wakes) as applications:
            servers = [listener(config, app, place) for app, place in zip(applications, sockets, strict=True)]
            running = [asyncio.create_task(server.listen()) for server in servers]
            while not all(server.started for server in servers):
                await asyncio.sleep(0.01)
            started.set()
            while not stopped.is_set():
                await asyncio.sleep(0.02)
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)

    shop, operator = (f"http://127.0.0.1:{place.getsockname()[1]}" for place in sockets)
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(20)
    with (
        httpx.Client(base_url=shop, trust_env=False) as first,
        httpx.Client(base_url=operator, trust_env=False) as second,
    ):
        assert first.get("/").status_code == 200
        yield Doors(first, second)
    stopped.set()
    thread.join(10)


def test_the_operator_sees_which_part_is_not_ready(doors: Doors) -> None:
    answer = doors.operator.get("/readyz")

    parts = answer.json()["parts"]
    assert answer.status_code == 503
    assert set(parts) == {"database", "redis", "vault", "worker", "bot"}
    assert (parts["database"], parts["redis"]) == ("ok", "ok")
    assert "does not answer" in parts["vault"]
    assert parts["worker"] == "no worker is connected"


def test_the_figures_are_what_prometheus_reads_by_route_and_outcome_and_never_by_path(
    doors: Doors, goods: Shop
) -> None:
    """Fault 24: what nobody signed is counted and changes nothing."""
    before = goods.count("payment_event")
    answers = [doors.shop.post(f"/hooks/pay/{path}", content=b"{}") for path in ("sandbox/nobody", "no-such/1")]

    answer = doors.operator.get("/metrics")

    found = {family.name: family for family in parsed(answer.text)}
    whose = {"host": socket.gethostname(), "process": "web", "place": "0"}
    asked = [(one.labels, one.value) for one in found["keystall_http_requests"].samples if one.labels["route"] == "/"]
    callbacks = found["keystall_payment_callbacks"].samples
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert asked == [({"route": "/", "method": "GET", "status": "200", **whose}, 1)]
    assert {one.labels["part"]: one.value for one in found["keystall_part_up"].samples} == {
        "database": 1, "redis": 1, "vault": 0, "worker": 0, "bot": 1,
    }  # fmt: skip
    assert [one.status_code for one in answers] == [401, 404]
    assert {(one.labels["gateway"], one.labels["outcome"]): one.value for one in callbacks} == {
        ("sandbox", "forged"): 1, ("other", "unknown"): 1,
    }  # fmt: skip
    assert goods.count("payment_event") == before
    assert found["keystall_lines_in_review"].samples[0].value == 0
    assert len(found) > 60
    assert all(family.documentation for family in found.values())
    assert len(answer.text) < 60_000


def test_the_page_says_what_is_wrong_what_to_do_and_what_runs_and_loads_nothing(doors: Doors) -> None:
    answer, again = doors.operator.get("/"), doors.operator.get("/")
    known, unknown = (doors.operator.get(f"/runbook/{name}") for name in ("KeystallRefundsStuck", "Nothing"))

    assert answer.status_code == 200
    assert "&lt;script&gt;Shop" in answer.text
    assert "The vault does not open cards: nothing is delivered" in answer.text
    assert "a key that is missing or another&#39;s is put back from your copy" in answer.text
    assert '<a href="/runbook/KeystallVaultAway">' in answer.text
    assert f'data-name="machine">{socket.gethostname()}<' in answer.text
    assert "keystall_delivery_oldest_seconds" in answer.text
    assert "Nothing is sent a second time blindly." in known.text
    assert (unknown.status_code, unknown.text) == (404, "The runbook has no such section.\n")

    policy = answer.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert f'<style nonce="{nonce}">' in answer.text
    assert again.headers["content-security-policy"] != policy
    assert answer.headers["cache-control"] == "no-store"
    assert not [word for word in ("<script", "src=", "http://", "https://", "@import") if word in answer.text]
