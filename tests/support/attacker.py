"""What someone tries who runs code inside a confined process: `python -m tests.support.attacker NAME`.

Started by the supervisor in the place of web or worker; becomes that process first (settings, keys, confinement), then
tries each thing that it must not be able to do, and writes what happened into its own log folder.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.config import Config
from ops import confinement
from ops.commands.process import prepared
from ops.processes import say_ready


def main(name: str) -> None:
    """Attack once, then wait for the end."""
    targets = json.loads(Path(os.environ["KEYSTALL_STORE__DATA_DIR"], "targets.json").read_text())
    config = prepared(name)
    found = {what: outcome(act) for what, act in attacks(config, targets).items()}
    unfinished = config.data_dir / "log" / f"attack-{name}.part"
    unfinished.write_text(json.dumps(found))
    unfinished.rename(config.data_dir / "log" / f"attack-{name}.json")
    say_ready()
    while True:
        time.sleep(60)


def outcome(act: Callable[[], object]) -> str:
    """`done`, or the kind of error that stopped it."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - whatever stopped it is the result
        return type(error).__name__
    return "done"


def attacks(config: Config, targets: dict[str, int]) -> dict[str, Callable[[], object]]:
    """Each attack by name; the last ones must work, or the others prove nothing."""
    data, victim = config.data_dir, targets["victim"]
    return {
        "read the vault key": (data / "keys" / "vault.key").read_bytes,
        "read another role's password": (data / "keys" / "keystall_vault.password").read_bytes,
        "read a key by another path": Path(f"/proc/self/root{data}/keys/vault.key").read_bytes,
        "read the cluster": (data / "postgres" / "PG_VERSION").read_bytes,
        "read the vault's log of openings": (data / "vault" / "secret").read_bytes,
        "truncate the vault key": lambda: os.truncate(data / "keys" / "vault.key", 0),
        "replace the vault key": lambda: os.rename(data / "log" / "supervisor.log", data / "keys" / "vault.key"),
        "remove the vault key": (data / "keys" / "vault.key").unlink,
        "link the vault key": lambda: os.link(data / "keys" / "vault.key", data / "log" / "copy"),
        "read another process's environment": Path(f"/proc/{victim}/environ").read_bytes,
        "read another process's memory": lambda: open(f"/proc/{victim}/mem", "rb"),
        "read another process's files": lambda: os.open(f"/proc/{victim}/fd/0", os.O_RDONLY),
        "trace another process": lambda: traced(victim),
        "kill another process": lambda: os.kill(victim, 0),
        "write code of the store": lambda: Path(confinement.__file__).open("ab").close(),
        "enter as another role": lambda: psycopg.connect(config.database.roles.vault or "host=/nonexistent"),
        "open its own key": lambda: config.secret(config.secrets.session_key or config.secrets.act_key),
        "write its own log": lambda: (data / "log" / "mine").write_text("here"),
        "import what was not imported yet": lambda: __import__("wave"),
    }


def traced(victim: int) -> None:
    """PTRACE_ATTACH to a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, victim, None, None) < 0:
        raise PermissionError(ctypes.get_errno(), "ptrace")


if __name__ == "__main__":
    main(sys.argv[-1])
