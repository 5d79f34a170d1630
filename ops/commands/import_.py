"""`import FILE`: seals a supplier's file, hands it to the vault, and prints what became of each row, never a value."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from core.config import Config, ConfigError
from core.errors import Invalid
from ops import refused_rows

if TYPE_CHECKING:
    from core.vault.client import ImportOrder, ImportReport, VaultClient

REASONS = {
    "no_secret": "there is no secret in it",
    "numeric_cell": "the cell is a number, not text: leading zeros and digits past the 15th are lost",
    "date_cell": "the cell is a date, not text",
    "boolean_cell": "the cell is true or false, not text",
    "error_cell": "the cell is an error, not text",
    "formula_cell": "the cell is a formula: paste its value as text",
    "bad_date": "the end date cannot be read with certainty: write it as 2027-12-31",
    "expired": "it has expired already",
    "extra_cells": "it has more cells than the header: put secrets that hold a separator in quotes",
    "quotes": "its quotes can be read in two ways: put every cell in quotes, or none",
    "too_long": "it is longer than any card",
    "bad_character": "it holds a character that no text may have: a zero byte, or half of a pair",
}
_NAMED = ("columns", "column", "line", "most", "most_megabytes", "left")
FILE_PROBLEMS = {
    "empty": "the file is empty",
    "encoding": "the file's encoding is not certain: save it as UTF-8",
    "binary": "the file is neither text nor a workbook: give CSV, TSV, TXT or XLSX",
    "old_workbook": "the file is a workbook of Excel 97-2003: save it as .xlsx or CSV",
    "encrypted": "the workbook has a password: save it without one",
    "web_page": "the file is a web page under another name: open it and save it as .xlsx or CSV",
    "not_a_workbook": "the file is called .xlsx but is none: save it again as .xlsx or CSV",
    "damaged": "the workbook is damaged: open it and save it again",
    "bomb": "the workbook would inflate to far more than its size: save it again, or as CSV",
    "header_missing": "the file has {columns} columns and no header that names them: add one, or give --column NUMBER",
    "secret_column_missing": "no column is known to hold the secret among {columns}: give --column NAME",
    "column_twice": "two columns may be the same thing ({columns}): rename one, or give --column NAME",
    "no_such_column": "there is no column {column}: the file has {columns}",
    "too_large": "the file takes more memory or time than an import may: split it",
    "too_many_rows": "the file has more rows than may be imported at once: split it",
    "over_quota": "a supplier who is not vetted may bring {most} rows a day, {left} more today; `vetting` ends that",
    "endless_line": "line {line} has no end within {most} characters: the file is no table with a row a line",
    "too_much_text": "the workbook holds more than {most_megabytes} MB of text: split it, or save it as CSV",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_file)


def import_file(
    context: typer.Context,
    file: Path | None = typer.Argument(None, metavar="FILE", help="CSV, TSV, TXT (one secret a line) or XLSX."),
    batch_of: str = typer.Option("", "--batch-of", metavar="SKU", help="The SKU whose cards these are."),
    supplier: str = typer.Option("", "--supplier", metavar="CODE", help="Who supplied them; without: own stock."),
    terms: str = typer.Option("", "--terms", help="owned, or consigned (the default with a supplier)."),
    unit_cost: str = typer.Option("", "--unit-cost", metavar="N", help="Cost of one card in the store's currency."),
    column: str = typer.Option("", "--column", metavar="NAME", help="The column that holds the secret."),
    merchant: str = typer.Option("", "--merchant", metavar="CODE", help="Whose stock (default: the default merchant)."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only count: nothing is imported."),
    report_to: Path | None = typer.Option(None, "--report", metavar="FILE", help="Write all refused rows as CSV."),
    cancel: str = typer.Option("", "--cancel", metavar="BATCH", help="Take this import back: bat_…, see `imports`."),
) -> None:
    """Import a batch of cards and print how many were added, were duplicates, or were refused and why.

    Ctrl-C only stops watching where a store runs: the import goes on there, and --cancel takes it back.
    """
    from core.vault.client import FileNotImported, VaultAway
    from core.vault.uploads import FileTooLarge
    from ops.commands.imports import cancelled
    from ops.store import load_config, opened

    if cancel:
        others = (file, batch_of, supplier, terms, unit_cost, column, merchant, dry_run, report_to)
        if any(others):
            raise ConfigError("--cancel stands alone with the batch's number: nothing was taken back")
        with opened(load_config(context)) as store:
            print(cancelled(store.config, cancel, is_running=store.is_running))
        return
    wanted = wishes(batch_of, supplier=supplier, terms=terms, unit_cost=unit_cost)
    path = readable(file, batch_of)
    wanted |= {"column": column or None, "merchant": merchant or None, "dry_run": dry_run}
    with opened(load_config(context)) as store, refused_rows.begun(report_to):
        try:
            report, upload = imported(store.config, path, wanted, is_running=store.is_running)
        except (FileNotImported, FileTooLarge) as refused:
            raise ConfigError(f"{path.name}: {sentence(refused)}") from None
        except VaultAway:
            raise ConfigError("the vault went away: it goes on with the import when it is back; see `doctor`") from None
        show(report)
        if report_to:
            refused_rows.write(report_to, config=store.config, upload=upload, report=report, sentences=REASONS)
            print(f"All refused rows: {report_to}")


def wishes(sku: str, *, supplier: str, terms: str, unit_cost: str) -> dict[str, object]:
    """What was asked for, as fields of `ImportOrder`. Raises ConfigError."""
    from core.money import micro_from_decimal

    try:
        cost = micro_from_decimal(unit_cost) if unit_cost else 0
    except Invalid:
        raise ConfigError(f"--unit-cost {unit_cost} is no amount: give a decimal such as 85.50") from None
    if terms not in ("", "owned", "consigned"):
        raise ConfigError("--terms is owned or consigned")
    return {"sku": sku, "supplier": supplier or None, "terms": terms or None, "unit_cost_micro": cost}


def readable(file: Path | None, sku: str) -> Path:
    """The file that was named, if there is one. Raises ConfigError."""
    if file is None or not sku:
        raise ConfigError("give a FILE and --batch-of SKU; or --cancel BATCH to take an import back")
    if file.is_dir() or not file.exists():  # a pipe is welcome
        what = f"{file} is a folder" if file.is_dir() else f"there is no file {file}"
        raise ConfigError(f"{what}: give the path of a CSV, TSV, TXT or XLSX file")
    return file


def imported(
    config: Config, file: Path, wanted: Mapping[str, object], *, is_running: bool
) -> tuple[ImportReport, UUID]:
    """Seal and import one file; `wanted` are the fields of `ImportOrder` without the upload, whose id is returned."""
    from core import db
    from core.vault.client import ImportOrder
    from core.vault.uploads import upload_file
    from ops.processes.vault_wiring import clock

    public = config.secret(config.vault.public_key).reveal()
    db.connect(config.database.roles.shop, size=2)
    try:
        with file.open("rb") as stream:
            owner = owner_of(wanted)
            upload = upload_file(file=stream, name=file.name, owner_id=owner, vault_public=public, now=clock().now())
    finally:
        db.disconnect()
    order = ImportOrder(upload=upload, **wanted)  # type: ignore[arg-type]
    try:
        with vault(config, is_running=is_running) as client, progress_bar(file.name) as progress:
            return run(client, order, progress), upload
    except KeyboardInterrupt:
        print(left_alone(config, order, is_running=is_running), file=sys.stderr)
        raise


def left_alone(config: Config, order: ImportOrder, *, is_running: bool) -> str:
    """What becomes of an import whose watcher left with Ctrl-C."""
    from ops.commands.imports import of_upload

    batch = None if order.dry_run else of_upload(config, order.upload)
    if batch is None:
        return "stopped: nothing was imported"
    goes_on = "goes on in the running store" if is_running else "goes on when the store is started"
    return f"stopped watching: the import into {batch} {goes_on}; `import --cancel {batch}` takes it back"


def run(client: VaultClient, order: ImportOrder, progress: Callable[[int, int], None]) -> ImportReport:
    """Ask the vault; what it refuses becomes one sentence."""
    from core.vault.client import VaultCode, VaultRefused

    try:
        return client.import_upload(order, progress=progress)
    except VaultRefused as refused:
        if refused.vault_code is VaultCode.IMPORT_WAITS:
            raise ConfigError(f"the import has not come to its end: {refused}; see `imports` and `doctor`") from None
        if refused.vault_code is VaultCode.IMPORT_CANCELLED:
            raise ConfigError(f"the import was taken back: {refused}") from None
        raise ConfigError(f"the vault refused the import: {refused}") from None


def owner_of(wanted: Mapping[str, object]) -> int:
    """Whose pool the cards join: the supplier's when they are consigned, else the merchant's. Raises ConfigError."""
    from core.db import execute

    consigned = wanted["supplier"] is not None and wanted["terms"] != "owned"
    kind, code = ("supplier", wanted["supplier"]) if consigned else ("merchant", wanted["merchant"])
    asked = (kind, code, kind, code)
    rows = execute(
        "SELECT id FROM party WHERE kind = %s AND (code = %s OR (%s = 'merchant' AND %s::text IS NULL AND is_default))",
        asked,
    )
    if not rows:
        raise ConfigError(f"there is no {kind} {code or '(default)'} in this store")
    return int(rows[0][0])


@contextlib.contextmanager
def vault(config: Config, *, is_running: bool) -> Iterator[VaultClient]:
    """The running store's vault, or one that is started for this command."""
    from ops.processes.supervisor import Supervisor
    from ops.processes.vault_wiring import operators_vault

    client = operators_vault(config)
    if is_running:
        yield client
        return
    supervisor = Supervisor(config, ("vault",))
    try:
        supervisor.start()
        yield client
    finally:
        supervisor.stop()


@contextlib.contextmanager
def progress_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, about: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, about: bar.update(task, completed=done, total=about)


def show(report: ImportReport) -> None:
    """The counts on one line, then each refused row: where, why, and the shape of what stood there."""
    print(f"added {report.added}  duplicates {report.duplicates}  refused {report.refused}")
    for row in report.refusals:
        shape = f"  {row.shape}" if row.shape else ""
        print(f"  {row.place}: {REASONS.get(row.reason, row.reason)}{shape}")
    if report.refused > len(report.refusals):
        print(f"  … and {report.refused - len(report.refusals)} more")
    if report.unread:
        rows = report.added + report.duplicates + report.refused
        print(f"THE FILE WAS NOT READ TO ITS END: only its first {rows} rows were imported.")
        print("Split it and import the parts; rows that were imported count as duplicates.")
    if report.dry_run:
        print("Nothing was imported: this was a dry run.")


def sentence(refused: Invalid) -> str:
    """Why a file was refused as a whole and how to mend it; names columns, never values."""
    if refused.reason == "file_too_large":
        return f"the file is larger than {refused.params['most_megabytes']} MB: split it"
    problem = str(refused.params.get("problem"))
    named = {name: value or "no header" for name, value in refused.params.items()}
    return FILE_PROBLEMS.get(problem, problem).format_map(dict.fromkeys(_NAMED, "") | named)
