"""The page that shows the pictures of the panel: README.md beside them, a line for each page."""

from __future__ import annotations

from pathlib import Path

WHOSE = {
    "gate": "Before signing in",
    "newshop": "Somebody who opens a shop",
    "merchant": "A merchant (light, Chinese)",
    "supplier": "A supplier (dark, Chinese)",
    "platform": "The platform (light, English)",
}
HEAD = """# The panel in pictures

Written by `make screenshots` from a running demo: every page at 1280 and 390 px. What is longer than a picture is cut.
How to come to a page, and whose it is: [Look into the panel](../../howto/panel.md).
"""


def write_album(folder: Path) -> None:
    """README.md in a folder of pictures that are called `whose-page-size.webp`."""
    lines = [HEAD]
    pages = sorted({file.stem.rpartition("-")[0] for file in folder.glob("*.webp")})
    for who, called in WHOSE.items():
        lines += [f"## {called}\n", "| page | 1280 px | 390 px |", "|---|---|---|"]
        for page in pages:
            if page.startswith(f"{who}-"):
                title = title_of(page.removeprefix(f"{who}-"))
                desk, phone = (
                    f'<a href="{page}-{size}.webp"><img src="{page}-{size}.webp" width="{width}" alt="{title}"></a>'
                    for size, width in (("desk", 480), ("phone", 160))
                )
                lines.append(f"| {title} | {desk} | {phone} |")
        lines.append("")
    (folder / "README.md").write_text("\n".join(lines), "utf-8")


def title_of(page: str) -> str:
    """`orders-0-refund` is `orders one refund`: a number in an address stands for one of many."""
    words = [word for word in page.split("-") if word != "id"]
    return " ".join("one" if word == "0" else word for word in words)
