"""Security: a file that comes to the panel, whatever the route and the form, lies on no disk in clear on its way."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import flask
import pytest
from werkzeug.test import EnvironBuilder

from core.parties.rules import Role
from tests.builders import Shop
from tests.support.brought import CANARY, ROWS, a_body, a_csv
from tests.support.panel import TOKEN, Browser
from tests.support.seated import a_seat
from tests.support.writing import files_written

Panel = Callable[[], Browser]
LARGE = a_csv(ROWS, beside="x" * 4000)  # more than werkzeug keeps in memory
FORM = "multipart/form-data; boundary=b"


@pytest.fixture
def seller(panel: Panel, shop: Shop) -> Browser:
    """A merchant's owner, who may bring cards and sheets."""
    shop.a_sku("A1")
    browser = panel()
    a_seat(browser, shop, shop.merchant, Role.OWNER)
    return browser


def form_of(browser: Browser, path: str, *, has_token: bool) -> bytes:
    """The page's own form with the large file in it."""
    page = browser.get(path).get_data(as_text=True)
    token, submission = TOKEN.search(page), re.search(r'name="submission"[^>]*value="([^"]+)"', page)
    values = {"submission": submission[1]} if submission else {}
    if has_token:
        assert token is not None, page
        values["csrf_token"] = token[1] or token[2]
    return a_body(values, LARGE) + b"\r\n--b--\r\n"


def sent(browser: Browser, path: str, body: bytes, *, is_chunked: bool) -> int:
    """Post it, with its length or in pieces of unsaid number, as a server that marks their end gives them on."""
    if not is_chunked:
        return browser.client.post(path, data=body, content_type=FORM).status_code
    more = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return browser.client.post(
        path, input_stream=io.BytesIO(body), content_type=FORM, environ_overrides=more
    ).status_code


ROUTES = {
    "cards": ("/imports/new/{sku}", True, 302),
    "cards without a token": ("/imports/new/{sku}", False, 400),
    "a sheet of goods": ("/goods/sheet", True, 422),  # its columns are none of a sheet's
    "a sheet without a token": ("/goods/sheet", False, 400),
    "a form without files": ("/shop", True, 413),
    "a form without files or token": ("/shop", False, 413),
    "no page at all": ("/nothing", False, 404),
}


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("route", ROUTES)
def test_no_file_is_written_in_clear(seller: Browser, shop: Shop, route: str, is_chunked: bool) -> None:
    """The only place that keeps something is the database, sealed."""
    path, has_token, status = ROUTES[route]
    path = path.format(sku=shop.a_sku("A1"))
    body = form_of(seller, "/imports/new/1" if path == "/nothing" else path, has_token=has_token)
    assert len(body) > 750_000

    with files_written() as written:
        answer = sent(seller, path, body, is_chunked=is_chunked)

    assert (answer, written) == (status, [])
    clear = f"SELECT count(*) FROM upload_chunk WHERE position('{CANARY}' IN encode(sealed, 'escape')) > 0"
    assert shop.sql(clear) == [(0,)]
    kept = shop.sql("SELECT count(*) > 0 FROM upload_chunk") == [(True,)]
    assert kept == path.startswith("/imports")
    assert shop.count("brought_file") == (route == "cards")


def test_nobody_who_is_not_signed_in_has_a_file_read(panel: Panel, shop: Shop) -> None:
    path = f"/imports/new/{shop.a_sku('A1')}"
    for is_chunked in (False, True):
        with files_written() as written:
            status = sent(panel(), path, a_body({}, LARGE) + b"\r\n--b--\r\n", is_chunked=is_chunked)
        assert (status, written, shop.count("upload")) == (302, [], 0)


def test_who_looks_sees_what_an_ordinary_request_would_write() -> None:
    """The control: Flask's own request lays the same body down in clear."""
    body = a_body({}, LARGE) + b"\r\n--b--\r\n"
    made = EnvironBuilder(method="POST", input_stream=io.BytesIO(body), content_type=FORM, content_length=len(body))
    environ = made.get_environ()

    with files_written() as written, flask.Request(environ) as ordinary:
        assert list(ordinary.files) == ["file"]

    assert written
