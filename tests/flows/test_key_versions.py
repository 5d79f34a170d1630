"""Versions of the vault's key: rotated, rekeyed, retired while the store sells; each refusal changes nothing."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from core import db
from core.config import Config, ConfigError
from core.custody.openings.checks import BrokenSeal
from core.vault.client import ImportOrder, VaultCode, VaultRefused
from core.vault.key_requests import KeyRequests
from core.vault.primitives import new_private, public_of
from core.vault.public import PublicKey
from core.vault.seal import key_id
from core.vault.uploads import upload_file
from ops.keys import is_pair
from ops.processes.vault_wiring import key_source
from tests.support.sales import LINES, Counter, a_counter
from tests.support.vault_keys import every_secret, ring, with_own_keys
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(with_own_keys(config)), sql)


@pytest.fixture
def acts(counter: Counter) -> KeyRequests:
    return KeyRequests(counter.vault.client)


def later(sql: Any) -> None:
    """Nothing that was sealed with the version before is on its way any more."""
    sql("UPDATE vault_key SET replaced_at = replaced_at - interval '11 minutes'")


def test_inv_k3_after_a_rotation_old_cards_open_and_new_ones_carry_the_new_version(
    counter: Counter, acts: KeyRequests, sql: Any
) -> None:
    config, sale = counter.vault.config, counter.sell(2)
    before, cards = ring(config).current.id, counter.open(sale)
    seals = sql("SELECT card_id, sealed FROM card_seal ORDER BY 1")

    done = acts.rotate()
    assert counter.vault.import_bytes(b"NEW-KEY-1\nNEW-KEY-2", "more.txt", owner=counter.shop.merchant, sku="A1").added

    assert done.batches == 1
    assert done.broken == 0
    assert done.version == ring(config).current.id != before
    assert sql("SELECT DISTINCT vault_key_id FROM batch_key") == [(done.version,)]
    assert (
        sql("SELECT card_id, sealed FROM card_seal WHERE card_id = ANY (%s) ORDER BY 1", [[s[0] for s in seals]])
        == seals
    )
    assert counter.open(sale) == cards
    assert every_secret(config) == sorted([*LINES, "NEW-KEY-1", "NEW-KEY-2"])
    assert len(counter.open(counter.sell(1))) == 1


def test_the_files_of_a_rotation_are_a_pair_closed_to_others_with_the_version_before_beside(
    counter: Counter, acts: KeyRequests
) -> None:
    config = counter.vault.config
    before, private = ring(config).current.id, (config.keys_dir / "vault.key").read_bytes()

    acts.rotate()

    names = {path.name for path in config.keys_dir.iterdir() if path.name.startswith((".", "vault"))}
    assert names == {"vault.key", "vault.pub", f"vault.key.{before}"}
    assert {stat.S_IMODE((config.keys_dir / name).stat().st_mode) for name in names} == {0o600}
    assert public_of((config.keys_dir / "vault.key").read_bytes()) == (config.keys_dir / "vault.pub").read_bytes()
    assert (config.keys_dir / f"vault.key.{before}").read_bytes() == private
    assert is_pair(config)
    counter.vault.restart()
    assert counter.vault.client.status().reason is None


def test_inv_k3_a_version_in_use_or_needed_is_not_retired(counter: Counter, acts: KeyRequests, sql: Any) -> None:
    config = counter.vault.config
    old = ring(config).current.id
    upload = upload_file(
        file=io.BytesIO(b"LATE-1"), name="late.txt", owner_id=counter.shop.merchant,
        vault_public=ring(config).current.public, now=datetime.now(UTC),
    )  # fmt: skip
    db.close()

    def refused(version: str) -> str:
        with pytest.raises(VaultRefused) as no:
            acts.retire(version)
        assert no.value.vault_code is VaultCode.KEYS_REFUSED
        assert {one.id for one in ring(config).versions} >= {old}
        return str(no.value)

    assert refused(old) == f"{old} is the version in use: `keys rotate` first"
    assert refused("0123456789abcdef").startswith("there is no version 0123456789abcdef here")
    new = acts.rotate().version
    sql("UPDATE batch_key SET vault_key_id = %s", [old])
    assert refused(old) == f"1 batches are sealed with {old}: `keys rotate` seals them with the new one"
    sql("UPDATE batch_key SET vault_key_id = %s", [new])
    later(sql)
    assert refused(old).startswith(f"1 files, codes or buyers' fields that wait are sealed with {old}")
    report = counter.vault.client.import_upload(ImportOrder(upload=upload, sku="A1"))  # sealed to the version before
    assert report.added == 1
    sql("UPDATE vault_key SET replaced_at = now() WHERE id = %s", [old])
    assert refused(old).startswith(f"{old} was in use until a moment ago: try again after ")
    later(sql)

    acts.retire(old)

    assert [one.id for one in ring(config).versions] == [new]
    assert not (config.keys_dir / f"vault.key.{old}").exists()
    assert every_secret(config) == sorted([*LINES, "LATE-1"])
    assert sql("SELECT id FROM vault_key WHERE retired_at IS NOT NULL") == [(old,)]


def test_the_status_says_since_when_and_what_hangs_on_each_version(counter: Counter, acts: KeyRequests) -> None:
    (only,), running = acts.status()
    assert (only.is_current, only.batches, only.cards, only.waiting, running) == (True, 1, 40, 0, None)

    acts.rotate()
    new, old = acts.status()[0]

    assert (new.is_current, new.batches, new.cards, new.replaced_at) == (True, 1, 40, None)
    assert (old.id, old.is_current, old.batches, old.cards) == (only.id, False, 0, 0)
    assert old.replaced_at is not None
    assert old.replaced_at >= only.made_at


def test_a_rekeying_encrypts_every_card_anew_with_a_signed_key_and_they_open_as_before(
    counter: Counter, acts: KeyRequests, sql: Any
) -> None:
    config, sale = counter.vault.config, counter.sell(2)
    cards, before = counter.open(sale), dict(sql("SELECT card_id, sealed FROM card_seal"))
    key = sql("SELECT sealed_dek, signature FROM batch_key")

    done = acts.rekey()

    assert (done.cards, done.broken, done.importing, done.unsigned) == (40, 0, 0, 0)
    after = dict(sql("SELECT card_id, sealed FROM card_seal"))
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert sql("SELECT sealed_dek, signature FROM batch_key")[0][1] != key[0][1]
    assert sql("SELECT next_sealed_dek, next_signature FROM batch_key") == [(None, None)]
    assert every_secret(config) == sorted(LINES)
    assert counter.open(sale) == cards
    assert acts.status()[1] is None
    assert [row[0] for row in sql("SELECT action FROM audit_entry WHERE action LIKE 'vault.%%' ORDER BY id")] == [
        "vault.key_in_use", "vault.keys_rotated", "vault.rekey_begun", "vault.batches_rekeyed", "vault.rekey_ended",
    ]  # fmt: skip


def test_a_rekeying_leaves_no_batch_out_where_the_clock_was_set_back_since_its_key_was_made(
    counter: Counter, acts: KeyRequests, sql: Any
) -> None:
    """INV-K3, fault 18: a key that may be known opens nothing afterwards. A seed of the simulator found it."""
    sale = counter.sell(2)
    sql("UPDATE batch_key SET dek_made_at = now() + interval '1 hour'", role="superuser")
    before = sql("SELECT sealed FROM card_seal")

    done = acts.rekey()

    assert done.cards == len(before)
    assert not set(before) & set(sql("SELECT sealed FROM card_seal"))
    assert acts.status()[1] is None
    assert len(counter.open(sale)) == 2


def test_what_the_vault_did_not_sign_is_never_made_good_by_a_rekeying(
    counter: Counter, acts: KeyRequests, sql: Any
) -> None:
    sale = counter.sell(1)
    sql("UPDATE batch SET card_count = 39")  # no more what was signed
    before = sql("SELECT sealed FROM card_seal ORDER BY card_id"), sql("SELECT sealed_dek, signature FROM batch_key")
    version = acts.rotate()

    done = acts.rekey()

    assert (done.cards, done.unsigned) == (0, 1)
    assert version.batches == 1
    assert sql("SELECT sealed FROM card_seal ORDER BY card_id") == before[0]
    assert sql("SELECT signature FROM batch_key") == [(before[1][0][1],)]
    assert counter.refused(sale) is VaultCode.BROKEN_CARD


def test_a_broken_card_stays_broken_and_stops_no_rekeying(counter: Counter, acts: KeyRequests, sql: Any) -> None:
    broken = sql("SELECT card_id FROM card_seal ORDER BY card_id LIMIT 1")[0][0]
    sql("UPDATE card_seal SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE card_id = %s", [broken])

    done = acts.rekey()

    assert (done.cards, done.broken) == (39, 1)
    with pytest.raises(BrokenSeal) as found:
        every_secret(counter.vault.config)
    assert found.value.cards == [broken]


def test_a_batch_that_is_being_imported_gets_its_new_key_when_it_is_complete(
    counter: Counter, acts: KeyRequests, sql: Any
) -> None:
    sql("UPDATE batch SET state = 'importing'")
    before = sql("SELECT sealed_dek, signature FROM batch_key")

    assert acts.rekey().importing == 1
    assert acts.status()[1] is not None
    sql("UPDATE batch SET state = 'selling'")
    done = acts.rekey()

    assert (done.cards, done.importing) == (40, 0)
    assert sql("SELECT signature FROM batch_key") != [(before[0][1],)]
    assert every_secret(counter.vault.config) == sorted(LINES)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE card_seal SET sealed = '\\x00'", "card_seal_fixed"),
        ("UPDATE batch_key SET signature = '\\x00'", "batch_key_signed_once"),
        ("UPDATE batch_key SET signature = NULL", "batch_key_signed_once"),
    ],
)
def test_even_the_vaults_role_changes_no_sealed_card_outside_a_rekeying(
    counter: Counter, sql: Any, statement: str, constraint: str
) -> None:
    before = sql("SELECT sealed FROM card_seal ORDER BY card_id"), sql("SELECT signature FROM batch_key")

    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        sql(statement, role="vault")

    assert refused.value.diag.constraint_name == constraint
    assert (sql("SELECT sealed FROM card_seal ORDER BY card_id"), sql("SELECT signature FROM batch_key")) == before


@pytest.mark.parametrize("column", ["fingerprint", "issuer_id", "uploader_id", "card_id"])
def test_the_vaults_role_may_not_say_that_a_card_is_another(counter: Counter, sql: Any, column: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(f"UPDATE card_seal SET {column} = {column}", role="vault")


def test_a_process_learns_the_new_key_from_the_vault_and_keeps_the_last_while_it_is_away(
    counter: Counter, acts: KeyRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = counter.vault.config
    public = PublicKey(counter.vault.client, ring(config).current.public)
    first = public()
    acts.rotate()

    assert public() == first  # asked a moment ago
    monkeypatch.setattr("core.vault.public.ASKED_EVERY", 0.0)
    assert public() == ring(config).current.public != first
    (config.keys_dir / "vault.pub").write_bytes(b"no key at all, only some bytes")
    counter.vault.restart()
    assert counter.vault.client.status().public_key is None
    assert public() != first


def test_keys_of_a_systemd_credential_rotate_to_a_version_that_was_put_there(
    counter: Counter, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, folder = counter.vault.config, counter.vault.config.data_dir / "credentials"
    folder.mkdir()
    (config.keys_dir / "vault.key").rename(folder / "vault.key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    held = replace(config, vault=replace(config.vault, private_key="credential:vault.key"))
    counter.vault.restart(held)
    acts, before = KeyRequests(counter.vault.client), ring(held).current.id

    with pytest.raises(VaultRefused, match="which the store cannot write: make a version with `keys make FILE`"):
        acts.rotate()
    assert ring(held).current.id == before
    fresh = new_private()
    version = key_id(public_of(fresh))
    (folder / f"vault.key.{version}").write_bytes(fresh)
    counter.vault.restart(held)
    done = acts.rotate(to=version)

    assert (done.version, done.batches) == (version, 1)
    assert (config.keys_dir / "vault.pub").read_bytes() == public_of(fresh)
    assert every_secret(held) == sorted(LINES)
    later(sql)
    with pytest.raises(VaultRefused, match=f"take the credential vault.key.{before} away yourself"):
        acts.retire(before)


def test_a_credential_without_systemd_is_one_sentence(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    held = replace(config, vault=replace(config.vault, private_key="credential:vault.key"))

    with pytest.raises(ConfigError, match=r"credential:vault\.key needs systemd: name it in the unit"):
        key_source(held).private_keys()


def test_fault_70_a_version_that_is_gone_closes_the_vault_until_it_is_back(counter: Counter, acts: KeyRequests) -> None:
    config = counter.vault.config
    acts.rotate()
    (config.keys_dir / "vault.key").rename(config.keys_dir / "vault.key.away")
    counter.vault.restart()

    reason = counter.vault.client.status().reason
    assert reason is not None
    assert "does not belong to its public key" in reason
    (config.keys_dir / "vault.key.away").rename(config.keys_dir / "vault.key")
    counter.vault.restart()
    assert counter.vault.client.status().reason is None
    assert every_secret(config) == sorted(LINES)
