"""INV-K5: whoever runs code inside web, bot or worker cannot reach what is not theirs; the control shows it could.

The same attack meets each of the two ways in which the processes are kept apart.
"""

import os
import sys
from pathlib import Path

import pytest

from core.config import Config, ConfigError, Database, DatabaseRoles, Store
from core.vault.callers import ANYONE_MAY_ASK, OPERATIONS
from ops.installation import Kind, mark
from ops.isolation import accounts, confinement
from ops.isolation.accounts import Split
from ops.isolation.entitlements import CONFINED, closed_paths
from ops.keys import make_missing
from ops.processes.supervisor import Supervisor
from tests.attacks.staging import HARMLESS, MAY_ALSO, reached, siege

pytestmark = pytest.mark.slow

WAYS = [Split.LANDLOCK, *([Split.USERS] if os.geteuid() == 0 else [])]


@pytest.fixture
def store(data_dir: Path, urls: dict[str, str]) -> Config:
    """A marked store in a folder of its own, on the engines of this run."""
    roles = DatabaseRoles(**{name: urls[name] for name in ("shop", "panel", "worker", "vault", "direct")})
    config = Config(store=Store(data_dir=data_dir), database=Database(roles=roles))
    make_missing(config)
    mark(urls["owner"], Kind.TEST, config)
    return config


@pytest.mark.parametrize("split", WAYS)
def test_inv_k5_an_attack_from_inside_reaches_nothing_of_the_others(store: Config, split: Split) -> None:
    key = (store.data_dir / "keys" / "vault.key").read_bytes()

    with siege(store, split) as besieged:
        found = besieged.attacked(*CONFINED)

    for name in CONFINED:
        assert reached(name, found[name]) == set(), name
        assert {what for what, end in found[name].items() if end == "done"} >= HARMLESS | MAY_ALSO.get(name, set())
    assert (store.data_dir / "keys" / "vault.key").read_bytes() == key
    assert {f"ask the vault to {operation}" for operation in OPERATIONS - ANYONE_MAY_ASK} <= set(found["web"])


def test_inv_k5_control_without_confinement_the_same_attack_succeeds(store: Config) -> None:
    with siege(store, Split.LANDLOCK) as besieged:
        found = besieged.attacked("vault")["vault"]  # the one process that is not confined

    done = {what for what, result in found.items() if result == "done"}
    assert {"read the vault key", "read another role's password", "read the cluster"} <= done
    assert {"read another process's environment", "kill another process"} <= done
    assert {f"ask the vault to {what}" for what in ("open", "pickup", "import", "restock", "trace", "keys")} <= done


def test_closed_paths_name_every_key_wherever_it_lies(data_dir: Path) -> None:
    config = Config(store=Store(data_dir=data_dir))
    far = Config(store=config.store, vault=type(config.vault)(private_key="file:/etc/keystall/vault.key"))

    assert closed_paths(config) == [data_dir / name for name in ("keys", "postgres", "postgres.new", "vault")]
    assert Path("/etc/keystall/vault.key") in closed_paths(far)


SHUT_OUT = """
import signal, sys
from core.config import ConfigError
from ops.commands import process

def refuses(closed, *, writable):
    raise ConfigError("the kernel refuses to confine a process (ENOSYS): see `doctor`")

def serves(config, ready):
    ready()
    signal.pause()

process.confine, process.main_of = refuses, lambda name: serves
try:
    process.process(sys.argv[-1])
except ConfigError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("kind", Kind)
def test_a_real_stores_process_that_the_kernel_does_not_shut_in_ends_with_the_reason(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], kind: Kind
) -> None:
    """INV-K5: it would serve beside the vault's keys with nothing between; play money does, with a warning."""
    monkeypatch.setattr(accounts, "split_of", lambda config: Split.LANDLOCK)
    config = Config(store=Store(data_dir=data_dir))
    supervisor = Supervisor(config, ("bot",), program=(sys.executable, "-c", SHUT_OUT), kind=kind)

    try:
        if kind is Kind.PRODUCTION:
            with pytest.raises(ConfigError, match="the process bot does not start"):
                supervisor.start()
            assert "the kernel refuses to confine a process (ENOSYS): see `doctor`" in capfd.readouterr().err
        else:
            supervisor.start()
    finally:
        supervisor.stop()

    said = (data_dir / "log" / "bot.log").read_text()
    assert "the vault's split is not enforced" in said
    assert ("error" if kind is Kind.PRODUCTION else "warning") in said


def test_a_kernel_without_landlock_is_said_and_confines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)

    with pytest.raises(confinement.ConfigError, match="the vault split is not enforced on this machine"):
        confinement.confine([Path("/nowhere")], writable=[])
