"""Which way the processes of a store are kept apart, by what the machine allows; and who gets what of the folder."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import Config, ConfigError, Vault
from core.custody.server import Peers
from core.secret import Secret
from core.vault.callers import Caller, Credential
from ops.commands.up import chosen
from ops.installation import Kind
from ops.isolation import accounts
from ops.isolation.accounts import NAMES, Accounts, Split
from ops.processes import serving
from ops.processes.vault import MAY_CONNECT

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files and processes to other users")
KEY = Secret(b"k" * 32)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "split_of", lambda config: Split.USERS)


@pytest.mark.parametrize(
    ("is_root", "reason", "landlock", "split"),
    [
        (True, None, 0, Split.USERS),
        (True, None, 4, Split.USERS),
        (True, "other users cannot read run.py", 4, Split.LANDLOCK),
        (True, "other users cannot read run.py", 0, Split.NONE),
        (False, None, 4, Split.LANDLOCK),
        (False, None, 0, Split.NONE),
    ],
)
def test_root_gives_each_process_a_user_else_landlock_shuts_them_in_else_nothing_is_enforced(
    config: Config, monkeypatch: pytest.MonkeyPatch, is_root: bool, reason: str | None, landlock: int, split: Split
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000)
    monkeypatch.setattr(accounts, "why_not_users", lambda config: reason)
    monkeypatch.setattr(accounts, "landlock_version", lambda: landlock)

    assert accounts.split_of(config) is split
    text, is_defect = accounts.split_sentence(config)
    assert is_defect is (split is Split.NONE)
    assert text.startswith("the vault split is " + ("not enforced on this machine" if is_defect else "enforced by"))


def test_a_real_store_refuses_to_start_where_nothing_keeps_its_processes_apart(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "split_of", lambda config: Split.NONE)

    with pytest.raises(ConfigError, match="the vault split is not enforced on this machine"):
        serving.serve(config, Kind.PRODUCTION, names=chosen(""))
    assert list(config.data_dir.iterdir()) == []


def test_what_other_users_cannot_reach_is_named(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_others_read", lambda place: True)
    assert accounts.why_not_users(replace(config, vault=Vault())) is None

    closed = tmp_path / "closed"
    (closed / "store").mkdir(parents=True)
    closed.chmod(0o700)
    below = replace(config, vault=Vault(), store=replace(config.store, data_dir=closed / "store"))
    far = replace(config, vault=Vault(private_key="credential:vault.key"))
    assert "cannot pass through the folders above" in str(accounts.why_not_users(below))
    assert "no file in the folder of the keys" in str(accounts.why_not_users(far))


@needs_root
@pytest.mark.usefixtures("users")
def test_each_process_gets_what_is_its_own_and_a_second_start_keeps_the_ids(config: Config) -> None:
    config = replace(config, vault=Vault())
    for name in ("keys/vault.key", "keys/vault.pub", "keys/act.key", "log/web.log", "vault/openings.log"):
        (config.data_dir / name).parent.mkdir(exist_ok=True)
        (config.data_dir / name).write_text("x")
    first = accounts.accounts_of(config)
    assert first is not None

    for _ in range(2):
        accounts.settle(config, first)
    owners = {
        str(path.relative_to(config.data_dir)): (path.lstat().st_uid, oct(path.lstat().st_mode & 0o7777))
        for path in config.data_dir.rglob("*")
    }

    assert {owners[name] for name in ("keys/vault.key", "keys/vault.pub", "vault/openings.log")} == {
        (first.uid("vault"), "0o600")
    }
    assert owners["vault"] == (first.uid("vault"), "0o710")
    assert owners["keys/act.key"][0] == 0
    assert (owners["keys"], owners["log"]) == ((0, "0o1770"), (0, "0o711"))
    assert [owners[f"log/{name}"] for name in NAMES] == [(first.uid(name), "0o700") for name in NAMES]
    assert (config.data_dir / "log" / "web.log").read_text() == "x"
    assert len({*first.ids}) == 5
    assert accounts.accounts_of(config) == first


@needs_root
@pytest.mark.usefixtures("users")
def test_ids_that_another_store_uses_are_not_taken(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = accounts.accounts_of(config)
    assert wanted is not None
    monkeypatch.setattr(accounts, "_is_taken", lambda uid: uid == wanted.uid("worker"))

    other = accounts.accounts_of(config)

    assert other is not None
    assert not {*other.ids} & {*wanted.ids}
    monkeypatch.setattr(accounts, "_is_taken", lambda uid: True)
    with pytest.raises(ConfigError, match="no user ids are free"):
        accounts.accounts_of(config)


@needs_root
@pytest.mark.parametrize("how", [os.symlink, os.link])
def test_root_gives_away_nothing_that_a_trap_leads_to(tmp_path: Path, how: object) -> None:
    """A process owns its log's folder: root must not follow what lies there."""
    secret, trap = tmp_path / "shadow", tmp_path / "web.log"
    secret.write_text("secret")
    how(secret, trap)  # type: ignore[operator]

    with pytest.raises(OSError, match="take it away"):
        accounts.give(trap, 60706, 60706, 0o666)
    assert (secret.stat().st_uid, secret.stat().st_mode & 0o077) == (0, 0o044)


def test_the_vault_tells_its_peers_apart_by_their_users_whatever_key_they_show() -> None:
    store = Accounts(60706)
    named = accounts.peers_of(store.environment("vault"))
    peers = Peers({Caller.WORKER: KEY, Caller.OPERATOR: KEY}, {uid: MAY_CONNECT[name] for name, uid in named.items()})

    def may(name: str, operation: str, caller: Caller) -> bool:
        request = Credential(caller, KEY).signed({"op": operation}, "c")
        return peers.may_ask(operation, request, uid=store.uid(name), challenge="c")

    assert may("worker", "open", Caller.WORKER)
    assert not may("worker", "trace", Caller.OPERATOR)  # with the operator's key, but not as root
    assert [may(name, "open", Caller.WORKER) for name in ("web", "bot")] == [False, False]
    assert [may(name, "status", Caller.WORKER) for name in ("web", "bot", "worker")] == [True, True, True]
    assert not peers.may_ask("status", {"op": "status"}, uid=store.group, challenge="c")
    assert named == {name: store.uid(name) for name in ("web", "bot", "worker")}
