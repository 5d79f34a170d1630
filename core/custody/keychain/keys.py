"""The vault's keys: read once at the start, checked against each other and against the marks of the last start."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from core.config import Config, ConfigError
from core.custody.keychain.keyring import Keyring
from core.db import execute
from core.ports import KeySource
from core.secret import Secret
from core.vault.callers import Caller
from core.vault.confirmations import confirmation_key
from core.vault.pickups import pickup_key, use_key
from core.vault.primitives import SealError, framed
from core.vault.seal import verify_key

MARKED = ("fingerprint", "sign", "seal", "audit")
"""Keys whose loss shows late (duplicates unnoticed, batches unsigned, orders refused, the audit's chain broken): a mark
of each is kept."""


class VaultClosed(Exception):
    """The vault cannot open anything; the text says why and how to mend it, in one sentence."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultKeys:
    """The versions of the vault's pair, and the 32-byte keys of the vault.

    `confirmation` checks what the worker heard from gateways that sign nothing, `pickup` the codes that it minted; both
    come from the worker's key. `pickup_use` seals who used one; it comes from the signing key. `link` is what the
    keys of card pages are derived from.
    """

    ring: Keyring
    fingerprint: bytes
    sign: bytes
    seal: bytes
    audit: bytes
    link: bytes
    confirmation: bytes
    pickup: bytes
    pickup_use: bytes

    @property
    def key_id(self) -> str:
        """The id of the vault key in use."""
        return self.ring.current.id

    @property
    def public(self) -> bytes:
        """What is sealed with from now on."""
        return self.ring.current.public


@dataclass(frozen=True, slots=True, repr=False)
class OpenVault:
    """What every act of the vault needs: its keys and which installation it belongs to.

    `opening_budget` is in cards per merchant, SKU and hour, and per merchant for what is read again; a busy shop's
    grows with its usual peak, a marked (demo or test) database's is exactly what it was marked with.
    """

    keys: VaultKeys
    vault_id: UUID
    sandbox_public_key: bytes | None
    opening_budget: int
    budget_grows: bool


def load_keys(config: Config, source: KeySource) -> VaultKeys:
    """Read the keys. Raises `VaultClosed` when one is missing or no private key is the public key's other half."""
    try:
        ring = _ring(source)
        fingerprint, sign, seal, audit, link = (
            config.secret(reference).reveal()
            for reference in (
                config.vault.fingerprint_key,
                config.vault.sign_key,
                config.secrets.seal_key,
                config.vault.audit_key,
                config.vault.link_key,
            )
        )
        callers = {caller: config.secret(reference).reveal() for caller, reference in _callers(config)}
        # Without those nobody could ask, and nothing that was paid would be opened.
    except ConfigError as error:
        raise VaultClosed(str(error)) from None
    try:
        verify_key(sign)
    except SealError:
        raise VaultClosed("the vault's signing key file holds something else: put the right file back") from None
    worker = callers[Caller.WORKER]
    derived = (confirmation_key(worker), pickup_key(worker), use_key(sign))
    return VaultKeys(ring, fingerprint, sign, seal, audit, link, *derived)


def _ring(source: KeySource) -> Keyring:
    """Every version of the vault's pair. Raises `VaultClosed`, ConfigError."""
    try:
        return Keyring(source)
    except SealError:
        raise VaultClosed(
            "the vault's private key does not belong to its public key, or a file of them holds something else: put the"
            " right key files back"
        ) from None
    except OSError as error:
        raise VaultClosed(f"the vault's key files cannot be read ({error.strerror}): mend their owner") from None


def caller_keys(config: Config) -> dict[Caller, Secret]:
    """What the worker and the command line prove themselves with; one whose key is missing proves nothing."""
    keys = {}
    for caller, reference in _callers(config):
        with contextlib.suppress(ConfigError):
            keys[caller] = config.secret(reference)
    return keys


def _callers(config: Config) -> tuple[tuple[Caller, str], ...]:
    return (Caller.WORKER, config.secrets.worker_key), (Caller.OPERATOR, config.secrets.operator_key)


def open_vault(config: Config, source: KeySource) -> OpenVault:
    """The vault of this database, once its keys prove to be the ones that its cards were sealed with.

    Raises `VaultClosed`. A first start keeps the marks that later starts are compared with.
    """
    keys = load_keys(config, source)
    if execute("SELECT 1 FROM pg_namespace WHERE nspname = 'replaced_by_restore'"):
        raise VaultClosed("a restore was broken off: run `restore` again with the same file")
    rows = execute("SELECT vault_id, sandbox_public_key, opening_budget_per_hour, kind FROM installation")
    if not rows:
        raise VaultClosed("the database is not marked yet: run `python run.py init` (or `demo`) first")
    vault_id, sandbox, budget, kind = rows[0]
    for name in MARKED:
        _check_mark(name, _mark(getattr(keys, name), name, vault_id))
    foreign = execute(
        "SELECT count(*) FROM batch_key k JOIN batch b ON b.no = k.batch_no"
        " WHERE k.vault_key_id <> ALL (%s) AND b.state <> 'abandoned'",
        ([version.id for version in keys.ring.versions],),
    )
    if foreign[0][0]:
        raise VaultClosed(f"{foreign[0][0]} batches are sealed to another vault key: put the right private key back")
    marked = kind != "production"
    limit = int(budget) if budget is not None and marked else config.vault.opening_budget_per_hour
    return OpenVault(keys, vault_id, bytes(sandbox) if sandbox and marked else None, limit, budget_grows=not marked)


def _mark(key: bytes, name: str, vault_id: UUID) -> bytes:
    return hmac.new(key, framed("keystall vault mark", name, vault_id), hashlib.sha256).digest()


def _check_mark(name: str, mark: bytes) -> None:
    execute("INSERT INTO vault_mark (name, mark) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, mark))
    kept = bytes(execute("SELECT mark FROM vault_mark WHERE name = %s", (name,))[0][0])
    if not hmac.compare_digest(kept, mark):
        raise VaultClosed(f"the vault's {name} key is not the one of its last start: put the right key file back")
