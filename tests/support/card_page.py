"""Somebody who answers presses on card pages as worker and vault do, with cards of a test's own."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from core.secret import Secret
from core.vault.links import LASTS, CardLink, is_shown, link_key, seal_content

ROOT_KEY = b"the root of the links of a test!"
ABOUT = {"locale": "zh-CN", "shop": "键铺", "goods": "腾讯视频月卡", "redeem": "", "order": "k3q7ma", "left": 4}
UNTIL = "2026-03-03T04:00:00+00:00"


@dataclass
class Answering:
    """Links with a test's cards, and the thread that answers their presses until the block ends."""

    url: str = field(repr=False)
    cards: dict[UUID, tuple[list[dict[str, str]], dict[str, Any]]] = field(default_factory=dict, repr=False)
    presses: list[UUID] = field(default_factory=list)
    silent: bool = False
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def link(self, *cards: dict[str, str], **about: Any) -> CardLink:
        """A new link; `about` changes what the page is told beside the cards."""
        number = uuid4()
        self.cards[number] = (list(cards), {**ABOUT, "until": UNTIL, **about})
        key = Secret(link_key(ROOT_KEY, number))
        return CardLink(number, key, "telegram:1:5001", datetime.now(UTC) + LASTS)

    def __enter__(self) -> Answering:
        self._thread = threading.Thread(target=self._answer, name="answering")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _answer(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self._over.wait(0.03):
                if self.silent:
                    continue
                rows = connection.execute(
                    "SELECT id, link_id, proof_hash FROM link_press WHERE answered_at IS NULL"
                ).fetchall()
                for press, link, proof in rows:
                    self.presses.append(press)
                    connection.execute(
                        "WITH told AS (UPDATE link_press SET answer = %s, answered_at = now() WHERE id = %s"
                        " RETURNING id) SELECT pg_notify('keystall_wake', 'press:' || id) FROM told",
                        [Jsonb(self.answer(press, link, bytes(proof))), press],
                    )

    def answer(self, press: UUID, link: UUID, proof: bytes) -> dict[str, Any]:
        """What the page is told."""
        key = link_key(ROOT_KEY, link)
        if link not in self.cards or not is_shown(key, proof):
            return {"gone": True}
        cards, about = self.cards[link]
        content = json.dumps({"cards": cards}, ensure_ascii=False).encode()
        return {**about, "sealed": base64.b64encode(seal_content(key, content, link=link, press=press)).decode()}
