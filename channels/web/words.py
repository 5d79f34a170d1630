"""Which language a page speaks; its sentences stand in locale/ and are read like those of the conversation."""

from __future__ import annotations

from pathlib import Path

from bot.texts import Phrasebook

FOLDER = Path(__file__).parent / "locale"


def load_words(*, zone: str, default: str) -> Phrasebook:
    """Every language of the pages: English sentences are the message ids, the others come from .po files."""
    return Phrasebook(zone=zone, default=default, folder=FOLDER)


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first; junk is ignored."""
    weighed: list[tuple[float, int, str]] = []
    for part in header[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), len(weighed), tag))
        except ValueError:
            continue
    return [tag for weight, _, tag in sorted(weighed) if tag and weight < 0]
