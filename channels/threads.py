"""The one way from an event loop to a use case: a thread of a bounded pool, its connection given back, one more try."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

import peewee

from core import db

Params = ParamSpec("Params")
Result = TypeVar("Result")

RECONNECTS = 2  # before a database that does not answer is an error


async def in_thread(
    threads: Executor, use_case: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Call a synchronous use case in a thread of the pool; its connection goes back to the pool of connections after.

    Connections that a restarted database has left behind are replaced and the call is made again: every use case
    behind a door of ours has one effect however often it is called.
    """
    context = contextvars.copy_context()

    def call() -> Result:
        for _ in range(RECONNECTS):
            try:
                with db.connection():
                    return use_case(*args, **kwargs)
            except (peewee.OperationalError, peewee.InterfaceError) as error:
                if db.sqlstate(error) not in {None, *db.GONE}:
                    raise
                db.db.close_idle()
        with db.connection():
            return use_case(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(call))
