"""What each test with a server and a client would pay anew, a third of a second, and what would prove nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, ModuleType

import argon2
import httpx
import jinja2
import pytest
import uvicorn.server
from jinja2.bccache import Bucket, BytecodeCache

from core.stock import marks


@dataclass
class Compiled(BytecodeCache):
    """The templates of the pages as they were compiled first; a changed one is compiled again."""

    kept: dict[str, tuple[str, CodeType]] = field(default_factory=dict)

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept of a template's source."""
        checksum, code = self.kept.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        if bucket.code is not None:
            self.kept[bucket.key] = (bucket.checksum, bucket.code)


_DEAR = argon2.PasswordHasher.__init__


def cheap(hasher: argon2.PasswordHasher) -> None:
    """A hasher as the store makes it, for 8 kB and one round."""
    _DEAR(hasher, time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def quickly() -> Iterator[None]:
    """For a whole run.

    Passwords are hashed with the least that argon2 takes: what a login costs a guesser is no matter of these tests.
    uvicorn looks a hundred times a second whether it is to end, and not ten times; templates are compiled and the list
    of all authorities is read once, and not for each web process and each client. Marks wait longer than 2 s for open
    transactions: those of all other tests are on the same server.
    """
    hurried, compiled = ModuleType("asyncio"), Compiled()
    vars(hurried).update(vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(min(seconds, 0.01))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", hurried)
        patch.setattr(marks, "PATIENCE", 30.0)
        patch.setattr(httpx._transports.default, "create_ssl_context", cache(httpx._config.create_ssl_context))
        patch.setattr(argon2.PasswordHasher, "__init__", cheap)
        kept = property(lambda _: compiled, lambda *_: None)
        patch.setattr(jinja2.Environment, "bytecode_cache", kept, raising=False)
        yield
