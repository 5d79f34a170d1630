"""Cards that nobody may ever see but their buyer go through a whole store, while somebody looks everywhere for them.

Looked at: the log of each process and of the engines, the data folder with the cluster and its write-ahead log, a dump
of the database (messages, queue, inbox, idempotency rows and all else), the cache, temporary files, what commands said;
through /proc, all along: every open file of every process; and at the end the memory of each process.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from ops.engines.postgres import SUPERUSER, PostgresServer, binaries
from ops.engines.roles import DATABASE
from ops.engines.valkey import ValkeyServer
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

LARGEST = 64 << 20  # of an open file or a piece of memory, what is looked at


@dataclass(frozen=True)
class Canaries:
    """Secrets of one mark: `count` of them, each found by what follows the mark."""

    count: int
    mark: str = field(default_factory=lambda: f"CNRY{secrets.token_hex(6).upper()}")

    @property
    def secrets(self) -> list[str]:
        """All of them."""
        return [f"{self.mark}-{number:08X}" for number in range(self.count)]

    def seen_in(self, content: bytes) -> set[str]:
        """Those that stand in these bytes, plain or as UTF-16; and the mark itself in any other form of it."""
        text = re.compile(self.mark.encode() + rb"-([0-9A-F]{8})")
        wide = re.compile(re.escape(self.mark.encode("utf-16-le")) + rb"-\x00((?:[0-9A-F]\x00){8})")
        found = {f"{self.mark}-{one.decode()}" for one in text.findall(content)}
        found |= {f"{self.mark}-{one.decode('utf-16-le')}" for one in wide.findall(content)}
        return found | {f"({self.mark} in another form)" for form in forms(self.mark) if form in content and not found}


@dataclass
class Hunt:
    """Place -> the canaries that were found there; `read` is what the buyer got, `looked_at` the size of each place."""

    canaries: Canaries
    found: dict[str, set[str]] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    imported: str = ""

    def look(self, place: str, content: bytes) -> None:
        """Look for them in these bytes."""
        self.found.setdefault(place, set()).update(self.canaries.seen_in(content))
        self.looked_at[place] = self.looked_at.get(place, 0) + len(content)

    @property
    def seen(self) -> dict[str, set[str]]:
        """The places where one was found that must not be there: the vault seals them, web tells them to the buyer."""
        allowed = {"memory of web": self.read, "memory of vault": set(self.canaries.secrets)}
        left = {place: found - allowed.get(place, set()) for place, found in self.found.items()}
        return {place: found for place, found in left.items() if found}


def hunted(store: WholeStore, buyer: Chatter, *, count: int, bought: int) -> Hunt:
    """Import `count` canaries into a running demo, sell `bought` of them, and look everywhere."""
    began, hunt = time.time(), Hunt(Canaries(count))
    soon = datetime.now(UTC).date() + timedelta(days=30)  # what ends first is sold first
    with tempfile.TemporaryDirectory() as outside, watched(store, hunt):
        file = Path(outside, "canaries.csv")
        file.write_text("卡密,有效期\n" + "".join(f"{one},{soon}\n" for one in hunt.canaries.secrets))
        imported = store.run("import", str(file), "--batch-of", "A2")
        hunt.imported = imported.stdout + imported.stderr
        while len(hunt.read) < bought:
            hunt.read |= {card["secret"] for card in buyer.buy("A2", min(20, bought - len(hunt.read)))}
    server = PostgresServer(store.folder)
    dump = subprocess.run([binaries() / "pg_dump", server.url(SUPERUSER, DATABASE)], capture_output=True, check=True)
    hunt.look("database dump", dump.stdout)
    with redis.Redis.from_url(ValkeyServer(store.folder).url) as client:
        hunt.look("cache", b"\n".join(key + b" " + (client.dump(key) or b"") for key in client.scan_iter()))
    hunt.look("data folder, logs, write-ahead log", contents(store.folder))
    hunt.look("temporary files", contents(Path(tempfile.gettempdir()), since=began))
    hunt.look("what was said", "\n".join([hunt.imported, *store.said]).encode())
    for pid, name in processes(store):
        hunt.look(f"memory of {name}", memory(pid))
    return hunt


@contextlib.contextmanager
def watched(store: WholeStore, hunt: Hunt) -> Iterator[None]:
    """All along the block: every file that a process of the store has open, those that have no name any more too."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.25):
            for pid, name in processes(store):
                for content in open_files(pid, store.folder / "postgres"):
                    hunt.look(f"open files of {name}", content)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def processes(store: WholeStore) -> list[tuple[int, str]]:
    """The store's processes and whatever they started, engines and decoders included, with a name for each kind."""
    if store.process is None:
        return []
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    family, grown = {store.process.pid}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family, grown = family | more, bool(more)
    return [(pid, _name(pid, store)) for pid in sorted(family)]


def _name(pid: int, store: WholeStore) -> str:
    if store.process is not None and pid == store.process.pid:
        return "the supervisor"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "what has ended"
    if b"process" in words:
        return words[words.index(b"process") + 1].decode()
    names = {b"postgres": "PostgreSQL", b"valkey": "Valkey", b"decoder": "the decoder"}
    return next((name for word, name in names.items() if word in b" ".join(words)), "a helper")


def open_files(pid: int, cluster: Path) -> Iterator[bytes]:
    """The content of each regular file that a process has open, but for the cluster's, which is looked at later."""
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                where = os.readlink(entry)
                if entry.is_file() and not where.startswith(str(cluster)):
                    with entry.open("rb") as file:
                        yield file.read(LARGEST)


def memory(pid: int) -> bytes:
    """Everything that a process can write to: heap, stacks, and anonymous memory."""
    found = []
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
            for line in (line for line in lines if " rw" in line[:40] and "/dev/" not in line):
                start, end = (int(one, 16) for one in line.split()[0].split("-"))
                with contextlib.suppress(OSError, OverflowError, ValueError):
                    file.seek(start)
                    found.append(file.read(min(end - start, LARGEST)))
    return b"\n".join(found)


def forms(secret: str) -> list[bytes]:
    """How the beginning of a secret could stand in a file: plain, in hexadecimal, in base64 at any alignment."""
    plain = secret.encode()
    shifted = [base64.b64encode(b"x" * pad + plain + b"x" * (-(pad + len(plain)) % 3)) for pad in range(3)]
    return [plain, plain.hex().encode(), *(text[4:-4] for text in shifted)]


def contents(folder: Path, since: float = 0.0) -> bytes:
    """All bytes of all files below a folder that were written since."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            try:
                if path.is_file() and path.stat().st_mtime >= since:
                    found.append(path.read_bytes())
            except OSError:
                continue
    return b"\n".join(found)
