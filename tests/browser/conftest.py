"""A whole demo store and a real Chromium for the tests of this folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.browser import find
from tests.support.whole import WholeStore

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
IS_THERE = "typeof axe === 'object'"
RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 860}}

Open = Callable[..., Page]

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def demo() -> Iterator[WholeStore]:
    """A demo that runs for the browser tests of one module."""
    store = WholeStore()
    yield store.start()
    store.remove()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. Playwright keeps an event loop in this thread: it ends with the module, for others'."""
    path = find()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, demo: WholeStore) -> Iterator[Open]:
    """Opens a page of the demo as a new person: `visit("/", size="phone", theme="dark", locale="en-US")`.

    At the end of the test nothing may have gone wrong in it: no exception, no refused script, no failed file.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str = "/", *, size: str = "desk", theme: Any = "light", locale: str = "zh-CN") -> Page:
        context = browser.new_context(
            viewport=SIZES[size], color_scheme=theme, locale=locale, has_touch=size == "phone", base_url=demo.address,
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def fits(page: Page) -> bool:
    """Whether nothing of a page stands outside its width."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def serious(page: Page, *, settle: int = 300) -> list[str]:
    """What axe finds on the page as it is now that keeps somebody from using it; `settle` in ms."""
    page.wait_for_timeout(settle)  # what arrives fades in; half-faded text has no fair contrast
    session = page.context.new_cdp_session(page)  # beside the page's own policy, which lets no foreign script in
    answer = session.send("Runtime.evaluate", {"expression": IS_THERE, "returnByValue": True})
    if not answer["result"]["value"]:
        session.send("Runtime.evaluate", {"expression": AXE})
    answer = session.send("Runtime.evaluate", {"expression": RUN, "awaitPromise": True, "returnByValue": True})
    session.detach()
    found = json.loads(answer["result"]["value"])
    return [
        f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
