"""A chosen file is sent at once; where that failed, a button sends it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.browser.conftest import SIZES
from tests.browser.panel.walking import ROOT, prove
from tests.support.supplier_files import SupplierFile, game_codes
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SEND = "Send the file"
DROP = """text => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], "dropped.txt", {type: "text/plain"}));
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: carried, cancelable: true}));
}"""


@pytest.fixture
def file() -> SupplierFile:
    return game_codes()


@pytest.fixture
def place(browser: Browser, demo: WholeStore, file: SupplierFile) -> Iterator[Page]:
    """The page on which the demo's supplier chooses a file."""
    context = browser.new_context(base_url=demo.address, viewport=SIZES["phone"], locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    prove(page, demo.folder, "supplier@demo.test")
    page.goto(f"{ROOT}/imports/new")
    page.locator("a.pick").filter(has_text=file.sku).click()
    yield page
    context.close()


def test_a_file_is_sent_once_when_it_is_chosen_or_dropped_and_by_a_button_after_it_broke_off(
    place: Page, file: SupplierFile
) -> None:
    tries: list[str] = []

    def first_breaks_off(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        tries.append(route.request.url)
        if len(tries) == 1:
            route.abort()
        else:
            route.continue_()

    place.route("**/imports/new/*", first_breaks_off)
    button, bring = place.get_by_role("button", name=SEND), place.url
    expect(button).to_be_hidden()

    place.set_input_files("#file", FilePayload(name=file.name, mimeType="text/plain", buffer=file.raw))
    expect(place.get_by_text("It broke off on the way.")).to_be_visible()
    button.click()
    expect(place.get_by_role("button", name=f"Import {len(file.secrets)} cards")).to_be_visible()

    place.goto(bring)
    place.evaluate(DROP, "DROPPED-1-QK7\nDROPPED-2-QK8\n")
    expect(place.get_by_role("button", name="Import 2 cards")).to_be_visible()

    assert len(tries) == 3
