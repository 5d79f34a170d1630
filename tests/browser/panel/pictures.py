"""`python -m tests.browser.panel.pictures [FOLDER]`: every page of the panel at both widths, into docs/images/panel/.

A whole demo with some sales in it; each login walks through its own pages. Look at them before they are committed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, SIZES
from tests.browser.panel.walking import ROOT, signed_in, walk
from tests.house.tree import ROOT as REPOSITORY
from tests.support.browser import find
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

FOLDER = REPOSITORY / "docs" / "images" / "panel"
LOOKS: dict[str, dict[str, Any]] = {
    "merchant": {"locale": "zh-CN", "color_scheme": "light"},
    "supplier": {"locale": "zh-CN", "color_scheme": "dark"},
    "platform": {"locale": "en", "color_scheme": "light"},
}


def main(folder: Path) -> None:
    """All pictures, from one store."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    store = WholeStore()
    try:
        sell(store.start())
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            for who, look in LOOKS.items():
                with signed_in(chromium, store.address, store.folder, f"{who}@demo.test", **look) as page:
                    walk(page, lambda page, kind, who=who: pictures(page, folder, who, kind))  # type: ignore[misc]
            chromium.close()
    finally:
        store.remove()
    made = sorted(folder.glob("*.jpg"))
    print(f"{len(made)} pictures, {sum(file.stat().st_size for file in made) // 1024} KB, in {folder}")


def pictures(page: Page, folder: Path, who: str, kind: str) -> None:
    """One page at both widths; at the narrow one all of it, at the wide one what a screen shows."""
    name = re.sub(r"[^a-z0-9]+", "-", kind.removeprefix(ROOT).lower()).strip("-") or "today"
    for size in ("desk", "phone"):
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        page.screenshot(path=folder / f"{who}-{name}-{size}.jpg", type="jpeg", quality=60, animations="disabled")


def sell(store: WholeStore) -> None:
    """Some orders: paid and delivered, waiting for money, cancelled."""
    for code, quantity in (("A1", 2), ("A1", 1), ("B1", 1)):
        chatter = Chatter(store.address)
        try:
            pay = chatter.order(code, quantity)
            if code == "A1":
                chatter.press_sandbox_pay(pay)
                chatter.wait_for("cards")
        finally:
            chatter.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
