"""The auditor of a store's vault, on a connection of the vault's role, with files of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import db
from core.clock import FixedClock
from core.config import Config
from core.custody.chains.auditing import Auditor
from core.custody.keychain.keys import open_vault
from ops.installation import Kind, mark
from ops.processes.vault_wiring import key_source
from tests.support.audits import Opening, chained


@pytest.fixture
def folder(config: Config) -> Path:
    found = config.data_dir / "vault"
    found.mkdir()
    return found


@pytest.fixture
def open_auditor(config: Config, folder: Path, clock: FixedClock) -> Iterator[Opening]:
    """Opens the auditor of this store's vault, again where a test restarts it."""
    mark(config.database.url, Kind.TEST, config)
    db.connect(config.database.roles.vault, size=6)
    vault = open_vault(config, key_source(config))
    yield lambda: Auditor(vault, folder, clock.now)
    db.disconnect()


@pytest.fixture
def auditor(open_auditor: Opening, clock: FixedClock) -> Auditor:
    """An auditor whose first round is done: the files outside begin with it."""
    found = open_auditor()
    chained(found, clock)
    return found
