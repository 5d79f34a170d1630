"""A store's folder with a vault that runs, a process to go for, and attackers in the place of its processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from core.config import Config
from core.vault.callers import MAY_ASK, Caller
from ops.isolation import accounts
from ops.isolation.accounts import Split
from ops.keys import make_missing
from ops.processes.supervisor import Supervisor
from tests.support.open_places import open_python

Found = dict[str, str]
"""What was tried -> `done`, or the kind of error that stopped it."""

HARMLESS = {
    "open its own key",
    "write its own log",
    "read its own database",
    "import what was not imported yet",
    "ask the vault how it is",
}
MAY_ALSO = {"worker": {f"ask the vault to {what}" for what in MAY_ASK[Caller.WORKER]}}


@dataclass(frozen=True)
class Siege:
    """`split` is how the processes are kept apart; `python` runs Python where that has users of their own."""

    config: Config
    split: Split
    python: Sequence[str]

    def attacked(self, *names: str) -> dict[str, Found]:
        """What an attacker inside each of these processes reached."""
        supervisor = Supervisor(self.config, names, program=(*self.python, "-m", "tests.attacks.inside"))
        try:
            supervisor.start()
        finally:
            supervisor.stop()
        folder = self.config.data_dir
        return {name: json.loads((folder / f"attack-{name}.json").read_text()) for name in names}


@contextmanager
def siege(config: Config, split: Split) -> Iterator[Siege]:
    """Sets up the folder of `config`, whose database is marked, and its vault; ends what it started."""
    with ExitStack() as stack:
        before = accounts.split_of
        accounts.split_of = lambda config: split
        stack.callback(setattr, accounts, "split_of", before)
        python = stack.enter_context(open_python()) if split is Split.USERS else [sys.executable]
        make_missing(config)
        if split is Split.USERS:
            sockets = Path(str(conninfo_to_dict(config.database.roles.vault)["host"]))
            accounts.share_sockets(sockets, config)
            stack.callback(sockets.chmod, 0o700)
        data = config.data_dir
        lies_there = (("postgres", "PG_VERSION"), ("vault", "secret"), ("log", "supervisor.log"))
        for folder, file in (*lies_there, ("keys", "keystall_vault.password")):
            (data / folder).mkdir(exist_ok=True)
            if not (data / folder / file).exists():
                (data / folder / file).write_text("18")
        (data / "postgres").chmod(0o700)
        program = (*python[:-1], python[-1], "run.py", "process") if split is Split.USERS else None
        vault = Supervisor(config, ("vault",), **({"program": program} if program else {}))
        stack.callback(vault.stop)
        vault.start()
        victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], env={"SECRET": "canary"})
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        targets = {"victim": victim.pid, "vault": vault.children[0].process.pid}
        (data / "targets.json").write_text(json.dumps(targets))
        yield Siege(config, split, python)


def reached(name: str, found: Found) -> set[str]:
    """What an attacker inside this process could do that it must not."""
    return {what for what, result in found.items() if result == "done"} - HARMLESS - MAY_ALSO.get(name, set())
