"""What someone tries who runs code inside web, bot or worker: `python -m tests.attacks.inside NAME`.

Started by the supervisor in the place of that process; becomes it first (settings, keys, its user or confinement), then
tries each thing that it must not be able to do, and sends what happened through a pipe that was opened before.
"""

import contextlib
import ctypes
import json
import logging
import logging.handlers
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.config import Config, ConfigError
from core.secret import Secret
from core.vault.callers import ANYONE_MAY_ASK, OPERATIONS, Caller, Credential
from core.vault.client import VaultClient, VaultCode, VaultRefused
from ops.commands.process import prepared
from ops.isolation import confinement
from ops.processes.supervisor import say_ready


def main(name: str) -> None:
    """Attack once, then wait for the end."""
    data = Path(os.environ["KEYSTALL_STORE__DATA_DIR"])
    targets = json.loads((data / "targets.json").read_text())
    with (data / f"attack-{name}.json").open("w") as report:
        config = prepared(name)
        json.dump({what: outcome(act) for what, act in attacks(name, config, targets).items()}, report)
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


def attacks(name: str, config: Config, targets: dict[str, int]) -> dict[str, Callable[[], object]]:
    """Each attack by name; the last ones must work, or the others prove nothing."""
    data, victim, vault = config.data_dir, targets["victim"], targets["vault"]
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
        "read the vault's environment": Path(f"/proc/{vault}/environ").read_bytes,
        "read the vault's memory": lambda: read_memory(vault),
        "read the vault's open files": lambda: os.readlink(f"/proc/{vault}/fd/0"),
        "take the vault's descriptors": lambda: taken_descriptor(vault),
        "trace the vault": lambda: traced(vault),
        "kill the vault": lambda: os.kill(vault, 0),
        "have the powers of root": powers_of_root,
        "be the vault's user": lambda: be_the_user_of(vault),
        "mount the cluster elsewhere": lambda: mounted(data / "postgres", data / "log"),
        "write code of the store": lambda: Path(confinement.__file__).open("ab").close(),
        "enter the database as another role": lambda: entered(own_url(config)),
        "become another role in the database": lambda: asked(own_url(config), "SET ROLE keystall_vault"),
        "read sealed cards by SQL": lambda: asked(own_url(config), "SELECT sealed FROM card_seal LIMIT 1"),
        "read sealed keys by SQL": lambda: asked(own_url(config), "SELECT * FROM batch_key LIMIT 1"),
        "read files through the database": lambda: asked(own_url(config), "SELECT pg_read_file('PG_VERSION')"),
        "run a program through the database": lambda: asked(own_url(config), "COPY audit_entry FROM PROGRAM 'id'"),
        "rewrite the audit by SQL": lambda: asked(own_url(config), "UPDATE audit_entry SET action = 'x'"),
        "open its own key": lambda: config.secret(config.secrets.session_key or config.secrets.act_key),
        **{f"ask the vault to {operation}": asking(config, operation) for operation in REQUESTS},
        "ask the vault how it is": VaultClient(config.vault_socket).status,
        "write its own log": turned_over,
        "read its own database": lambda: asked(own_url(config), "SELECT count(*) FROM listing"),
        "import what was not imported yet": lambda: __import__("wave"),
    }


REQUESTS: dict[str, dict[str, str]] = {operation: {} for operation in sorted(OPERATIONS - ANYONE_MAY_ASK)} | {
    "open": {"delivery": str(uuid.uuid4())},
    "import": {"upload": str(uuid.uuid4()), "sku": "A1"},
    "pickup": {"wish": str(uuid.uuid4())},
    "restock": {"restock": str(uuid.uuid4())},
    "trace": {"secret": "QUJD"},
    "audit": {"act": "standing"},
}
"""Every operation that the vault has: who may not ask is refused before what was asked is looked at."""


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
    """PTRACE_SEIZE, which lets the process run on."""
    checked(ctypes.CDLL(None, use_errno=True).ptrace(0x4206, victim, None, None), "ptrace")


def read_memory(victim: int) -> None:
    """The first page of a process's own data, by /proc or by process_vm_readv."""
    with open(f"/proc/{victim}/maps", encoding="ascii") as maps:
        start = int(next(line for line in maps if " rw-p " in line).split("-")[0], 16)
    with open(f"/proc/{victim}/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        memory.read(4096)


def taken_descriptor(victim: int) -> None:
    """pidfd_getfd: a copy of an open file of another process."""
    pidfd = os.pidfd_open(victim)
    checked(ctypes.CDLL(None, use_errno=True).syscall(438, pidfd, 3, 0), "pidfd_getfd")


def be_the_user_of(victim: int) -> None:
    """Its user id, whatever that is; being root is tried by itself."""
    uid = os.stat(f"/proc/{victim}").st_uid
    if uid == os.getuid():
        raise PermissionError(1, "the same user: other attacks tell what that is worth")
    os.setresuid(uid, uid, uid)


def powers_of_root() -> None:
    """To read what is closed, or to trace: whatever its user id is."""
    with contextlib.suppress(PermissionError):
        os.setuid(0)
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    if not effective & (1 << 2 | 1 << 19 | 1 << 21):  # DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN
        raise PermissionError(1, "no such power")


def turned_over() -> None:
    """Write to the log and begin a new file, as the process does at 20 MB."""
    logging.getLogger().warning("here")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.handlers.RotatingFileHandler):
            handler.doRollover()
            return
    raise FileNotFoundError("no log")


def mounted(what: Path, where: Path) -> None:
    """A bind mount, which leads around the rules of paths."""
    libc = ctypes.CDLL(None, use_errno=True)
    checked(libc.unshare(0x00020000), "unshare")
    checked(libc.mount(os.fsencode(what), os.fsencode(where), None, 4096, None), "mount")


def checked(result: int, what: str) -> None:
    """Raise where the kernel said no."""
    if result < 0:
        raise PermissionError(ctypes.get_errno(), what)


def own_url(config: Config) -> str:
    """The address of the process's own role."""
    return config.database.roles.shop or config.database.roles.worker or config.database.roles.vault


def asked(url: str, statement: str) -> None:
    """One statement as the process's own role."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def entered(url: str) -> None:
    """A session as any other role, with every password at hand, or none."""
    own = conninfo_to_dict(url)
    roles = ("keystall_vault", "keystall_owner", "keystall_worker", "keystall_panel", "postgres")
    for role in roles:
        for password in (own["password"], "", role):
            with contextlib.suppress(psycopg.OperationalError):
                if role != own["user"]:
                    psycopg.connect(make_conninfo(url, user=role, password=password)).close()
                    return
    raise PermissionError(1, "the database lets nobody in")


if __name__ == "__main__":
    main(sys.argv[-1])
