"""What a mutation is, and where all of them stand."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SEEN = FOLDER / "seen.json"
_NOT_LISTS = {"__init__", "__main__", "mutation", "trying"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One protection taken away: in `file`, `old` (exactly once there) becomes `new`; then `test` fails.

    Where one thing is protected twice, `more` takes the other protection away too: (file, old, new) each.
    `rows` are invariants or faults as their pages name them (`INV-S2`, `58`); `removed` says in a few words what the
    protection was; `test` is a pytest node id, or several with blanks between.
    """

    rows: tuple[str, ...]
    removed: str
    file: str
    old: str
    new: str
    test: str
    more: tuple[tuple[str, str, str], ...] = ()

    @property
    def edits(self) -> tuple[tuple[str, str, str], ...]:
        """Every change: file, what stands there exactly once, what stands there then."""
        return ((self.file, self.old, self.new), *self.more)

    @property
    def fingerprint(self) -> str:
        """Changes with anything that was tried, so that an old proof does not count for a new mutation."""
        parts = [part for edit in self.edits for part in edit]
        return hashlib.sha256("\0".join((*parts, self.test)).encode()).hexdigest()[:16]

    @property
    def stands(self) -> bool:
        """Whether what is to be taken away stands exactly once where it should."""
        return all(
            (ROOT / file).is_file() and (ROOT / file).read_text(encoding="utf-8").count(old) == 1
            for file, old, _ in self.edits
        )


def all_mutations() -> list[Mutation]:
    """The lists `MUTATIONS` of every file beside this one, by file name."""
    names = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in _NOT_LISTS)
    return [one for name in names for one in importlib.import_module(f"tests.mutations.{name}").MUTATIONS]


def seen() -> dict[str, str]:
    """Fingerprint of each mutation that was seen to fail -> the last line of the failing run."""
    return dict(json.loads(SEEN.read_text(encoding="utf-8"))) if SEEN.exists() else {}
