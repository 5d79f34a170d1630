"""`import`: one line of counts, then places, reasons and shapes; every problem has a sentence with its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.custody.imports.decoder.problems import RowProblem
from core.vault.client import FileNotImported, ImportReport, RefusedRow
from core.vault.uploads import FileTooLarge
from core.workbooks.problems import FileProblem
from ops.cli import run
from ops.commands.import_ import FILE_PROBLEMS, REASONS, sentence, show


def test_the_counts_stand_on_one_line_and_the_refused_rows_below(capsys: pytest.CaptureFixture[str]) -> None:
    refused = (RefusedRow("C77", "formula_cell", ""), RefusedRow("row 9, 有效期", "expired", "AAAA**** (8 characters)"))

    show(ImportReport(490, 3, 1002, refused, None, dry_run=False))

    assert capsys.readouterr().out.splitlines() == [
        "added 490  duplicates 3  refused 1002",
        "  C77: the cell is a formula: paste its value as text",
        "  row 9, 有效期: it has expired already  AAAA**** (8 characters)",
        "  … and 1000 more",
    ]


def test_every_problem_of_a_row_and_of_a_file_has_its_sentence() -> None:
    assert set(REASONS) == set(RowProblem)
    assert set(FILE_PROBLEMS) == set(FileProblem)
    for problem in FileProblem:
        text = sentence(FileNotImported(problem=problem.value, columns="卡号, 备注", column="卡密"))
        assert "{" not in text
    assert sentence(FileTooLarge(most_megabytes=64)) == "the file is larger than 64 MB: split it"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--batch-of", "A1", "--unit-cost", "1e5"], "--unit-cost 1e5 is no amount"),
        (["--batch-of", "A1", "--unit-cost", "-1"], "--unit-cost"),
        (["--batch-of", "A1", "--terms", "rented"], "--terms is owned or consigned"),
        ([], "--batch-of"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(["import", str(tmp_path / "cards.csv"), *arguments])

    said = capsys.readouterr().err.splitlines()
    assert status == 2
    assert len(said) == 1
    assert says in said[0]


@pytest.mark.parametrize(
    "others",
    [["--dry-run"], ["cards.csv"], ["--report", "refused.csv"], ["--batch-of", "A1"], ["--merchant", "main"]],
)
def test_cancel_with_dry_run_or_anything_else_takes_nothing_back(
    others: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("ops.store.opened", opened.append)

    status = run(["import", "--cancel", "bat_x", *others])

    said = capsys.readouterr().err
    assert (status, said) == (2, "keystall: --cancel stands alone with the batch's number: nothing was taken back\n")
    assert opened == []
