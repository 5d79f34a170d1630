"""The vault's socket: who may ask, what may be asked, and one thread per connection.

Other users of the machine may ask nothing. web has no key: it may ask for `status`, and whether a second factor's code
is right (few times). What another caller may ask is proved with each request, since the kernel does not tell our
processes apart.

Without usable keys it still answers `status` with the reason and refuses everything else, so that the store runs, sells
nothing and says why (fault 70).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from core import db
from core.clock import Clock, DatabaseClock
from core.config import Config
from core.custody import sql
from core.custody.desk import LOG_FAILED, Answer, Desk, Further, refusal
from core.custody.keychain.keys import VaultClosed, caller_keys, open_vault
from core.custody.keychain.versions import note_versions
from core.custody.restored.epochs import find_epoch, mark
from core.custody.rounds import Rounds
from core.ports import KeySource
from core.secret import Secret
from core.vault.callers import ANYONE_MAY_ASK, MAY_ASK, OPERATIONS, Caller, new_challenge, proved_caller
from core.vault.client import VaultCode
from core.vault.frames import LONGEST_REQUEST, BrokenFrame, read_frame, send_frame

MOST_CONNECTIONS = 64
POOL = 10
_IDLE_SECONDS = 60.0
_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}
_NO_DESCRIPTOR_SECONDS = 0.2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Peers:
    """Which operations each peer may ask: by its user on this machine, and by what it proves with a caller's key."""

    keys: Mapping[Caller, Secret]
    allowed: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def of(self, uid: int) -> frozenset[str]:
        """The operations of one user id; root and our own user may ask all that they prove."""
        return OPERATIONS if uid in (0, os.getuid()) else self.allowed.get(uid, frozenset())

    def may_ask(self, operation: str, request: Mapping[str, Any], *, uid: int, challenge: str) -> bool:
        """Whether this peer's user may ask it, and the request comes from a caller who may."""
        if operation not in self.of(uid):
            return False
        if operation in ANYONE_MAY_ASK:
            return True
        caller = proved_caller(self.keys, request, challenge)
        return caller is not None and operation in MAY_ASK[caller]


def serve(
    config: Config,
    source: KeySource,
    *,
    ready: Callable[[], None],
    stop: threading.Event,
    peers: Peers | None = None,
    group: int | None = None,
    clock: Clock | None = None,
    further: Sequence[Further] = (),
) -> None:
    """Serve `config.vault_socket` until `stop` is set; calls `ready` once it listens.

    Uses `config.database.roles.vault`, the pair of `source`, the keys of `config.vault` and the order-seal key;
    connects core.db for this process. `group` may connect where the peers are users of their own. Raises OSError when
    the socket's folder cannot be made, another vault listens there, or the disk does not keep the opening log: whoever
    started it starts it again.
    """
    db.connect(config.database.roles.vault, size=POOL)
    time = clock or DatabaseClock(db.database_now)
    desk = opened_desk(config, source, time, further)
    rounds = Rounds(desk.rounds(), clock=time)
    path, asking = config.vault_socket, peers or Peers(caller_keys(config))
    listener = _listen(path, group)
    busy = threading.BoundedSemaphore(MOST_CONNECTIONS)
    try:
        desk.resume_imports()
        rounds.start()
        ready()
        while not stop.is_set():
            if desk.is_spent:
                with db.connection():
                    desk.close_if_spent()
                raise OSError(errno.EIO, LOG_FAILED)
            connection = accepted(listener, stop)
            if connection is not None:
                busy.acquire()
                arguments = (connection, desk, asking, busy)
                threading.Thread(target=_converse, args=arguments, daemon=True).start()
    finally:
        listener.close()
        path.unlink(missing_ok=True)
        rounds.stop(wait_seconds=0.1)
        desk.close(wait_seconds=0.4)
        db.close()


def accepted(listener: socket.socket, stop: threading.Event) -> socket.socket | None:
    """The next peer; None when none came for a moment, or no descriptor is left for one (fault 16): ask again."""
    try:
        return listener.accept()[0]
    except TimeoutError:
        return None
    except OSError as error:
        if error.errno not in _NO_DESCRIPTOR:
            raise
    log.warning("no descriptor is left for who asks")
    stop.wait(_NO_DESCRIPTOR_SECONDS)
    return None


def opened_desk(config: Config, source: KeySource, clock: Clock, further: Sequence[Further] = ()) -> Desk:
    """The desk that answers; one that is closed and knows why when the keys are wrong: then nothing is sold."""
    with db.connection():
        try:
            vault = open_vault(config, source)
        except VaultClosed as closed:
            log.error("the vault opens nothing", reason=str(closed))
            db.execute(sql.SAY_STATE, (str(closed), str(closed)))
            return Desk(config, clock=clock, closed=str(closed))
        note_versions(vault.keys.ring, now=clock.now())
        if (epoch := find_epoch()) is not None:
            mark(epoch, config.data_dir / "vault" / "openings.log", now=clock.now())
            epoch = find_epoch()
        held = epoch.sentence if epoch else None
        # it may fail: then the vault stays closed
        desk = Desk(config, clock=clock, vault=vault, epoch=epoch, further=further)
        db.execute(sql.SAY_STATE, (held, held))
        return desk


def _listen(path: Path, group: int | None) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(path.parent, 0o700 if group is None else 0o710)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)  # left behind by a vault that was killed
        else:
            raise OSError(98, "another vault process listens there", str(path))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    if group is not None:
        os.chown(path, -1, group)
    os.chmod(path, 0o600 if group is None else 0o660)
    listener.listen(MOST_CONNECTIONS)
    listener.settimeout(0.2)
    return listener


def _converse(connection: socket.socket, desk: Desk, peers: Peers, busy: threading.BoundedSemaphore) -> None:
    try:
        with connection:
            connection.settimeout(_IDLE_SECONDS)
            uid, challenge = _user_of(connection), new_challenge()
            send_frame(connection, {"challenge": challenge})

            def may_ask(operation: str, request: Mapping[str, Any]) -> bool:
                return peers.may_ask(operation, request, uid=uid, challenge=challenge)

            while (request := read_frame(connection, longest=LONGEST_REQUEST)) is not None:
                send_frame(connection, _answer(request, desk, may_ask, connection))
    except BrokenFrame:
        log.warning("a peer sent something that is no request")
    except OSError:
        log.info("a peer went away")
    finally:
        busy.release()


def _answer(
    request: dict[str, Any],
    desk: Desk,
    may_ask: Callable[[str, Mapping[str, Any]], bool],
    connection: socket.socket,
) -> Answer:
    operation = request.get("op")
    if not isinstance(operation, str) or operation not in OPERATIONS:
        return refusal(VaultCode.UNKNOWN_REQUEST, "the vault knows no such request")
    if not may_ask(operation, request):
        log.warning("someone asked the vault for what it may not ask", op=operation)
        return refusal(VaultCode.NOT_ALLOWED, "nothing proves that who asks may ask this")

    def progress(done: int, about: int) -> None:
        with contextlib.suppress(OSError):  # whoever asked may leave: the import goes on
            send_frame(connection, {"progress": [done, about]})

    with db.connection():
        return desk.answer(operation, request, progress)


def _user_of(connection: socket.socket) -> int:
    """The user id of the process at the other end, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
