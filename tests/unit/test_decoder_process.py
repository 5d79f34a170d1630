"""The decoder's process: little memory and time, no files, no environment; whatever it meets, its caller lives on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.custody.imports import decoding
from core.custody.imports.decoding import DecodedFile
from core.workbooks.problems import FileProblem, FileRefused
from tests.house.tree import ROOT

LIMITED = """
import json, os, resource, socket, sys
from core.custody.imports.decoder.confine import confine
confine()
def tried(act):
    try:
        act()
    except BaseException as error:
        return type(error).__name__
    return "done"
print(json.dumps({
    "memory": tried(lambda: bytearray(2 * 1024**3)),
    "read": tried(lambda: open("/etc/passwd").read()),
    "write": tried(lambda: open("/tmp/ks-decoder-leak", "w").write("x")),
    "seconds": resource.getrlimit(resource.RLIMIT_CPU)[0],
    "environment": sorted(os.environ),
}))
"""


@pytest.fixture(autouse=True, params=["started", "forked"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the store starts it, and as most tests do (tests/support/decoders.py)."""
    if request.param == "started":
        monkeypatch.setattr(decoding, "subprocess", subprocess)
    assert (decoding.subprocess is subprocess) is (request.param == "started")


class Bytes:
    """A file that is all there."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.size = len(raw)

    def piece(self, offset: int, length: int) -> bytes:
        return self._raw[offset : offset + length]


def decoded(raw: bytes, extension: str = "txt", column: str | None = None) -> list[str]:
    with DecodedFile(Bytes(raw), extension=extension, column=column) as file:
        return [row.fields["secret"] for row in file.rows()]


def test_rows_come_through_the_pipe_in_the_files_order() -> None:
    secrets = [f"SECRET-{number}-钥" for number in range(3000)]

    assert decoded("\n".join(secrets).encode()) == secrets


def test_inv_k1_a_row_shows_no_secret_when_it_is_printed() -> None:
    with DecodedFile(Bytes(b"VERY-SECRET-1\n"), extension="txt", column=None) as file:
        (row,) = file.rows()

    assert row.fields["secret"] == "VERY-SECRET-1"
    assert "SECRET" not in repr(row) + str(row)


def test_a_column_is_handed_over_and_the_columns_found_come_back() -> None:
    with DecodedFile(Bytes(b"one,two\nA1,B1\n"), extension="csv", column="two") as file:
        assert file.columns == {"secret": "two"}
        assert [row.fields for row in file.rows()] == [{"secret": "B1"}]


def test_a_refusal_comes_through_with_its_names() -> None:
    with pytest.raises(FileRefused) as refused:
        decoded("卡号,备注\n1,2\n".encode(), "csv")

    assert refused.value.problem is FileProblem.SECRET_COLUMN_MISSING
    assert refused.value.params == {"columns": "卡号, 备注"}


def test_fault_15_the_process_is_short_of_memory_files_and_environment() -> None:
    ran = subprocess.run([sys.executable, "-S", "-c", LIMITED], cwd=ROOT, env={}, capture_output=True, check=True)

    found = json.loads(ran.stdout)
    assert found["memory"] == "MemoryError"
    assert found["read"] == found["write"] == "PermissionError"
    assert found["seconds"] == 120
    assert set(found["environment"]) <= {"LC_CTYPE"}  # Python sets it for itself


def test_fault_15_a_decoder_that_is_killed_refuses_the_file_and_leaves_its_caller_alive() -> None:
    file = DecodedFile(Bytes(b"A1\n" * 200_000), extension="txt", column=None)
    rows = file.rows()
    next(rows)
    file._process.kill()

    with pytest.raises(FileRefused) as refused:
        list(rows)
    file.close()
    assert refused.value.problem is FileProblem.TOO_LARGE


def test_a_decoder_that_does_not_answer_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "SECONDS", 0.0)

    with pytest.raises(FileRefused) as refused:
        decoded(b"A1\n")
    assert refused.value.problem is FileProblem.TOO_LARGE


def test_an_error_while_the_file_is_read_ends_the_decoder_and_passes_through() -> None:
    class Broken(Bytes):
        def piece(self, offset: int, length: int) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        DecodedFile(Broken(b"A1\n"), extension="txt", column=None)
