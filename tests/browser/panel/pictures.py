"""`python -m tests.browser.panel.pictures [FOLDER]`: every page of the panel at both widths, into docs/images/panel/.

A whole demo with some life in it; each login walks through its own pages, and pages that come of a state are brought
about. Beside the pictures a README.md lists them. Look at them before they are committed.
"""

from __future__ import annotations

import base64
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, SIZES
from tests.browser.panel import states
from tests.browser.panel.album import write_album
from tests.browser.panel.life import BOUGHT, earlier_days, files, sell
from tests.browser.panel.walking import ROOT, signed_in, walk
from tests.house.tree import ROOT as REPOSITORY
from tests.support.browser import find
from tests.support.whole import WholeStore

FOLDER = REPOSITORY / "docs" / "images" / "panel"
QUALITY = 36
SCALE = {"desk": 0.8, "phone": 1}
TALLEST = {"desk": 1200, "phone": 1400}
FONT = """
async () => {
  const sheet = [...document.styleSheets].find(one => one.href && one.href.includes("base.css"));
  const font = new FontFace("Inter", `url(${new URL("../fonts/inter.woff2", sheet.href)})`, {weight: "100 900"});
  document.fonts.add(await font.load());
}
"""
"""On a slow machine a page is drawn before its font has come, and keeps the other: a picture waits for it."""
LOOKS: dict[str, dict[str, Any]] = {
    "merchant": {"locale": "zh-CN", "color_scheme": "light"},
    "supplier": {"locale": "zh-CN", "color_scheme": "dark"},
    "platform": {"locale": "en", "color_scheme": "light"},
}


def main(folder: Path) -> None:
    """All pictures, from one store."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    store = WholeStore()
    try:
        store.start()
        with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
            chromium = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            paint(Painter(store, chromium, folder), files(Path(scratch)))
            chromium.close()
    finally:
        store.remove()
    write_album(folder)
    made = sorted(folder.glob("*.webp"))
    print(f"{len(made)} pictures, {sum(file.stat().st_size for file in made) // 1024} KB, in {folder}")


class Painter:
    """Takes the pictures of one store: `by(who)` says whose, and how they look."""

    def __init__(self, store: WholeStore, chromium: Browser, folder: Path) -> None:
        self.store, self.chromium, self.folder = store, chromium, folder

    def by(self, who: str) -> Callable[[Page, str], None]:
        """What takes a page's picture at both widths: from its top as much as fits in a picture."""

        def shot(page: Page, called: str) -> None:
            for size, tallest in TALLEST.items():
                page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
                page.evaluate(FONT)
                page.wait_for_timeout(100)
                height = min(
                    tallest, max(SIZES[size]["height"], page.evaluate("document.documentElement.scrollHeight"))
                )
                self.take(page, f"{who}-{called}-{size}", size, height)
            page.set_viewport_size(SIZES["desk"])  # type: ignore[arg-type]

        return shot

    def take(self, page: Page, name: str, size: str, height: int) -> None:
        """One picture from the page's top, as WebP: half of what a JPEG of the same sharpness takes."""
        chromium = page.context.new_cdp_session(page)
        clip = {"x": 0, "y": 0, "width": SIZES[size]["width"], "height": height, "scale": SCALE[size]}
        asked = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": clip}
        taken = base64.b64decode(chromium.send("Page.captureScreenshot", asked)["data"])
        chromium.detach()
        (self.folder / f"{name}.webp").write_bytes(taken)

    def walk(self, page: Page, who: str) -> None:
        """Every page that links lead to."""
        shot = self.by(who)
        walk(page, lambda page, kind: shot(page, name_of(kind)))

    def signed_in(self, who: str) -> Any:
        """Somebody of the demo in the panel."""
        look = LOOKS.get(who, LOOKS["merchant"])
        return signed_in(
            self.chromium, self.store.address, self.store.folder, f"{who}@demo.test", refusals=True, **look
        )


def paint(painter: Painter, brought: dict[str, Path]) -> None:
    """First what has to happen, then the walks."""
    store, chromium = painter.store, painter.chromium
    sell(store, chromium)
    gate = chromium.new_context(base_url=store.address, locale="zh-CN", viewport=SIZES["desk"])  # type: ignore[arg-type]
    states.gates(gate.new_page(), painter.by("gate"))
    gate.close()
    with painter.signed_in("newshop") as page:
        states.setting_up(page, painter.by("newshop"))
    earlier_days(store, len(BOUGHT))
    with painter.signed_in("merchant") as page:
        states.merchant(page, painter.by("merchant"), brought)
        painter.walk(page, "merchant")
        states.late(page, painter.by("merchant"), store)
    with painter.signed_in("supplier") as page:
        states.bring(page, painter.by("supplier"), "Steam 50", brought["copies"])
        painter.walk(page, "supplier")
    with painter.signed_in("platform") as page:
        painter.walk(page, "platform")
        states.traced(page, painter.by("platform"), store, brought["copies"].read_text("utf-8").split("\n", 1)[0])


def name_of(kind: str) -> str:
    """What the picture of a page is called."""
    return re.sub(r"[^a-z0-9]+", "-", kind.removeprefix(ROOT).lower()).strip("-") or "today"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
