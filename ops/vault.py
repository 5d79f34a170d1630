"""The vault process: serves its socket until it is told to stop. It has no HTTP, no queue, no other way in."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from core.config import Config
from core.custody.server import serve
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher, place_from_environment
from ops.vault_wiring import key_source


def main(config: Config, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `config` holds the vault's own address and keys."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    publisher = Publisher("vault", figures_of_this_process(), place=place_from_environment())

    def serving() -> None:
        publisher.start()
        ready()

    try:
        serve(config, key_source(config), ready=serving, stop=stop)
    finally:
        publisher.stop()
