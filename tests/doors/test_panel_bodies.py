"""Large files on their way to the panel through the whole web process: on no disk in clear, refused or sealed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from admin import reading
from core.ids import new_id
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.brought import CANARY, ROWS, a_body, a_csv
from tests.support.panel import TOKEN
from tests.support.seated import a_seat
from tests.support.web import WebServer
from tests.support.writing import files_written

LARGE = a_csv(ROWS, beside="x" * 4000)


@pytest.fixture
def seller(web: WebServer, goods: Shop, urls: dict[str, str]) -> Iterator[httpx.Client]:
    """A merchant's owner at a real browser's distance from the panel."""
    reading.connect(urls["panel"], size=4)
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as client:
        keep = SimpleNamespace(client=SimpleNamespace(set_cookie=client.cookies.set))
        a_seat(cast("Any", keep), goods, goods.merchant, Role.OWNER)
        yield client
    reading.disconnect()


@pytest.mark.parametrize(
    ("path", "is_chunked", "status"),
    [
        ("/admin/imports/new/{sku}", False, {302}),
        ("/admin/imports/new/{sku}", True, {400}),  # of a body without a length the panel reads nothing
        ("/admin/goods/sheet", False, {413, 422}),  # too large for the frame, or no sheet of goods
        ("/admin/goods/sheet", True, {413, 400}),
        ("/admin/shop", False, {413}),
    ],
)
def test_a_large_file_is_sealed_or_refused_and_never_written(
    seller: httpx.Client, goods: Shop, path: str, is_chunked: bool, status: set[int]
) -> None:
    path = path.format(sku=goods.a_sku("A1"))
    page = seller.get(path).text
    token, submission = TOKEN.search(page), re.search(r'name="submission"[^>]*value="([^"]+)"', page)
    assert token is not None, page
    values = {"csrf_token": token[1] or token[2], "submission": submission[1] if submission else ""}
    body = a_body(values, LARGE) + b"\r\n--b--\r\n"
    pieces = (body[at : at + 50_000] for at in range(0, len(body), 50_000))

    with files_written() as written:
        answer = seller.post(
            path,
            content=pieces if is_chunked else body,
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )

    assert answer.status_code in status, answer.text
    assert written == []
    assert goods.sql("SELECT count(*) FROM brought_file") == [(int(status == {302}),)]
    clear = f"SELECT count(*) FROM upload_chunk WHERE position('{CANARY}' IN encode(sealed, 'escape')) > 0"
    assert goods.sql(clear) == [(0,)]


def test_a_form_as_large_as_its_page_takes_arrives_whole(seller: httpx.Client, goods: Shop) -> None:
    """Some thousand pasted cards, a sheet of hundreds of goods: more than bodies have elsewhere."""
    token = TOKEN.search(seller.get("/admin/goods/new").text)
    assert token is not None
    cards = "\n".join(f"CARD-{number:06d}-{'x' * 20}" for number in range(3000))
    typed = {"name_zh": "新商品", "price": "9.90", "category": "games", "code": "big1", "issuer": "", "cards": cards}

    answer = seller.post(
        "/admin/goods/new", data={**typed, "csrf_token": token[1] or token[2], "submission": str(new_id())}
    )

    assert len(cards) > 64 * 1024
    assert answer.status_code == 302, answer.text
    assert goods.sql("SELECT code FROM sku WHERE code = 'BIG1'") == [("BIG1",)]
    assert seller.post("/admin/shop", content=b"x" * 70_000).status_code == 413
