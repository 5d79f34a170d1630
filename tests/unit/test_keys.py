"""Key files: made once, closed, never overwritten; what is wrong with them is said."""

import stat
from pathlib import Path

import pytest

from core.config import Config, Store
from core.vault.primitives import public_of
from ops import keys
from ops.engines.passwords import write_new


@pytest.fixture
def store(tmp_path: Path) -> Config:
    return Config(store=Store(data_dir=tmp_path / "var"))


def test_all_keys_are_made_closed_different_and_fitting(store: Config) -> None:
    made = keys.make_missing(store)

    assert len(made) == 14
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE(store.keys_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.data_dir.stat().st_mode) == 0o700
    assert len({path.read_bytes() for path in made}) == 14
    assert public_of((store.keys_dir / "vault.key").read_bytes()) == (store.keys_dir / "vault.pub").read_bytes()
    assert keys.defects(store) == []
    assert keys.is_pair(store)


def test_a_key_that_exists_is_never_touched(store: Config) -> None:
    keys.make_missing(store)
    before = {path: path.read_bytes() for path in store.keys_dir.iterdir()}
    (store.keys_dir / "link.key").unlink()

    made = keys.make_missing(store)

    assert made == [store.keys_dir / "link.key"]
    assert all(path.read_bytes() == content for path, content in before.items() if path not in made)


def test_a_lost_key_that_nothing_was_sealed_with_is_made_anew_and_no_other(store: Config) -> None:
    keys.make_missing(store)
    for name in ("worker.key", "seal.key"):
        (store.keys_dir / name).unlink()

    assert keys.make_missing(store, keys.REPLACEABLE) == [store.keys_dir / "worker.key"]


@pytest.mark.parametrize("half", ["vault.key", "vault.pub"])
def test_half_of_the_vaults_pair_is_never_made_alone(store: Config, half: str) -> None:
    keys.make_missing(store)
    (store.keys_dir / half).unlink()

    assert keys.make_missing(store) == []
    assert not (store.keys_dir / half).exists()


def test_each_defect_is_one_sentence(store: Config) -> None:
    keys.make_missing(store)
    (store.keys_dir / "audit.key").unlink()
    (store.keys_dir / "seal.key").write_bytes(b"")
    (store.keys_dir / "link.key").chmod(0o644)

    seal, audit, link = sorted(keys.defects(store))

    assert seal.startswith("secrets.seal_key: the secret of file:keys/seal.key is empty, too short or a default: put")
    assert audit.startswith(f"vault.audit_key: the key file {store.keys_dir}/audit.key is missing: put it back")
    assert link == (
        f"vault.link_key: {store.keys_dir}/link.key can be read by other users: chmod 600 {store.keys_dir}/link.key"
    )


def test_keys_that_do_not_belong_together_are_noticed(store: Config) -> None:
    keys.make_missing(store)
    other = Config(store=Store(data_dir=store.data_dir / "other"))
    keys.make_missing(other)
    (store.keys_dir / "vault.pub").write_bytes((other.keys_dir / "vault.pub").read_bytes())

    assert not keys.is_pair(store)

    (store.keys_dir / "vault.key").write_bytes(b"no key at all, but long enough")
    assert not keys.is_pair(store)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.key"

    assert write_new(file, b"first")
    assert not write_new(file, b"second")

    assert file.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]
