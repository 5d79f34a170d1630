"""Logs: what may not stand in them does not, whatever it is called and however deep it lies."""

import errno
import io
import json
import logging
import stat
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
import structlog

from core.secret import Secret
from ops import logs

CANARY = "CANARY-7f3a"


class FullDisk(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def log_dir(tmp_path: Path) -> Iterator[Path]:
    level = logging.getLogger().level
    yield tmp_path / "log"
    logs.tear_down()
    logging.getLogger().setLevel(level)


def test_secrets_are_masked_by_name_type_and_depth(log_dir: Path) -> None:
    logs.set_up("web", log_dir, console=False)

    structlog.get_logger().info(
        "seen",
        password=CANARY,
        api_token=CANARY,
        url=f"https://{CANARY}",
        card=Secret(CANARY),
        raw=CANARY.encode(),
        nested={"secret": CANARY, "list": [{"authorization": CANARY}, Secret(CANARY)]},
        text=f"postgresql://shop:{CANARY}@host/db",
        order="ord_abc",
        count=3,
    )

    text = (log_dir / "web.log").read_text("utf-8")
    line = json.loads(text)
    assert CANARY not in text
    assert (line["order"], line["count"], line["event"], line["process"]) == ("ord_abc", 3, "seen", "web")
    assert line["text"] == "postgresql://shop:****@host/db"


def test_an_exception_leaves_its_type_place_and_an_id_but_not_its_text(log_dir: Path) -> None:
    logs.set_up("worker", log_dir, console=False)

    try:
        raise ValueError(f"cannot read {CANARY}")
    except ValueError:
        structlog.get_logger().exception("work failed", order="ord_abc")

    text = (log_dir / "worker.log").read_text("utf-8")
    line = json.loads(text)
    assert CANARY not in text
    assert line["error"] == "ValueError"
    assert line["error_id"].startswith("err_")
    assert line["at"][-1].endswith("test_an_exception_leaves_its_type_place_and_an_id_but_not_its_text")


def test_records_of_libraries_are_masked_too(log_dir: Path) -> None:
    logs.set_up("web", log_dir, console=False)

    logging.getLogger("some.library").warning("calling", extra={"token": CANARY, "address": f"redis://x:{CANARY}@h"})

    text = (log_dir / "web.log").read_text("utf-8")
    assert CANARY not in text
    assert json.loads(text)["event"] == "calling"


def test_the_file_is_closed_to_other_users(log_dir: Path) -> None:
    logs.set_up("web", log_dir, console=False)

    assert stat.S_IMODE((log_dir / "web.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(log_dir.stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_stops_nothing(log_dir: Path) -> None:
    """Fault 14, the part of it that logs are."""
    logs.set_up("web", log_dir, console=False)
    (handler,) = (one for one in logging.getLogger().handlers if isinstance(one, RotatingFileHandler))
    kept, handler.stream = handler.stream, FullDisk()

    structlog.get_logger().info("lost")

    handler.stream = kept
    structlog.get_logger().info("there is room again")
    assert json.loads((log_dir / "web.log").read_text("utf-8"))["event"] == "there is room again"


def test_the_console_gets_short_lines_and_only_of_trouble(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("web", log_dir)

    structlog.get_logger().info("all is well")
    structlog.get_logger().warning("the vault is slow", error_id="err_abc", seconds=3)

    assert capsys.readouterr().err == "web: the vault is slow (err_abc)\n"
