"""Fetches a document that a person sent: into memory only, never more than a bot is given, no word of it anywhere else.

What goes wrong never carries the address of the file: the token is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.incoming import SentFile
from channels.chat.telegram.api import CONNECT_SECONDS, ApiAway, ApiProblem, BotServer, call, is_proxy_error
from core.secret import Secret

if TYPE_CHECKING:
    import aiohttp

LARGEST = 20 * 2**20  # bytes: what the Bot API gives away
FILE_SECONDS = 45.0
PASSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Documents:
    """One bot's way to the files that people send it."""

    http: aiohttp.ClientSession
    server: BotServer
    token: Secret = field(repr=False)

    async def fetch(self, said: Mapping[str, Any]) -> Secret | None:
        """The content of a message's document; None where Telegram certainly does not give it. Raises `ApiAway`."""
        try:
            found = await call(self.http, self.server, self.token, "getFile", {"file_id": said["document"]["file_id"]})
        except ApiProblem as problem:
            if problem.code in PASSES:
                raise ApiAway(str(problem.code)) from None
            return None
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or path.startswith("/"):  # a server that keeps files gives a path of its own disk
            return None
        return await self._content(path)

    async def _content(self, path: str) -> Secret | None:
        import aiohttp

        url = f"{self.server.base}/file/bot{self.token.reveal().decode()}/{quote(path)}"
        patience, content = aiohttp.ClientTimeout(total=FILE_SECONDS, connect=CONNECT_SECONDS), bytearray()
        try:
            async with self.http.get(url, timeout=patience) as answer:
                if answer.status in PASSES:
                    raise ApiAway(str(answer.status))
                if answer.status != 200:
                    return None
                async for part in answer.content.iter_chunked(64 * 1024):
                    content += part
                    if len(content) > LARGEST:
                        return None
        except Exception as error:
            if isinstance(error, aiohttp.ClientError | OSError | TimeoutError) or is_proxy_error(error):
                raise ApiAway(type(error).__name__) from None
            raise
        return Secret(bytes(content))


def sent_file(said: Mapping[str, Any], content: Secret | None) -> SentFile | None:
    """The document of a message, as the conversation knows files; None where there is none."""
    document = said.get("document")
    if not isinstance(document, Mapping):
        return None
    name, size = document.get("file_name"), document.get("file_size")
    return SentFile(
        name=name if isinstance(name, str) and name else "file",
        size=size if type(size) is int else 0,
        content=content,
    )


CHANGING = frozenset({
    "bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "blockquote",
    "expandable_blockquote",
})  # fmt: skip
"""Formatting that a person's app makes of signs in a text, which are gone then: `**`, `__`, backticks."""


def is_formatted(said: Mapping[str, Any]) -> bool:
    """Whether signs of a message's text may be missing because the app took them for formatting."""
    entities = said.get("entities")
    return isinstance(entities, list) and any(
        isinstance(one, Mapping) and one.get("type") in CHANGING for one in entities
    )
