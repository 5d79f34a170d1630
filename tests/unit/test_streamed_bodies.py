"""Large bodies that a page seals as they come: the frame reads none of them, and waits for no sender for ever."""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import pytest

from channels.figures import Figures
from channels.web import frame

PIECE = b"x" * 60_000


def sent(path: str, messages: list[dict[str, Any]], *, silence: float = 0.0) -> list[dict[str, Any]]:
    """What a page below the frame is given of these messages; after them the sender is silent."""
    taken: list[dict[str, Any]] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            taken.append(message)
            if not message.get("more_body", False):
                break
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(silence)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        assert message["type"].startswith("http.response")

    whole = frame.Frame(
        page, pages=cast("Any", None), hosts=frozenset(), figures=Figures(), streamed=re.compile("/files/[0-9]+")
    )
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "root_path": ""}
    headers = [(b"host", b"localhost"), (b"content-length", b"180000")]
    asyncio.run(whole({**scope, "headers": headers, "server": ("localhost", 80), "scheme": "http"}, receive, send))
    return taken


def pieces(*, last: bool = True) -> list[dict[str, Any]]:
    return [{"type": "http.request", "body": PIECE, "more_body": number < 2 or not last} for number in range(3)]


def test_a_page_that_seals_files_gets_each_piece_as_it_comes() -> None:
    assert [len(one["body"]) for one in sent("/files/1", pieces())] == [60_000] * 3


def test_who_sends_nothing_in_the_middle_of_a_file_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "SLOWEST_PIECE", 0.05)

    taken = sent("/files/1", pieces(last=False), silence=5.0)

    assert [one["type"] for one in taken] == ["http.request"] * 3 + ["http.disconnect"]
