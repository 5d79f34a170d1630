"""The pages as browsers get them: headers, languages, cookies, errors; and what the process says about itself."""

import dataclasses
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from channels.web import words
from core.config import Config, Web
from core.db import StoreDatabase
from tests.builders import Shop
from tests.support.web import WebServer, web_server

WEB = Path(words.__file__).parent


@pytest.fixture
def http(web: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as client:
        yield client


def test_the_shop_is_there_for_the_default_merchant_and_by_its_code(http: httpx.Client) -> None:
    assert http.get("/").status_code == 200
    assert http.get("/s/other").status_code == 200
    assert http.get("/s/nobody").status_code == 404


def test_a_store_without_a_merchant_has_a_quiet_page_without_a_button(config: Config, store_db: StoreDatabase) -> None:
    with web_server(config) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        page = http.get("/", headers={"Accept-Language": "en"})
        assert http.get("/s/demo").status_code == 404

    assert page.status_code == 200
    assert "Not open yet" in page.text
    assert not re.search(r"<(a|button|form)\b", page.text)


def test_the_first_page_shows_the_goods_before_any_script_ran_and_makes_no_session(
    http: httpx.Client, goods: Shop
) -> None:
    page = http.get("/").text

    assert "商品 A1" in page
    assert "¥25.00" in page
    assert goods.count("chat_session") == 0


def test_pages_keep_to_themselves(http: httpx.Client) -> None:
    for path in ("/", "/api/docs", "/nothing-here"):
        headers = http.get(path).headers

        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_every_script_of_a_page_carries_the_nonce_of_its_policy_and_none_stands_in_the_page(http: httpx.Client) -> None:
    first, second = http.get("/"), http.get("/")

    (nonce,) = re.findall(r"'nonce-([^']+)'", first.headers["content-security-policy"])
    scripts = re.findall(r"<script(?![^>]*application/json)[^>]*>([^<]*)", first.text)
    assert scripts == [""] * len(scripts)
    assert len(re.findall(f'<script[^>]*nonce="{re.escape(nonce)}"', first.text)) == len(scripts) > 0
    assert nonce not in second.text
    assert not re.search(r'\son\w+="|style="|href="(?!/|\?|#|https?://127)', first.text)


def test_nothing_is_loaded_from_elsewhere(http: httpx.Client) -> None:
    page = http.get("/").text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = http.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"], address
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_language_follows_the_address_then_the_cookie_then_the_browser(http: httpx.Client) -> None:
    assert 'lang="zh-CN"' in http.get("/").text
    assert 'lang="en"' in http.get("/", headers={"Accept-Language": "fr;q=0.9, en-GB;q=0.8, zh;q=0.1"}).text
    chosen = http.get("/?lang=en")
    assert 'lang="en"' in chosen.text
    assert 'lang="en"' in http.get("/", headers={"Accept-Language": "zh"}).text
    assert 'lang="zh-CN"' in http.get("/?lang=zh-CN").text
    assert 'lang="zh-CN"' in http.get("/?lang=%00%ff", headers={"Cookie": "", "Accept-Language": "x;q=y,;;;"}).text


def test_our_page_gets_its_token_in_a_cookie_that_scripts_cannot_read(http: httpx.Client) -> None:
    same = {"Sec-Fetch-Site": "same-origin"}
    opened = http.post("/api/v1/chat/demo/sessions", json={"page": True}, headers=same)

    assert opened.status_code == 201
    assert set(opened.json()) == {"session"}
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    again = http.post("/api/v1/chat/demo/sessions", json={"page": True}, headers=same)
    assert again.json() == opened.json()
    message = {"id": str(uuid.uuid4()), "text": "菜单"}
    assert http.post("/api/v1/chat/demo/messages", json=message, headers=same).status_code == 200
    assert http.get("/api/v1/chat/demo/messages", headers=same).status_code == 200


def test_another_site_cannot_speak_with_our_cookie(http: httpx.Client, goods: Shop) -> None:
    http.post("/api/v1/chat/demo/sessions", json={"page": True}, headers={"Sec-Fetch-Site": "same-origin"})
    message = {"id": str(uuid.uuid4()), "text": "菜单"}
    before = goods.count("inbox")

    for headers in (
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {},
    ):  # fmt: skip
        assert http.post("/api/v1/chat/demo/messages", json=message, headers=headers).status_code == 403, headers
    assert goods.count("inbox") == before


def test_switching_the_page_to_english_lets_the_shop_speak_english(http: httpx.Client) -> None:
    same = {"Sec-Fetch-Site": "same-origin"}
    for locale in ("zh-CN", "en"):
        http.post("/api/v1/chat/demo/sessions", json={"page": True, "locale": locale}, headers=same)
    message = {"id": str(uuid.uuid4()), "text": "buy A1 1"}

    screen = http.post("/api/v1/chat/demo/messages", json=message, headers=same).json()["screens"][0]

    assert "Please confirm" in screen["text"]


def test_goods_are_listed_for_anyone(http: httpx.Client) -> None:
    answer = http.get("/api/v1/products", params={"merchant": "demo"})

    (item,) = answer.json()["items"]
    assert answer.json()["next"] is None
    assert set(item) == {"code", "name", "kind", "skus"}
    (sku,) = item["skus"]
    assert (sku["code"], sku["price"], sku["available"]) == ("A1", {"minor": 2500, "currency": "CNY"}, 10)
    assert http.get("/api/v1/products", params={"merchant": "other"}).json() == {"items": [], "next": None}
    assert http.get("/api/v1/products", params={"merchant": "nobody"}).status_code == 404
    for query in ({"limit": "x"}, {"limit": "-1"}, {"after": "A B"}):
        assert http.get("/api/v1/products", params=query).status_code == 422


def test_the_api_describes_itself(http: httpx.Client) -> None:
    document = http.get("/api/v1/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method in methods:
            asked = http.request(method, path.replace("{merchant}", "demo"))
            assert asked.status_code not in {404, 405}, path
    page = http.get("/api/docs", headers={"Accept-Language": "zh-CN"}).text
    assert "One purchase" in page
    assert '<html lang="en"' in page


def test_errors_are_pages_for_people_and_documents_for_programs(http: httpx.Client) -> None:
    page = http.get("/nothing-here")
    document = http.get("/api/v1/nothing-here")

    assert (page.status_code, document.status_code) == (404, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert document.headers["content-type"] == "application/problem+json"
    assert set(document.json()) == {"type", "title", "status", "detail", "error_id"}
    assert http.post("/").status_code == 405


def test_the_panel_asks_who_it_is(http: httpx.Client) -> None:
    first = http.get("/admin/")
    page = http.get("/admin/sign-in", headers={"Accept-Language": "en"})

    assert (first.status_code, first.headers["location"]) == (302, "/admin/sign-in")
    assert "Sign in" in page.text
    files = re.findall(r'(?:href|src)="(/admin/(?:static|shared)/[^"]+)"', page.text)
    assert len(files) >= 3
    assert {http.get(file).status_code for file in files} == {200}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/admin/x", 404), ("DELETE", "/admin/sign-in", 405)])
def test_a_page_that_the_panel_does_not_have_is_said_in_its_own_form_with_an_error_id(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    page = http.request(method, path)

    assert page.status_code == status
    assert re.search(r"<code>err_[a-z2-7]+</code>", page.text)
    assert "/admin/static/css/panel.css" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_alive_is_not_yet_ready(http: httpx.Client) -> None:
    assert http.get("/healthz").status_code == 200
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})
    assert http.get("/metrics").status_code == 404


def test_an_unknown_host_is_404_where_hosts_are_configured(web_config: Config, goods: Shop) -> None:
    named = dataclasses.replace(web_config, web=Web(public_url="https://shop.example"))
    with web_server(named) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get("/", headers={"Host": "shop.example"}).status_code == 200
        assert http.get("/", headers={"Host": "evil.example"}).status_code == 404
        assert http.get("/").status_code == 404
        assert http.get("/healthz").status_code == 200
        opened = http.post(
            "/api/v1/chat/demo/sessions",
            json={"page": True},
            headers={"Host": "shop.example", "Origin": "https://shop.example"},
        )
    assert "__Host-keystall_chat_demo" in opened.headers["set-cookie"]
    assert "Secure" in opened.headers["set-cookie"]


def sentences(catalogue: Path) -> list[Message]:
    """The entries of a catalogue without its head."""
    with catalogue.open("rb") as stream:
        return [entry for entry in read_po(stream) if entry.id]


def test_no_answer_repeats_the_host_that_was_asked_for(http: httpx.Client) -> None:
    """Fault 87."""
    for path in (
        "/",
        "/admin",
        "/s/demo/",
        "/favicon.ico",
        "/nothing",
        "/api/docs",
        "/api/v1/openapi.json",
        "//evil.example/",
    ):
        answer = http.get(path, headers={"Host": "evil.example"})

        assert answer.status_code < 500, path
        assert "evil.example" not in answer.text.replace("//evil.example/", "") + answer.headers.get("location", ""), (
            path
        )


def test_every_sentence_of_the_pages_is_translated() -> None:
    used = set()
    for file in WEB.rglob("*"):
        if file.suffix in {".py", ".js", ".jinja"}:
            text = file.read_text("utf-8")
            used |= set(re.findall(r"""(?:\.say|\bt|\b_|\bmark)\(\s*"((?:[^"\\]|\\.)*)\"""", text))
            used |= set(re.findall(r"\b_\(\s*'((?:[^'\\]|\\.)*)'", text))
    for catalogue in (WEB / "locale").glob("*.po"):
        translated = {str(entry.id) for entry in sentences(catalogue) if entry.string}

        assert used - translated == set(), catalogue.name
        assert translated - used == set(), catalogue.name


def test_a_sentence_keeps_its_parameters_in_every_language() -> None:
    for catalogue in (WEB / "locale").glob("*.po"):
        for entry in sentences(catalogue):
            holes = [set(re.findall(r"\{(\w+)\}", str(text))) for text in (entry.id, entry.string)]
            assert holes[0] == holes[1], entry.id
