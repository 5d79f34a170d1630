"""A person on the Telegram double."""

from __future__ import annotations

from bot.texts import Texts
from tests.doubles.telegram import Seen
from tests.transcripts.chats import Chat, Heard
from tests.transcripts.paper import Paper
from tests.transcripts.town import Town


class TelegramChat(Chat):
    """The private chat of one person with the merchant's bot."""

    def __init__(self, paper: Paper, texts: Texts, town: Town) -> None:
        super().__init__(paper, texts)
        self._bot = town.bot
        language = "zh-hans" if self.is_chinese else "en"
        self.user = town.tg.user(70_000 + town.number() * 1111, language_code=language, first_name=self.me)
        self._known: dict[int, tuple[str, tuple[tuple[str, ...], ...]]] = {}

    def start(self, payload: str = "") -> None:
        """Press Start, perhaps behind a link to one product."""
        self.paper.said(self.who(self.me), f"/start {payload}".strip())
        self.user.start(self._bot, payload)
        self.hear()

    def send(self, words: str) -> None:
        """Send a text."""
        self.user.send(self._bot, words)

    def press(self, label: str, *, message: Seen | None = None) -> None:
        """Tap; what pops up is written down as well."""
        where = message or self.newest(label)
        button = where.button(label)
        assert button is not None
        self.paper.said(self.who(self.me), f"[{button.label}]")
        toast = self.user.tap(self._bot, button.label, message=where).answer()
        if toast is not None and toast.text:
            self.aside("toast", words=toast.text)

    def fresh(self) -> list[Heard]:
        """Messages that are new, and those with other words or buttons now; a mere loss of buttons says nothing."""
        found = []
        for seen in self.user.from_bot(self._bot):
            text, rows = seen.text, rows_of(seen)
            before = self._known.get(seen.id)
            if before is None or (before != (text, rows) and (rows or before[0] != text)):
                found.append(Heard(text, rows, is_edited=before is not None))
        return found

    def heard(self, heard: list[Heard]) -> None:
        """Remember the whole chat as it looks now."""
        for seen in self.user.from_bot(self._bot):
            self._known[seen.id] = seen.text, rows_of(seen)

    def newest(self, label: str) -> Seen:
        """The newest message with a button."""
        return self.user.wait_for(self._bot, lambda seen: seen.button(label) is not None)

    def payment_page(self) -> str:
        """Behind the newest button that leads to one."""
        return self.user.wait_for(self._bot, lambda seen: seen.links).links[0]


def rows_of(seen: Seen) -> tuple[tuple[str, ...], ...]:
    """The buttons: those that lead to a page, and those that copy, are marked as in the app."""
    marks = {"url": " ↗", "copies": " ⧉"}
    return tuple(
        tuple(
            button.label + next((mark for name, mark in marks.items() if getattr(button, name)), "") for button in row
        )
        for row in seen.buttons
    )
