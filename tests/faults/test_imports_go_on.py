"""An import that is interrupted in the middle of its file burns no card: it goes on, or says how far it came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import peewee
import pytest

from core.config import Config
from core.custody.imports import decoding, filling, importing
from core.custody.imports.importing import Importer
from core.vault.client import FileNotImported, VaultCode, VaultRefused
from ops.commands.import_ import show
from tests.builders import Shop
from tests.support.vaults import DeskVault, desk_vault

ROWS = 6000
FILE = "\n".join(f"CODE-{number:06}-{number * 7919 % 10**6:06}" for number in range(ROWS)).encode()


@pytest.fixture
def shop(store_db: Any, sql: Any, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1000)
    monkeypatch.setattr(filling, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(filling, "LOOK_EVERY", 0.1)
    shop = Shop(sql)
    shop.a_sku("B1")
    assert shop.merchant
    return shop


@pytest.fixture
def vault(shop: Shop, config: Config) -> DeskVault:
    return desk_vault(config)


def decoders_die(monkeypatch: pytest.MonkeyPatch, *, at_frame: int, times: int = 10**6) -> None:
    """The next decoders are killed when this many frames of 500 rows came out of them."""
    whole, left, seen = decoding.DecodedFile._frame, times, dict[int, int]()

    def frame(self: decoding.DecodedFile) -> dict[str, Any]:
        nonlocal left
        seen[id(self)] = seen.get(id(self), 0) + 1
        if seen[id(self)] == at_frame and left:
            left -= 1
            self._process.kill()
            self._process.wait()
        return whole(self)

    monkeypatch.setattr(decoding.DecodedFile, "_frame", frame)


def bring(vault: DeskVault, shop: Shop, raw: bytes = FILE, name: str = "codes.txt") -> Any:
    return vault.import_bytes(raw, name, owner=shop.merchant, sku="B1")


def test_fault_15_a_decoder_killed_in_mid_file_is_started_again_and_every_card_is_added(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoders_die(monkeypatch, at_frame=6, times=1)

    report = bring(vault, shop)

    assert (report.added, report.duplicates, report.unread) == (ROWS, 0, False)
    assert sql("SELECT state, card_count FROM batch") == [("selling", ROWS)]
    assert shop.card_states() == {"free": ROWS}


def test_fault_15_a_file_no_decoder_gets_through_sells_what_was_read_says_so_and_burns_nothing(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        decoders_die(patch, at_frame=6)
        report = bring(vault, shop)
    show(report)

    assert 1000 <= report.added < ROWS
    assert report.unread
    assert f"only its first {report.added} rows were imported" in capsys.readouterr().out
    assert sql("SELECT state, card_count FROM batch") == [("selling", report.added)]
    assert sql("SELECT state, error, rows_done FROM import_job") == [("done", "too_large", report.added)]
    again = bring(vault, shop)
    assert (again.added, again.duplicates, again.unread) == (ROWS - report.added, report.added, False)
    assert shop.card_states() == {"free": ROWS}


def test_a_decoder_killed_before_the_first_row_refuses_the_file_and_the_same_file_is_taken_later(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        decoders_die(patch, at_frame=1)
        with pytest.raises(FileNotImported) as refused:
            bring(vault, shop)

    assert refused.value.params["problem"] == "too_large"
    assert sql("SELECT state FROM batch") == [("abandoned",)]
    assert bring(vault, shop).added == ROWS


@dataclass
class Absence:
    """The database, for chunks: away from the `from_chunk`-th on, until `over`; `tried` counts the chunks."""

    from_chunk: int
    tried: int = 0
    over: bool = False

    def begins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Importer._store

        def tried(importer: Importer, *args: Any, **kwargs: Any) -> None:
            self.tried += 1
            if self.tried >= self.from_chunk and not self.over:
                raise peewee.OperationalError("the database is away")
            store(importer, *args, **kwargs)

        monkeypatch.setattr(Importer, "_store", tried)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


def test_an_import_left_by_an_absent_database_goes_on_without_a_restart_of_the_vault(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    absence = Absence(from_chunk=3)
    absence.begins(monkeypatch)
    with pytest.raises(VaultRefused) as refused:
        bring(vault, shop)
    left, tried = sql("SELECT state, rows_done FROM import_job"), absence.tried
    a_look = len(filling.PAUSES) + 1  # so many tries before it is left again
    with vault.at_the_desk.as_vault():
        vault.at_the_desk._desk.resume_imports()
        wait_until(lambda: absence.tried > tried + a_look)
        still = sql("SELECT state, rows_done FROM import_job")
        absence.over = True
        wait_until(lambda: sql("SELECT state FROM import_job") == [("done",)])
        vault.at_the_desk._desk.close(wait_seconds=10)

    assert refused.value.vault_code is VaultCode.IMPORT_WAITS
    assert left == still == [("running", 2000)]
    assert sql("SELECT state, card_count FROM batch") == [("selling", ROWS)]


def test_an_import_that_cannot_go_on_does_not_stop_the_others(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    absence = Absence(from_chunk=1)
    absence.begins(monkeypatch)
    for part in (FILE[:20_000], FILE[20_000:40_000], FILE[40_000:60_000]):
        with pytest.raises(VaultRefused):
            bring(vault, shop, part.rsplit(b"\n", 1)[0])
    absence.over = True
    flipped = "set_byte(sealed_dek, 5, get_byte(sealed_dek, 5) # 1)"
    sql(f"UPDATE batch_key SET sealed_dek = {flipped} WHERE batch_no = (SELECT min(no) FROM batch)")

    vault.resume()

    assert sql("SELECT state FROM batch ORDER BY no") == [("importing",), ("selling",), ("selling",)]
