"""The card page at its door: two files for everybody, nothing done by looking, and one answer for every wrong press."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from core.config import Config
from core.vault.links import proof_hash
from tests.support.web import WebServer, web_server

PROOF = base64.b64encode(b"p" * 32).decode()
ROBOTS = (
    "TelegramBot (like TwitterBot)",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Microsoft Office Outlook 16.0 SafeLinks",
)


@pytest.fixture
def http(web: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as client:
        yield client


def pressed(link: uuid.UUID, **changed: object) -> dict[str, object]:
    return {"press": str(uuid.uuid4()), "proof": PROOF} | changed


def answered_by(sql: Callable[..., Any], answer: dict[str, object]) -> threading.Thread:
    """The worker's part, for the next press that comes."""

    def work() -> None:
        for _ in range(200):
            rows = sql(
                "UPDATE link_press SET answer = %s, answered_at = now() WHERE answered_at IS NULL"
                " RETURNING pg_notify('keystall_wake', 'press:' || id)",
                [Jsonb(answer)],
            )
            if rows:
                return
            done.wait(0.02)

    done = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_fault_101_robots_previews_and_heads_get_the_same_files_and_change_nothing(
    http: httpx.Client, sql: Callable[..., Any]
) -> None:
    """Fault 101: nothing opened, counted, consumed or shown; the page says nothing of whether there is such a link."""
    pages = set()
    for agent in ROBOTS:
        for path in (f"/k/{uuid.uuid4()}", "/k/no-id-at-all"):
            got = http.get(path, headers={"User-Agent": agent, "Cookie": "keystall_session=x"})
            head = http.head(path, headers={"User-Agent": agent})
            assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
            assert "set-cookie" not in got.headers
            pages.add(got.content)

    assert len(pages) == 1
    assert sql("SELECT count(*) FROM link_press") == [(0,)]
    assert sql("SELECT count(*) FROM keystall_task WHERE queue = 'work'") == [(0,)]


def test_only_the_two_files_may_run_and_nothing_of_them_is_kept_or_told_on(http: httpx.Client) -> None:
    page = http.get(f"/k/{uuid.uuid4()}")
    policy = page.headers["content-security-policy"]
    (path, integrity) = re.findall(r'<script src="([^"]+)" integrity="([^"]+)"', page.text)[0]
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    script = http.get(path)

    hashed = [
        f"sha256-{base64.b64encode(hashlib.sha256(one).digest()).decode()}" for one in (script.content, style.encode())
    ]
    assert integrity == hashed[0]
    assert f"script-src '{hashed[0]}'; style-src '{hashed[1]}'; connect-src 'self'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"unsafe|nonce|https?:|\*", policy)
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "immutable" in script.headers["cache-control"]
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage", script.text)
    assert "noindex" in page.headers["x-robots-tag"]


def test_a_press_is_asked_once_and_its_answer_relayed(http: httpx.Client, sql: Callable[..., Any]) -> None:
    link, body = uuid.uuid4(), {"press": str(uuid.uuid4()), "proof": PROOF}
    answer = {"sealed": "c2VhbGVk", "locale": "zh-CN", "left": 4}
    worker = answered_by(sql, answer)

    first, again = http.post(f"/k/{link}", json=body), http.post(f"/k/{link}", json=body)
    worker.join()

    assert (first.status_code, first.json(), again.json()) == (200, answer, answer)
    assert first.headers["cache-control"] == "no-store"
    ((kept_link, hashed),) = sql("SELECT link_id, proof_hash FROM link_press")
    assert (kept_link, bytes(hashed)) == (link, proof_hash(b"p" * 32))
    assert sql("SELECT convert_from(data, 'UTF8') FROM keystall_task") == [
        (f'{{"kind":"open_link","ref":"{body["press"]}"}}',)
    ]


def test_every_wrong_press_has_one_answer(http: httpx.Client, sql: Callable[..., Any]) -> None:
    """Fault 96: unknown, over, used up, no link at all, somebody else's press: the vault's no looks like the door's."""
    link, taken = uuid.uuid4(), pressed(uuid.uuid4())
    sql(
        "INSERT INTO link_press (id, link_id, proof_hash, asked_at) VALUES (%s, %s, %s, %s)",
        [taken["press"], uuid.uuid4(), b"x" * 32, datetime.now(UTC)],
    )
    worker = answered_by(sql, {"gone": True})
    worker.join()
    answers = [
        http.post(f"/k/{link}", json=taken),
        http.post(f"/k/{link}", json=pressed(link, proof="AAAA")),
        http.post(f"/k/{link}", json=pressed(link, press="1")),
        http.post("/k/nothing", json=pressed(link)),
        http.post(f"/k/{link}", content=b"[]"),
        http.post(f"/k/{link}", content=b"\xff"),
    ]
    worker = answered_by(sql, {"gone": True})
    answers.append(http.post(f"/k/{link}", json=pressed(link)))
    worker.join()

    assert {(one.status_code, one.text) for one in answers} == {(404, '{"gone":true}')}
    assert len({tuple(sorted(set(one.headers) - {"x-request-id", "date"})) for one in answers}) == 1
    assert sql("SELECT count(*) FROM link_press") == [(2,)]


def test_presses_of_one_network_are_limited_and_other_sites_scripts_may_not_press(
    http: httpx.Client, sql: Callable[..., Any]
) -> None:
    """Fault 96: tries are limited."""
    foreign = http.post(f"/k/{uuid.uuid4()}", json=pressed(uuid.uuid4()), headers={"Sec-Fetch-Site": "cross-site"})
    statuses = [http.post("/k/nothing", json={}).status_code for _ in range(25)]
    limited = http.post(f"/k/{uuid.uuid4()}", json=pressed(uuid.uuid4()))

    assert (foreign.status_code, limited.status_code) == (403, 429)
    assert set(statuses) == {404, 429}
    assert statuses.count(404) <= 20
    assert limited.headers["content-type"] == "application/problem+json"
    assert sql("SELECT count(*) FROM link_press") == [(0,)]


@pytest.fixture
def apart(web_config: Config, goods: object) -> Iterator[WebServer]:
    """A web process whose card page has an origin of its own."""
    named = dataclasses.replace(web_config.web, public_url="https://shop.example", page_url="https://cards.example")
    with web_server(dataclasses.replace(web_config, web=named)) as server:
        yield server


def test_with_an_origin_of_its_own_the_page_is_there_and_nowhere_else_and_nothing_else_is_there(
    apart: WebServer,
) -> None:
    def at(host: str, path: str) -> httpx.Response:
        return httpx.get(apart.url + path, headers={"Host": host}, trust_env=False, timeout=20)

    page = at("cards.example", f"/k/{uuid.uuid4()}")
    (script,) = re.findall(r'<script src="([^"]+)"', page.text)
    assert (page.status_code, at("cards.example", script).status_code) == (200, 200)
    assert at("shop.example", "/").status_code == 200
    for host, path in [
        ("shop.example", f"/k/{uuid.uuid4()}"), ("shop.example", script), ("evil.example", f"/k/{uuid.uuid4()}"),
        ("cards.example", "/"), ("cards.example", "/s/demo"), ("cards.example", "/api/v1/products"),
        ("cards.example", "/w/x"), ("cards.example", "/admin/"), ("cards.example", "/static/x"),
    ]:  # fmt: skip
        assert at(host, path).status_code == 404, (host, path)
    missing = at("cards.example", "/")
    assert missing.headers["content-type"].startswith("text/plain")
    assert "set-cookie" not in missing.headers
