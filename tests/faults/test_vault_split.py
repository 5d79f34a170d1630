"""INV-K5: whoever runs code inside web, bot or worker cannot reach what is not theirs; the control shows it could.

The same attack meets each of the two ways in which the processes are kept apart.
"""

import os
from pathlib import Path

import pytest

from core.config import Config, Database, DatabaseRoles, Store
from core.vault.callers import OPERATIONS
from ops import confinement
from ops.accounts import Split
from ops.entitlements import CONFINED, closed_paths
from ops.installation import Kind, mark
from ops.keys import make_missing
from tests.attacks.staging import HARMLESS, MAY_ALSO, reached, siege

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
    assert {f"ask the vault to {operation}" for operation in OPERATIONS - {"status"}} <= set(found["web"])


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


def test_a_kernel_without_landlock_is_said_and_confines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)

    with pytest.raises(confinement.ConfigError, match="the vault split is not enforced on this machine"):
        confinement.confine([Path("/nowhere")], writable=[])
