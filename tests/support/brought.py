"""Files of cards as browsers send them to the panel, and the worker that has them looked at."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from core.conversations.brought_files import carry_out_look
from tests.support.panel import TOKEN, Browser
from tests.support.vaults import TestVault

CANARY = "KANARIE77X"
ROWS = [f"{CANARY}{number:04}" for number in range(200)]


def a_csv(rows: list[str], *, beside: str = "") -> bytes:
    return "\n".join(
        ["卡密,有效期,remark", *(f"{row},2031-05-0{1 + n % 9},{beside}" for n, row in enumerate(rows))]
    ).encode()


def send(browser: Browser, sku: int, raw: bytes, name: str = "cards.csv", **more: str) -> Any:
    """Send a file as the page's form does."""
    page = browser.get(f"/imports/new/{sku}").get_data(as_text=True)
    token = TOKEN.search(page)
    submission = re.search(r'name="submission"[^>]*value="([^"]+)"', page)
    assert token is not None, page
    assert submission is not None, page
    values = {"csrf_token": token[1] or token[2], "submission": submission[1], **more}
    return post_body(browser, sku, a_body(values, raw, name) + b"\r\n--b--\r\n")


def a_body(values: dict[str, str], raw: bytes, name: str = "cards.csv") -> bytes:
    """A form with a file as browsers send it, up to the file's last byte; werkzeug's client would spool it itself."""
    head = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in values.items()
    )
    return f'{head}--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + raw


def post_body(browser: Browser, sku: int, body: bytes) -> Any:
    return browser.client.post(f"/imports/new/{sku}", data=body, content_type="multipart/form-data; boundary=b")


def file_of(answer: Any) -> UUID:
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return UUID(answer.location.rstrip("/").rpartition("/")[2])


def look(vault: TestVault, file: UUID) -> bool:
    return carry_out_look(file_id=file, vault=vault.client)
