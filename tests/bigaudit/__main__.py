"""`python -m tests.bigaudit [ENTRIES]`: what the chain costs per million entries, and what a shop loses to it.

On a store of its own that keeps its data durable; nothing else should run on the machine.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from core import db
from core.config import Config, Store
from core.custody.chains.auditing import Auditor
from core.custody.keychain.keys import open_vault
from ops.installation import Kind
from ops.processes.vault_wiring import key_source
from ops.store import running
from tests.bigaudit.measure import costs, writing_rates

count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
with (
    tempfile.TemporaryDirectory(prefix="ks-") as folder,
    running(Config(store=Store(data_dir=Path(folder))), Kind.TEST, names=("vault",)) as store,
):
    config = store.config
    db.connect(config.database.roles.vault, size=4)
    auditor = Auditor(open_vault(config, key_source(config)), Path(folder) / "vault", lambda: datetime.now(UTC))
    vault = store.supervisor.children[0].process
    alone, beside = writing_rates(vault.pid, config.database.roles.shop, pace=2000, seconds=5, rounds=5)
    print(f"ms to write an entry, 2,000 a second: {alone:.2f} without the chainer, {beside:.2f} beside it")
    store.supervisor.stop()
    found = costs(auditor, config.database.roles.shop, count)
    print(f"linked: {found.link:.1f} s a million   read again: {found.read:.1f} s a million")
    print(f"memory: {found.memory:.0f} MB more for {count} entries   broken: {found.broken}")
    db.disconnect()
