"""INV-K5: whoever runs code inside web or worker still cannot reach what is not theirs; the control shows it could."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config, Database, DatabaseRoles, Store
from ops import confinement
from ops.entitlements import CONFINED, closed_paths
from ops.installation import Kind, mark
from ops.keys import make_missing
from ops.processes import Supervisor

PROGRAM = (sys.executable, "-m", "tests.support.attacker")
HARMLESS = {
    "open its own key",
    "write its own log",
    "import what was not imported yet",
    "ask the vault how it is",
}
MAY_ALSO = {
    "web": set(),
    "bot": set(),
    "worker": {f"ask the vault to {what}" for what in ("open", "pickup", "restock")},
}


@pytest.fixture
def store(data_dir: Path, urls: dict[str, str]) -> Iterator[Config]:
    """A folder with keys, a cluster and a running vault, and a process outside that someone might go for."""
    roles = DatabaseRoles(**{name: urls[name] for name in ("shop", "panel", "worker", "vault", "direct")})
    config = Config(store=Store(data_dir=data_dir), database=Database(roles=roles))
    make_missing(config)
    mark(urls["owner"], Kind.TEST, config)
    (data_dir / "keys" / "keystall_vault.password").write_text("pw")
    for folder, file in (("postgres", "PG_VERSION"), ("vault", "secret"), ("log", "supervisor.log")):
        (data_dir / folder).mkdir()
        (data_dir / folder / file).write_text("18")
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], env={"SECRET": "canary"})
    (data_dir / "targets.json").write_text(json.dumps({"victim": victim.pid}))
    vault = Supervisor(config, ("vault",))
    try:
        vault.start()
        yield config
    finally:
        vault.stop()
        victim.kill()
        victim.wait()


def attacked(config: Config, name: str) -> dict[str, str]:
    supervisor = Supervisor(config, (name,), program=PROGRAM)
    try:
        supervisor.start()
    finally:
        supervisor.stop()
    found: dict[str, str] = json.loads((config.data_dir / "log" / f"attack-{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", CONFINED)
def test_inv_k5_an_attack_from_inside_reaches_nothing_of_the_others(store: Config, name: str) -> None:
    key = (store.data_dir / "keys" / "vault.key").read_bytes()

    found = attacked(store, name)

    assert {what for what, result in found.items() if result == "done"} == HARMLESS | MAY_ALSO[name]
    assert (store.data_dir / "keys" / "vault.key").read_bytes() == key
    assert set(os.listdir(store.data_dir / "log")) >= {"mine", "supervisor.log"}


def test_inv_k5_control_without_confinement_the_same_attack_succeeds(store: Config) -> None:
    found = attacked(store, "vault")  # the one process that is not confined

    done = {what for what, result in found.items() if result == "done"}
    assert {"read the vault key", "read another role's password", "read the cluster"} <= done
    assert {"read another process's environment", "kill another process"} <= done
    assert {f"ask the vault to {what}" for what in ("open", "pickup", "import", "restock", "trace", "keys")} <= done


def test_closed_paths_name_every_key_wherever_it_lies(data_dir: Path) -> None:
    config = Config(store=Store(data_dir=data_dir))
    far = Config(store=config.store, vault=type(config.vault)(private_key="file:/etc/keystall/vault.key"))

    assert closed_paths(config) == [data_dir / name for name in ("keys", "postgres", "postgres.new", "vault")]
    assert Path("/etc/keystall/vault.key") in closed_paths(far)


def test_a_kernel_without_landlock_is_said_and_confines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)

    with pytest.raises(confinement.ConfigError, match="the vault split is not enforced on this machine"):
        confinement.confine([Path("/nowhere")], writable=[])
