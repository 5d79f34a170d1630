"""A supplier who uses imports as an oracle: he brings guesses, some of which another supplier has on sale, and looks.

`agent1` brings guesses that are all right, `agent2` as many of the same shape that nobody ever brought. Whatever one of
them is shown must be what the other is shown, but for his own name and numbers: then no guess tells anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any
from unittest import mock

from core import db
from core.actor import Actor, ActorKind
from core.custody.imports import import_sql
from core.stock.imports import imports
from core.vault.client import FileNotImported, ImportReport, VaultRefused
from tests.builders import Shop
from tests.support.imports import bring
from tests.support.vaults import TestVault

GUESSES = 30
_OWN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|agent[12]|datetime\.datetime\([^)]*\)")


@dataclass(frozen=True)
class Probe:
    """One thing that was looked at: what it showed of guesses that are right, and of guesses that are wrong."""

    what: str
    right: str
    wrong: str

    @property
    def tells(self) -> bool:
        """Whether it told a right guess from a wrong one."""
        return self.right != self.wrong

    def __str__(self) -> str:
        if self.tells:
            return f"{self.what}: IT TELLS: {self.right[:200]} of right guesses, {self.wrong[:200]} of wrong ones"
        return f"{self.what}: the same for {GUESSES} right guesses as for {GUESSES} wrong ones"


def secrets(first: int, pattern: str) -> list[str]:
    """So many card secrets of one shape; another `first` gives none of them again."""
    return [pattern.format((first + number) * 7919 % 10**6) for number in range(GUESSES)]


LONG = {"cards of 16 characters": "CODE-{:06}-KXWQ"}
KINDS = LONG | {"cards of 6 digits": "{:06}"}


def probed(vault: TestVault, shop: Shop, kinds: Mapping[str, str]) -> list[Probe]:
    """Everything that is tried, in a shop with the SKU B1, with cards of each kind."""
    shop.a_sku("B1")
    found: list[Probe] = []
    for kind, pattern in kinds.items():
        known, unknown = secrets(0, pattern), secrets(5000, pattern)
        bring(vault, shop, _file(known), by="brand1")
        seen = {who: _shown(vault, shop, who, cards) for who, cards in (("agent1", known), ("agent2", unknown))}
        found += [Probe(f"{kind}, {what}", seen["agent1"][what], seen["agent2"][what]) for what in seen["agent1"]]
    return found


def _shown(vault: TestVault, shop: Shop, who: str, guesses: Sequence[str]) -> dict[str, str]:
    """Look -> what it showed, with what is anybody's own taken out."""
    asked = list[str]()
    own = (guesses[0] + "-OF-MY-OWN").encode()
    with _overheard(asked):
        shown: dict[str, Any] = {
            "a dry run": _said(vault, shop, _file(guesses), who, dry_run=True),
            "a dry run of one guess": _said(vault, shop, guesses[0].encode(), who, dry_run=True),
            "the import's report": _said(vault, shop, _file(guesses), who),
            "the same file once more": _said(vault, shop, _file(guesses), who),
            "a dry run of the same file once more": _said(vault, shop, _file(guesses), who, dry_run=True),
            "guesses behind a card of his own": _said(
                vault, shop, b"\n".join([own, *map(str.encode, guesses[:9])]), who
            ),
            "the same card twice in a file": _said(vault, shop, guesses[0].encode() + b"\n" + guesses[0].encode(), who),
            "a file with another guess in the other case": _said(vault, shop, _file(guesses).lower(), who),
        }
    party = shop.a_party(who, "supplier")
    supplier = Actor(ActorKind.STAFF, id=None, party_id=party)
    shown["how his imports stand"] = [asdict(one) for one in imports(actor=supplier, most=100)]
    shown["his batches"] = shop.sql(
        "SELECT state, card_count, terms, expires_on, reason, length(source_hash) FROM batch WHERE owner_id = %s"
        " ORDER BY no", [party]
    )  # fmt: skip
    shown["what is written of him in the audit"] = shop.sql(
        "SELECT action, detail FROM audit_entry WHERE party_id = %s ORDER BY id", [party]
    )
    shown["how many statements were said for him, and which"] = [len(asked), *asked]
    return {what: _OWN.sub("…", str(one)) for what, one in shown.items()}


def _said(vault: TestVault, shop: Shop, raw: bytes, who: str, **order: Any) -> Any:
    try:
        report: ImportReport = bring(vault, shop, raw, by=who, **order)
    except (FileNotImported, VaultRefused) as refused:
        return type(refused).__name__, str(refused), len(str(refused))
    answer = asdict(replace(report, batch=None))
    return answer, report.batch is not None, len(str(answer))


@contextmanager
def _overheard(asked: list[str]) -> Iterator[None]:
    """Note every statement that is said to the database meanwhile: what takes time that somebody could measure."""
    real = db.StoreDatabase.execute_sql

    def execute_sql(self: Any, sql: str, params: Any = None, named_cursor: bool | None = None) -> Any:
        asked.append(sql)
        return real(self, sql, params, named_cursor)

    with mock.patch.object(db.StoreDatabase, "execute_sql", execute_sql):
        yield


@contextmanager
def told_of_copies() -> Iterator[None]:
    """The control: an importer that counts everybody's cards as duplicates, as one would write it first."""
    everybody = import_sql.KNOWN.replace("SELECT n, mine, first FROM", "SELECT n, true, first FROM")
    with mock.patch.object(import_sql, "KNOWN", everybody):
        yield


def guessed_in_a_day(vault: TestVault, shop: Shop, *, at_once: int, most: int) -> tuple[int, str]:
    """How many guesses (of at most so many) a supplier who is not vetted gets through on a day, and what ends it."""
    shop.a_sku("B1")
    for tried in range(0, most, at_once):
        raw = "\n".join(f"GUESS-{tried + number:09}" for number in range(at_once)).encode()
        try:
            bring(vault, shop, raw, by="agent3")
        except FileNotImported as refused:
            return tried, f"{refused.params['problem']}, {refused.params['left']} left of {refused.params['most']}"
    return most, "nothing ended it"


def _file(cards: Sequence[str]) -> bytes:
    return "\n".join(cards).encode()
