"""`imports`, `import --cancel` and `contested`: what they print, and what they refuse."""

from __future__ import annotations

import contextlib
import csv
import errno
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from core.config import Config
from core.ids import new_id
from core.vault.client import FileNotImported, ImportReport, RefusedRow
from ops import refused_rows
from ops.commands import import_
from tests.builders import Shop
from tests.support.command_line import Command
from tests.support.vaults import vault_process


def test_two_parties_bring_the_same_cards_and_the_platform_decides(
    command: Command, config: Config, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.merchant
    shop.a_sku("B1")
    shop.a_party("brand1", "supplier")
    shop.a_party("agent1", "supplier")
    file = tmp_path / "codes.txt"
    file.write_text("AAAA-1111\nBBBB-2222\n")
    with vault_process(config) as running:
        monkeypatch.setattr(import_, "vault", lambda *_, is_running: contextlib.nullcontext(running.client))
        for supplier in ("brand1", "agent1"):
            said = command(config, "import", str(file), "--batch-of", "B1", "--supplier", supplier)
            assert said == (0, "added 2  duplicates 0  refused 0\n", "")
        _, listed, _ = command(config, "contested", "list")
        _, standing, _ = command(config, "imports")
        batch = listed.split()[0]
        late = command(config, "import", "--cancel", batch)
        decided = command(config, "contested", "decide", batch, "--give", "later", "--reason", "the first was stolen")
        again = command(config, "contested", "decide", batch, "--give", "later", "--reason", "the first was stolen")

    assert re.fullmatch(
        r"bat_\w{26}  agent1  codes.txt  2 cards  also in bat_\w{26} of brand1: on sale 2  held 0  sold 0"
        r"  since \S+ \S+Z\ncontested 2\n",
        listed,
    )
    assert [line.split("  ")[1:3] for line in standing.splitlines()] == [["done", "100 %"], ["done", "100 %"], []]
    assert late[0] == 2
    assert "its cards are on sale: lock the batch instead" in late[2]
    assert decided == (0, f"2 cards of {batch} were given to the later party\n", "")
    assert again[0] == 2
    assert "nothing of it is contested" in again[2]
    assert shop.card_states() == {"free": 2, "void": 2}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["contested", "decide", "bat_x", "--give", "later"], "a decision names the batch"),
        (["contested", "decide", "bat_x", "--give", "later", "--reason", "why"], "a batch looks like bat_…"),
        (
            ["contested", "decide", "bat_x", "--give", "nobody", "--reason", "why"],
            "--give nobody is neither earlier nor",
        ),
        (["contested", "foo"], "No such command 'foo'."),
        (["contested"], "`contested` wants one of list, decide."),
        (["import", "--cancel", "bat_x"], "is no batch number"),
        (["import"], "give a FILE and --batch-of SKU"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_changes_nothing(
    command: Command, config: Config, shop: Shop, words: list[str], says: str
) -> None:
    before = shop.fingerprint()

    status, _, said = command(config, *words)

    assert (status, said.count("\n")) == (2, 1)
    assert says in said
    assert shop.fingerprint() == before


def test_the_report_is_safe_in_a_spreadsheet_and_of_a_dry_run_as_well(config: Config, tmp_path: Path) -> None:
    rows = (RefusedRow("row 3, =卡密", "bad_date", "-*** (4 characters)"), RefusedRow("C7", "numeric_cell", ""))
    report = ImportReport(0, 0, 2, rows, None, dry_run=True)
    path = tmp_path / "refused.csv"

    with refused_rows.begun(path):
        refused_rows.write(path, config=config, upload=new_id(), report=report, sentences={"bad_date": "unclear"})

    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["place", "reason", "shape"],
            ["row 3, =卡密", "unclear", "'-*** (4 characters)"],
            ["C7", "numeric_cell", ""],
        ]


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Callable[[ImportReport | BaseException], None]:
    """Imports end so, without a vault."""

    def ends(end: ImportReport | BaseException) -> None:
        def imported(*_: object, **__: object) -> tuple[ImportReport, UUID]:
            if isinstance(end, ImportReport):
                return end, new_id()
            raise end

        monkeypatch.setattr(import_, "imported", imported)

    return ends


@pytest.mark.parametrize("end", [FileNotImported(problem="binary"), KeyboardInterrupt()])
def test_after_a_refused_file_the_corrected_one_may_name_the_same_report(
    end: BaseException,
    command: Command,
    config: Config,
    importing: Callable[[ImportReport | BaseException], None],
    tmp_path: Path,
) -> None:
    file, path = tmp_path / "codes.txt", tmp_path / "refused.csv"
    file.write_text("AAAA-1111\n")
    words = ("import", str(file), "--batch-of", "B1", "--report", str(path))
    importing(end)
    refused = command(config, *words)
    left = path.exists()
    importing(ImportReport(1, 0, 0, (), None, dry_run=True))
    corrected = command(config, *words)
    importing(end)
    twice = command(config, *words)

    assert (refused[0], left) == (130 if isinstance(end, KeyboardInterrupt) else 2, False)
    assert corrected[0] == 0
    assert corrected[1].splitlines()[-1] == f"All refused rows: {path}"
    assert (twice[0], path.exists()) == (2, True), "an older report stays"
    assert "exists already" in twice[2]


@pytest.mark.parametrize(
    ("is_dry", "says"), [(True, "nothing was imported: this was a dry run"), (False, "the import itself is done")]
)
def test_fault_14_a_report_that_does_not_fit_on_the_disk_is_removed_and_the_counts_are_shown(
    is_dry: bool,
    says: str,
    command: Command,
    config: Config,
    importing: Callable[[ImportReport | BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault 14: the disk is full."""
    file, path = tmp_path / "codes.txt", tmp_path / "refused.csv"
    file.write_text("AAAA-1111\n")

    def full(*_: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(refused_rows, "_of_report", full)
    monkeypatch.setattr(refused_rows, "_kept", full)
    importing(ImportReport(3, 1, 2, (), None, dry_run=is_dry))
    status, out, said = command(config, "import", str(file), "--batch-of", "B1", "--report", str(path))

    assert status == 2
    assert out.splitlines()[0] == "added 3  duplicates 1  refused 2"
    assert said == f"keystall: the report could not be written (No space left on device) and is removed; {says}\n"
    assert not path.exists()
