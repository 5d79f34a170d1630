"""Somebody who is signed in to a demo's panel and opens every page that links lead to, one of each kind."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from tests.browser.conftest import SIZES
from tests.support.panel import code_of

NUMBER = re.compile(r"(?<=[/=])(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[a-z]{2,4}_[a-z2-7]{20,30})(?=[/?&]|$)")
NOT_PAGES = re.compile(
    r"/(?:static|shared|sign-out)\b|[?&](?:lang|format)=|\.(?:csv|xlsx|txt|svg)\b|/export\b|/download\b"
)
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
ROOT = "/admin"
SIGNED_IN: dict[tuple[Path, str], StorageState] = {}
"""The cookies of who is signed in, by the store's folder and the address."""


def logins_of(folder: Path) -> tuple[str, dict[str, str]]:
    """A demo's password and the letters of each login's authenticator."""
    kept = json.loads((folder / "demo.logins").read_text("utf-8"))
    return kept.pop("password"), kept


@contextmanager
def signed_in(
    browser: Browser, address: str, folder: Path, email: str, *, refusals: bool = False, **look: Any
) -> Iterator[Page]:
    """A page of the panel after password and code; nothing may go wrong in any page that it opens.

    With `refusals` pages may answer with 4xx, which the console calls an error too.
    """
    wrong: list[str] = []
    context = opened(browser, address, folder, email, wrong, **look)
    page = context.new_page()
    page.goto(f"{ROOT}/")
    page.wait_for_selector("main#page")
    yield page
    context.close()
    assert [one for one in wrong if not (refusals and REFUSED.search(one))] == []


def opened(
    browser: Browser, address: str, folder: Path, email: str, wrong: list[str] | None = None, **look: Any
) -> BrowserContext:
    """A browser in which somebody is signed in; `wrong` is told what goes wrong in any page, signing in included.

    A code is good once: who comes again brings the cookies of the first time.
    """
    first, heard = SIGNED_IN.get((folder, email)), [] if wrong is None else wrong
    look = {"viewport": SIZES["desk"], "locale": "zh-CN", **look}
    context = browser.new_context(base_url=address, storage_state=first, **look)
    context.set_default_timeout(30_000)
    context.on("weberror", lambda error: heard.append(f"{where(error.page)}: {error.error}"))
    context.on(
        "console", lambda said: heard.append(f"{where(said.page)}: {said.text}") if said.type == "error" else None
    )
    if first is None:
        page = context.new_page()
        prove(page, folder, email)
        page.close()
        SIGNED_IN[folder, email] = context.storage_state()
    return context


def where(page: Page | None) -> str:
    """The address of a page that something is said of."""
    return page.url if page else "no page"


def prove(page: Page, folder: Path, email: str) -> None:
    """Sign in: address, password, then the code of the authenticator."""
    password, letters = logins_of(folder)
    page.goto(f"{ROOT}/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.click("main button, .gate button")
    page.wait_for_selector("[name=code]")
    page.fill("[name=code]", code_of(letters[email], at=time.time() + 30))  # this half minute's made the login
    page.click("main button, .gate button")
    page.wait_for_selector("main#page")


def kind_of(address: str) -> str:
    """What a page is a page of: its path with numbers and ids left out."""
    parts = urlsplit(address)
    ids = "?id=0" if "details" in parts.path else ""
    return NUMBER.sub("0", parts.path) + ids


def links(page: Page) -> list[str]:
    """Where this page leads to within the panel."""
    found: list[str] = page.eval_on_selector_all(
        "a[href]", "all => all.filter(one => one.origin === location.origin).map(one => one.pathname + one.search)"
    )
    return [one for one in found if one.startswith(f"{ROOT}/") and not NOT_PAGES.search(one)]


def walk(page: Page, see: Callable[[Page, str], None], *, most: int = 200) -> list[str]:
    """Open every kind of page once, breadth first from today; `see` is told each with its kind. Returns the kinds.

    A page that answers with an error is an AssertionError: nothing that is linked may be missing for whom it is shown.
    """
    waiting, seen = [f"{ROOT}/"], {kind_of(f"{ROOT}/")}
    done: list[str] = []
    while waiting and len(done) < most:
        address = waiting.pop(0)
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        kind = kind_of(address)
        see(page, kind)
        done.append(kind)
        for link in links(page):
            if (found := kind_of(link)) not in seen:
                seen.add(found)
                waiting.append(link)
    return done
