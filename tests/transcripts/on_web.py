"""A person in the web chat, as its page sees the conversation: screens with options."""

from __future__ import annotations

from bot.texts import Texts
from channels.chat.telegram.keyboard import columns
from tests.support.chatter import Chatter, Screen
from tests.transcripts.chats import Chat, Heard
from tests.transcripts.paper import Paper
from tests.transcripts.town import Town

FIELDS = ("number", "secret", "pin", "expires")
COLUMNS = 72


class WebChat(Chat):
    """One guest session."""

    def __init__(self, paper: Paper, texts: Texts, town: Town) -> None:
        super().__init__(paper, texts)
        town.number()
        self._chatter = Chatter(town.store.address, locale=texts.locale)
        self.screens: list[Screen] = []
        self._count = 0

    def send(self, words: str) -> None:
        """Send a text; the answer is there when this returns."""
        self.screens += self._chatter.say(words)

    def press(self, label: str) -> None:
        """Tap the newest option of this label."""
        screen = self.newest(label)
        whole = next(option["label"] for option in screen["options"] if option["label"].startswith(label))
        self.paper.said(self.who(self.me), f"[{whole}]")
        self.tap_on(screen, whole)

    def tap_on(self, screen: Screen, label: str) -> None:
        """Tap an option of a screen, perhaps of an old one."""
        self.screens += self._chatter.tap(screen, label)

    def newest(self, label: str) -> Screen:
        """The newest screen with an option."""
        has = (s for s in reversed(self.screens) if any(o["label"].startswith(label) for o in s["options"]))
        return next(has)

    def fresh(self) -> list[Heard]:
        """Screens that came; unasked ones are read from the stream's place."""
        self.screens += self._chatter.read()
        return [Heard(text_of(screen), rows_of(screen)) for screen in self.screens[self._count :]]

    def heard(self, heard: list[Heard]) -> None:
        """Remember how many screens were written down."""
        self._count += len(heard)

    def payment_page(self) -> str:
        """Behind the newest option that leads to one."""
        return [option["url"] for screen in self.screens for option in screen["options"] if "url" in option][-1]

    def close(self) -> None:
        """Give the connection back."""
        self._chatter.close()


def text_of(screen: Screen) -> str:
    """The words of a screen; its cards below, a line each, as the page shows them in boxes."""
    cards = ["　".join(card[name] for name in FIELDS if card.get(name)) for card in screen.get("cards") or ()]
    return "\n".join([screen["text"], *(f"▪ {card}" for card in cards)])


def rows_of(screen: Screen) -> tuple[tuple[str, ...], ...]:
    """The options, those that lead to a page marked; so many in a row as a line of the transcript holds."""
    rows: list[tuple[str, ...]] = []
    for option in screen["options"]:
        label = option["label"] + (" ↗" if option.get("url") else "")
        if rows and sum(columns(one) + 3 for one in (*rows[-1], label)) <= COLUMNS:
            rows[-1] += (label,)
        else:
            rows.append((label,))
    return tuple(rows)
