"""What every door with pages of its own does alike: which language it speaks, and how its files are addressed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bot.texts import Phrasebook


def choose(book: Phrasebook, wishes: Iterable[str]) -> str:
    """The first wish there is a language for ("zh" and "zh-Hans-CN" mean zh-CN), else the store's default."""
    for wish in wishes:
        for locale in book.locales:
            if wish and locale.lower().split("-")[0] == wish.lower().replace("_", "-").split("-")[0]:
                return locale
    return book.texts("").locale


def digest_of(folder: Path) -> str:
    """A short mark of all files below a folder: part of their address, so they may be cached for ever."""
    mark = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        mark.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return mark.hexdigest()[:12]
