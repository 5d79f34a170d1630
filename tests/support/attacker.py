"""What someone tries who runs code inside a confined process: `python -m tests.support.attacker NAME`.

Started by the supervisor in the place of web or worker; becomes that process first (settings, keys, confinement), then
tries each thing that it must not be able to do, and writes what happened into its own log folder.
"""

import contextlib
import ctypes
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from core.config import Config, ConfigError
from core.secret import Secret
from core.vault.callers import Caller, Credential
from core.vault.client import VaultClient, VaultCode, VaultRefused
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
        **{f"ask the vault to {operation}": asking(config, operation) for operation in REQUESTS},
        "ask the vault how it is": VaultClient(config.vault_socket).status,
        "write its own log": lambda: (data / "log" / "mine").write_text("here"),
        "import what was not imported yet": lambda: __import__("wave"),
    }


REQUESTS: dict[str, dict[str, str]] = {
    "open": {"delivery": str(uuid.uuid4())},
    "import": {"upload": str(uuid.uuid4()), "sku": "A1"},
    "pickup": {"wish": str(uuid.uuid4())},
    "restock": {"restock": str(uuid.uuid4())},
    "trace": {"secret": "QUJD"},
    "keys": {},
}


def asking(config: Config, operation: str) -> Callable[[], None]:
    """Ask the vault as each caller with each key that can be had, and as nobody; done once one is let in."""

    def ask() -> None:
        credentials = [Credential(caller, key) for caller in Caller for key in keys_at_hand(config)]
        for credential in (None, *credentials):
            try:
                VaultClient(config.vault_socket, credential=credential)._ask({"op": operation} | REQUESTS[operation])
            except VaultRefused as refused:
                if refused.vault_code is VaultCode.NOT_ALLOWED:
                    continue
            return
        raise PermissionError(1, "the vault refuses to be asked")

    return ask


def keys_at_hand(config: Config) -> Iterator[Secret]:
    """The process's own keys, the key files that can be read, and a guess."""
    for section in (config.vault, config.secrets):
        for name, reference in vars(section).items():
            for place in (reference, f"file:{config.data_dir}/keys/{name.removesuffix('_key')}.key"):
                if name.endswith("_key"):
                    with contextlib.suppress(ConfigError):
                        yield config.secret(place)
    yield Secret(b"a guess of 16 bytes")


def traced(victim: int) -> None:
    """PTRACE_ATTACH to a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, victim, None, None) < 0:
        raise PermissionError(ctypes.get_errno(), "ptrace")


if __name__ == "__main__":
    main(sys.argv[-1])
