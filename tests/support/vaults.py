"""A real vault process beside a test, and the sample files in the shapes that suppliers send."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core import db
from core.config import Config
from core.vault.client import ImportOrder, ImportReport, VaultClient
from core.vault.uploads import upload_file
from ops.installation import Kind, mark
from ops.processes import Supervisor
from tests.builders import NOON

Sql = Callable[..., list[tuple[Any, ...]]]


@dataclass
class VaultProcess:
    """The vault of one test store; `restart` is what a crash or a change of keys leads to."""

    config: Config
    client: VaultClient
    supervisor: Supervisor

    def import_bytes(self, raw: bytes, name: str, *, owner: int, **order: Any) -> ImportReport:
        """Seal a file as the command line does, and import it; `core.db` must be connected as shop."""
        public = self.config.secret(self.config.vault.public_key).reveal()
        upload = upload_file(file=io.BytesIO(raw), name=name, owner_id=owner, vault_public=public, now=NOON)
        db.close()
        return self.client.import_upload(ImportOrder(upload=upload, **order))

    def restart(self) -> None:
        """SIGTERM, then a new process."""
        self.supervisor.stop()
        self.supervisor = Supervisor(self.config, ("vault",))
        self.supervisor.start()


@contextlib.contextmanager
def vault_process(config: Config) -> Iterator[VaultProcess]:
    """A marked (test) database and a vault process on it, ended with the block."""
    mark(config.database.url, Kind.TEST, config)
    supervisor = Supervisor(config, ("vault",))
    try:
        supervisor.start()
        running = VaultProcess(config, VaultClient(config.vault_socket), supervisor)
        yield running
    finally:
        supervisor.stop()
        with contextlib.suppress(NameError, UnboundLocalError):
            running.supervisor.stop()
