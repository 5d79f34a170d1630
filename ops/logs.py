"""Logs of the processes: JSON lines in data_dir/log for machines, short lines on the console for people.

Nothing secret may stand in them: a Secret shows its mask by itself, a field whose name speaks of a secret is masked.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from core.errors import error_id
from core.secret import Secret

MASK = "****"
_SECRET_NAMES = re.compile(
    r"secret|password|passwd|token|authorization|cookie|private|credential|signature|body|plaintext|pin$|"
    r"(^|_)key$|(^|_)url$|dsn|卡密|密码",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(?P<before>[a-z]+://[^\s:/@]*:)[^\s@/]+@")
_LONGEST_FILE = 20 * 1024 * 1024
_KEPT_FILES = 5

Event = MutableMapping[str, Any]


def set_up(process: str, log_dir: Path, *, console: bool = True) -> None:
    """Log to `<log_dir>/<process>.log` (0600, turned over at 20 MB, five kept) and briefly to standard error."""
    log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
        errors_by_id,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.addHandler(_file_handler(log_dir / f"{process}.log", shared))
    if console:
        root.addHandler(_console_handler(shared))
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "peewee", "huey.consumer", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for talkative in ("urllib3", "apprise"):  # their warnings quote addresses with what stands in them
        logging.getLogger(talkative).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def kept(process: str, log_dir: Path) -> Iterator[None]:
    """`set_up`, and `tear_down` at the end of the block."""
    set_up(process, log_dir)
    try:
        yield
    finally:
        tear_down()


def tear_down() -> None:
    """Close what `set_up` opened; the next line would go nowhere."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _PrivateFile | _Console)]:
        root.removeHandler(handler)
        handler.close()
    structlog.reset_defaults()


def mask_secrets(logger: object, method: str, event: Event) -> Event:
    """Mask fields by name, Secrets and bytes by type, and passwords inside addresses, at any depth."""
    for name, value in event.items():
        event[name] = _masked(name, value)
    return event


def errors_by_id(logger: object, method: str, event: Event) -> Event:
    """Give an event with an exception an error id, and keep of the exception its type and place only.

    The texts of exceptions may quote what people sent; tracebacks carry no values, so they stay.
    """
    event.pop("color_message", None)  # uvicorn's
    info = event.pop("exc_info", None)
    if info:
        found = info if isinstance(info, tuple) else sys.exc_info()
        if isinstance(info, BaseException):
            found = (type(info), info, info.__traceback__)
        if found[1] is not None:
            event.setdefault("error_id", error_id())
            event["error"] = _class_name(cast("BaseException", found[1]))
            event["at"] = _places(cast("BaseException", found[1]))
    return event


def _class_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _places(error: BaseException) -> list[str]:
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Secret | bytes | bytearray | memoryview):
        return MASK
    if _SECRET_NAMES.search(name) and name != "event" and isinstance(value, str | list | dict | tuple):
        return MASK
    if isinstance(value, dict):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", inner) for inner in value]
    if isinstance(value, str):
        return _PASSWORD_IN_URL.sub(rf"\g<before>{MASK}@", value)
    return value


def _named(process: str) -> Any:
    def add(logger: object, method: str, event: Event) -> Event:
        event["process"] = process
        event["pid"] = os.getpid()
        return event

    return add


def _file_handler(path: Path, shared: list[Any]) -> logging.Handler:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    handler = _PrivateFile(path, maxBytes=_LONGEST_FILE, backupCount=_KEPT_FILES, encoding="utf-8")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    return handler


def _console_handler(shared: list[Any]) -> logging.Handler:
    handler = _Console(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _short],
        )
    )
    return handler


def _short(logger: object, method: str, event: Event) -> str:
    """`web: cannot reach the vault (err_…)`."""
    ids = f" ({event['error_id']})" if "error_id" in event else ""
    return f"{event['process']}: {event['event']}{ids}"


class _Console(logging.StreamHandler[TextIO]):
    """Standard error, for people."""


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner reads; a full disk never stops the process (fault 14)."""

    def _open(self) -> Any:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(handle, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """Drop the line: the sale goes on without it."""
