"""How the vault's split is enforced here: a user of its own for each process, or Landlock, or not at all (decision 21).

Started as root, and where other users may read the checkout and its Python, each process gets a user id of its own,
from a range that systems leave alone, taken by no account and by no other store. The kernel then keeps their files,
memories, environments and signals apart. The sockets that several of them need belong to one group of the store.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import signal
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from core.config import Config, ConfigError
from ops.isolation.confinement import NOT_ENFORCED, landlock_version

ACCOUNT = "KEYSTALL_ACCOUNT"  # the ids of a process, as `uid:group`
PEERS = "KEYSTALL_PEERS"  # who the others are, for the vault: `web=60706,…`
NAMES = ("web", "bot", "worker", "vault")
OWN_KEYS = ("vault.private_key", "vault.public_key")
"""Files that the vault itself replaces when its key changes, so they belong to it."""

KEPT_BY_THE_VAULT = 0o1770
"""The mode of the keys' folder: the vault adds versions of its key, and the folder stays root's."""

_FIRST, _LAST = 60706, 61183  # between the ranges that systemd hands out, and that nobody else does
_SIZE = len(NAMES) + 1  # and the group
_CODE = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


class Split(StrEnum):
    """What keeps the processes of a store apart."""

    USERS = "users"  # each process has a user id of its own
    LANDLOCK = "landlock"  # one user; the kernel shuts web, bot and worker in
    NONE = "none"  # nothing does: a demo runs all the same, a real store does not


@dataclass(frozen=True, slots=True)
class Accounts:
    """The ids of one store: `first` and the next ones in the order of `NAMES`, then the group."""

    first: int

    def uid(self, name: str) -> int:
        """The user id of a process, which is also its group's."""
        return self.first + NAMES.index(name)

    @property
    def group(self) -> int:
        """Whoever may reach the sockets of the engines and of the vault."""
        return self.first + len(NAMES)

    @property
    def ids(self) -> range:
        """All of them."""
        return range(self.first, self.first + _SIZE)

    def environment(self, name: str) -> dict[str, str]:
        """What a process is told of them."""
        if name not in NAMES:
            return {}
        told = {ACCOUNT: f"{self.uid(name)}:{self.group}"}
        others = ",".join(f"{other}={self.uid(other)}" for other in NAMES if other != name)
        return told | ({PEERS: others} if name == "vault" else {})


def split_of(config: Config) -> Split:
    """What this machine can do for a store with these settings."""
    if os.geteuid() == 0 and why_not_users(config) is None:
        return Split.USERS
    return Split.LANDLOCK if landlock_version() else Split.NONE


def why_not_users(config: Config) -> str | None:
    """What keeps root from giving each process a user of its own, in a few words; None when nothing does."""
    for place in (_CODE / "run.py", Path(sys.executable), Path(os.__file__), Path(structlog.__file__)):
        if not _others_read(place):
            return f"other users cannot read {place}"
    if not all(_others_pass(folder) for folder in config.data_dir.parents):
        return f"other users cannot pass through the folders above {config.data_dir}"
    keys = (config.vault.private_key, config.vault.public_key)
    if not all(one.startswith("file:") and _lies_in(config, one) for one in keys):
        return "the vault's key is no file in the folder of the keys"
    return None if _ids_work() else "this system does not know the user ids"


def accounts_of(config: Config) -> Accounts | None:
    """The ids of this store where the split is by users; those that it had before, while its folder has them."""
    if split_of(config) is not Split.USERS:
        return None
    folder = config.data_dir / "vault"
    owner = folder.stat().st_uid if folder.exists() else 0
    place = NAMES.index("vault")
    if _FIRST <= owner - place <= _LAST - _SIZE + 1:
        return Accounts(owner - place)
    slots = (_LAST + 1 - _FIRST) // _SIZE
    wanted = int.from_bytes(hashlib.sha256(os.fsencode(config.data_dir.absolute())).digest()[:4], "big")
    for step in range(slots):
        found = Accounts(_FIRST + _SIZE * ((wanted + step) % slots))
        if not any(_is_taken(uid) for uid in found.ids):
            return found
    raise ConfigError(f"no user ids are free between {_FIRST} and {_LAST}: end another store, or its processes")


def settle(config: Config, accounts: Accounts) -> None:
    """Give each process what is its own in the store's folder, and open to the others only what they must pass.

    For root, before any process starts; may be repeated. Raises OSError.
    """
    data, group, vault = config.data_dir, accounts.group, accounts.uid("vault")
    for name, uid in ((name, accounts.uid(name)) for name in NAMES):
        _own_log(data / "log", name, uid)
    for folder in {data / "vault", config.vault_socket.parent}:
        _open_parents(folder, config)
        give(folder, vault, group, 0o710)
        for file in folder.iterdir():
            if not file.is_socket():
                give(file, vault, vault, 0o600)
    give(config.keys_dir, 0, vault, KEPT_BY_THE_VAULT)  # sticky: it adds versions of its own key, no more
    main = data / config.vault.private_key.removeprefix("file:")
    for key in (data / config.vault.public_key.removeprefix("file:"), main, *main.parent.glob(f"{main.name}.*")):
        if key.exists():
            give(key, vault, vault, 0o600)
    give(data / "log", 0, 0, 0o711)
    give(data, 0, 0, 0o711)


def _own_log(log: Path, name: str, uid: int) -> None:
    """A folder that only this process writes, and beside the others' logs a link to the log in it.

    Root writes logs of its own, so the folder of all of them stays root's: no process can lay a trap there.
    """
    own, link = log / name, log / f"{name}.log"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in log.glob(f"{name}.log*"):
        if not file.is_symlink():
            file.replace(own / file.name)
    for file in own.iterdir():
        give(file, uid, uid, 0o600)
    give(own, uid, uid, 0o700)
    if not link.is_symlink():
        link.symlink_to(Path(name) / link.name)


def give(path: Path, uid: int, group: int, mode: int) -> None:
    """Change owner, group and mode of a folder, a file or a socket; of nothing that a link leads to. Raises OSError."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if not (is_plain or stat.S_ISDIR(found.st_mode) or stat.S_ISSOCK(found.st_mode)):
            raise OSError(1, "it is a link, or has a second name: take it away", str(path))
        place = f"/proc/self/fd/{descriptor}"
        os.chown(place, uid, group)
        os.chmod(place, mode)
    finally:
        os.close(descriptor)


def share_sockets(folder: Path, config: Config) -> None:
    """Let the store's processes reach the sockets of the engines in this folder; nothing where they are one user."""
    accounts = accounts_of(config)
    if accounts is None:
        return
    _open_parents(folder, config)
    owner = folder.stat().st_uid
    for file in (file for file in folder.iterdir() if file.is_socket()):
        give(file, owner, accounts.group, 0o770)
    give(folder, owner, accounts.group, 0o750)


def take_own(environ: Mapping[str, str]) -> tuple[int, int] | None:
    """The user id and the store's group that the supervisor gave this process; None where it gave none."""
    text = environ.get(ACCOUNT, "")
    uid, _, group = text.partition(":")
    return (int(uid), int(group)) if text else None


def become(uid: int, group: int) -> None:
    """Be this user for good, with no power of root's left and none to come; still ended with the supervisor."""
    parent = os.getppid()
    os.setgroups([group])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else its own /proc/self, where its keys are, would be root's
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent or os.getuid() != uid:
        raise ConfigError("the supervisor ended, or the kernel did not change the user")


def peers_of(environ: Mapping[str, str]) -> dict[str, int]:
    """For the vault: the user id of each other process; nothing where they are one user."""
    pairs = (one.partition("=") for one in environ.get(PEERS, "").split(",") if one)
    return {name: int(uid) for name, _, uid in pairs}


def split_sentence(config: Config) -> tuple[str, bool]:
    """For `doctor`: what keeps the processes apart here, and whether that is a defect."""
    accounts = accounts_of(config)
    if accounts is not None:
        ids = ", ".join(f"{name} {accounts.uid(name)}" for name in NAMES)
        return f"the vault split is enforced by users of their own: {ids}", False
    if landlock_version():
        reason = why_not_users(config) if os.geteuid() == 0 else "not started as root"
        return f"the vault split is enforced by Landlock, ABI {landlock_version()} ({reason})", False
    return NOT_ENFORCED, True


def _others_read(place: Path) -> bool:
    real = place.resolve()
    return bool(real.stat().st_mode & stat.S_IROTH) and all(_others_pass(folder) for folder in real.parents)


def _others_pass(folder: Path) -> bool:
    return not folder.exists() or bool(folder.stat().st_mode & stat.S_IXOTH)


def _lies_in(config: Config, reference: str) -> bool:
    return (config.data_dir / reference.removeprefix("file:")).parent == config.keys_dir


def _ids_work() -> bool:
    """In a container some ids may not exist: then no file can be given to them."""
    with open("/proc/self/uid_map", encoding="ascii") as rows, open("/proc/self/gid_map", encoding="ascii") as groups:
        return all(
            any(int(start) <= _FIRST and int(start) + int(count) > _LAST for start, _, count in map(str.split, table))
            for table in (rows, groups)
        )


def _is_taken(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return any(_owner(entry) == uid for entry in os.scandir("/proc") if entry.name.isdigit())
    return True


def _owner(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_uid
    except OSError:
        return None


def _open_parents(folder: Path, config: Config) -> None:
    """Make a folder; where it lies outside the store's own, in the short folder, that can be passed through."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    above = folder.parent.stat()
    if folder.parent != config.data_dir and (above.st_uid, above.st_mode & 0o7777) == (0, 0o700):
        give(folder.parent, 0, 0, 0o711)
