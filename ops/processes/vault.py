"""The vault process: serves its socket until it is told to stop. It has no HTTP, no queue, no other way in."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from core.config import Config
from core.custody.keychain.keys import caller_keys
from core.custody.server import Peers, serve
from core.vault.callers import ANYONE_MAY_ASK, MAY_ASK, Caller
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher, place_from_environment
from ops.isolation.accounts import peers_of, take_own
from ops.processes.vault_wiring import FURTHER, key_source

STATUS_ONLY = frozenset({"status"})
MAY_CONNECT = {
    "web": ANYONE_MAY_ASK,
    "bot": STATUS_ONLY,
    "worker": STATUS_ONLY | MAY_ASK[Caller.WORKER],
}
"""What each process may ask where its user tells it from the others, whatever key it shows."""


def main(config: Config, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `config` holds the vault's own address and keys."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    own, others = take_own(os.environ), peers_of(os.environ)
    group = own[1] if own else None
    peers = Peers(caller_keys(config), {uid: MAY_CONNECT[name] for name, uid in others.items()}) if own else None
    publisher = Publisher("vault", figures_of_this_process(), place=place_from_environment())

    def serving() -> None:
        publisher.start()
        ready()

    try:
        source = key_source(config)
        serve(config, source, ready=serving, stop=stop, peers=peers, group=group, further=FURTHER)
    finally:
        publisher.stop()
