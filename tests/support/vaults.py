"""A vault beside a test: as a process of its own, as the store runs it, or (faster) as a desk in the test's process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import db
from core.clock import DatabaseClock
from core.config import Config
from core.custody.desk import Desk
from core.custody.server import opened_desk
from core.vault.callers import MAY_ASK, Caller, Credential
from core.vault.client import ImportOrder, ImportReport, Progress, VaultClient
from core.vault.uploads import upload_file
from ops.installation import Kind, mark
from ops.processes.supervisor import Supervisor
from ops.processes.vault_wiring import FURTHER, key_source


class TestVault:
    """What tests ask of either kind; `core.db` is connected as shop before and after every request."""

    __test__ = False

    def __init__(self, config: Config, client: VaultClient) -> None:
        self.config = config
        self.client = client

    def import_bytes(
        self, raw: bytes, name: str, *, owner: int, progress: Progress | None = None, **order: Any
    ) -> ImportReport:
        """Seal a file as the command line does, and import it."""
        public = self.config.secret(self.config.vault.public_key).reveal()
        upload = upload_file(
            file=io.BytesIO(raw), name=name, owner_id=owner, vault_public=public, now=datetime.now(UTC)
        )
        db.close()
        return self.client.import_upload(ImportOrder(upload=upload, **order), progress=progress)

    def restart(self, config: Config | None = None) -> None:
        """End it and start it again, with other settings if they are given."""
        raise AssertionError("each kind restarts in its own way")


class _AsWhoeverMay(VaultClient):
    """Asks each thing over the socket as the caller who may ask it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.vault_socket)
        keys = {Caller.WORKER: config.secrets.worker_key, Caller.OPERATOR: config.secrets.operator_key}
        self._as = {
            caller: VaultClient(config.vault_socket, credential=Credential(caller, config.secret(key)))
            for caller, key in keys.items()
        }

    def _ask(
        self, request: dict[str, Any], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        caller = Caller.WORKER if request["op"] in MAY_ASK[Caller.WORKER] else Caller.OPERATOR
        return self._as[caller]._ask(request, progress=progress, timeout=timeout)


class VaultProcess(TestVault):
    """`python run.py process vault` with the settings that the supervisor gives it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, _AsWhoeverMay(config))
        self.supervisor = Supervisor(config, ("vault",))
        self.supervisor.start()

    def restart(self, config: Config | None = None) -> None:
        self.supervisor.stop()
        self.supervisor = Supervisor(config or self.config, ("vault",))
        self.supervisor.start()


class _AtTheDesk(VaultClient):
    """Asks the vault's desk without a socket, on connections of the vault's own role."""

    def __init__(self, config: Config) -> None:
        super().__init__(Path("nowhere"))
        self._config = config
        self._desk = self.opened()

    def opened(self) -> Desk:
        with self.as_vault():
            clock = DatabaseClock(db.database_now)
            return opened_desk(self._config, key_source(self._config), clock, FURTHER)

    def reopen(self, config: Config | None = None) -> None:
        self._config = config or self._config
        self._desk = self.opened()

    def finish_imports(self) -> None:
        self.reopen()
        with self.as_vault():
            self._desk.resume_imports()
            self._desk.close(wait_seconds=30)

    def run_round(self, name: str) -> None:
        with self.as_vault():
            (found,) = [one for one in self._desk.rounds() if one.name == name]
            found.run(db.database_now())

    def unconnected(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request on the connection that `core.db` has now: for a child process that will be killed."""
        return self._desk.answer(str(request["op"]), request, lambda done, about: None)

    def _ask(
        self, request: Mapping[str, Any], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        with self.as_vault():
            answer = self._desk.answer(str(request["op"]), request, progress or (lambda done, about: None))
        return self._checked(answer)

    @contextlib.contextmanager
    def as_vault(self) -> Iterator[None]:
        """The statements of the block are the vault's."""
        db.disconnect()
        db.connect(self._config.database.roles.vault, size=4)
        try:
            yield
        finally:
            db.disconnect()
            db.connect(self._config.database.roles.shop, size=24)


class DeskVault(TestVault):
    """The vault's desk in the test's own process, with the rights of the vault's role."""

    def __init__(self, config: Config) -> None:
        self.at_the_desk = _AtTheDesk(config)
        super().__init__(config, self.at_the_desk)

    def restart(self, config: Config | None = None) -> None:
        self.at_the_desk.reopen(config)

    def run_round(self, name: str) -> None:
        """One round that the vault does by itself, now."""
        self.at_the_desk.run_round(name)

    def resume(self) -> None:
        """Restart, and wait until the imports that a crash left behind are done."""
        self.at_the_desk.finish_imports()


@contextlib.contextmanager
def vault_process(config: Config) -> Iterator[VaultProcess]:
    """A marked (test) database and a vault process on it, ended with the block."""
    mark(config.database.url, Kind.TEST, config)
    running = VaultProcess(config)
    try:
        yield running
    finally:
        running.supervisor.stop()


def desk_vault(config: Config) -> DeskVault:
    """A marked (test) database and a vault's desk on it."""
    mark(config.database.url, Kind.TEST, config)
    return DeskVault(config)
