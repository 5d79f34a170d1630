"""Which settings, addresses and secrets each process may have; everything else is absent from its environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.config import Config, ConfigError
from core.config.loading import as_environment, variable


@dataclass(frozen=True)
class Entitlement:
    """The database roles and key settings of one process; `direct` (LISTEN) is everyone's."""

    roles: tuple[str, ...]
    keys: tuple[str, ...]


_GIVEN = ("mail.password", "sms.access_key_secret", "alerts.urls")
"""Secrets that others made, by which the worker sends; they may be missing where they are not used."""

ENTITLEMENTS = {
    "web": Entitlement(
        roles=("shop", "panel"),
        keys=(
            "vault.public_key",
            "secrets.verify_key",
            "secrets.session_key",
            "secrets.seal_key",
            "secrets.inbox_key",
        ),
    ),
    "bot": Entitlement(
        roles=("shop",),
        keys=(
            "vault.public_key",
            "secrets.session_key",
            "secrets.seal_key",
            "secrets.inbox_key",
            "secrets.bot_key",
        ),
    ),
    "worker": Entitlement(
        roles=("worker",),
        keys=("secrets.act_key", "secrets.bot_key", "secrets.worker_key", *_GIVEN),
    ),
    "seed": Entitlement(roles=("shop",), keys=("vault.public_key", "secrets.operator_key")),
    "vault": Entitlement(
        roles=("vault",),
        keys=(
            "vault.private_key",
            "vault.public_key",
            "vault.fingerprint_key",
            "vault.audit_key",
            "vault.link_key",
            "vault.sign_key",
            "secrets.seal_key",
            "secrets.worker_key",
            "secrets.operator_key",
        ),
    ),
}
_KEYS = {
    *(f"vault.{name}_key" for name in ("private", "public", "fingerprint", "audit", "link", "sign")),
    *(f"secrets.{name}_key" for name in ("verify", "act", "session", "seal", "inbox", "bot", "worker", "operator")),
    *_GIVEN,
}
_CREDENTIALS = "CREDENTIALS_DIRECTORY"  # of systemd, for references such as credential:vault.key
CLOSED = "KEYSTALL_CLOSED"  # the closed paths, since a process does not know the references of others
KIND = "KEYSTALL_KIND"  # what the store is: a process that is told nothing is a real one's
PLACE = "KEYSTALL_PLACE"  # among the processes of one name
CONFINED = ("web", "bot", "worker")
_ROLES = ("shop", "panel", "worker", "vault")
_ALSO = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_ONLY = {"seed": ("KEYSTALL_DEMO_PASSWORD",)}


def environment_of(process: str, config: Config, *, place: int = 0) -> dict[str, str]:
    """The whole environment of a process; `config` has every database address filled in.

    `place` counts the processes of one name: by it the process tells its figures from those of its like.
    What the process may not have is set to nothing, so that neither a file nor a default brings it back.
    """
    entitled = ENTITLEMENTS[process]
    variables = as_environment(config)
    variables[variable("database.url")] = ""
    for role in _ROLES:
        if role not in entitled.roles:
            variables[variable(f"database.roles.{role}")] = ""
    for key in _KEYS - set(entitled.keys):
        variables[variable(key)] = ""
    for reference in (one for key in entitled.keys for one in references(config, key)):
        kind, _, name = reference.partition(":")
        if kind == "env" and name in os.environ:
            variables[name] = os.environ[name]
        if kind == "credential" and _CREDENTIALS in os.environ:
            variables[_CREDENTIALS] = os.environ[_CREDENTIALS]
    also = (*_ALSO, *_ONLY.get(process, ()))
    environment = {name: os.environ[name] for name in also if name in os.environ}
    closed = os.pathsep.join(map(str, closed_paths(config)))
    return environment | variables | {CLOSED: closed, PLACE: str(place), "PYTHONUNBUFFERED": "1"}


def closed_paths(config: Config) -> list[Path]:
    """What no confined process may open: all keys and passwords, the cluster, the vault's own folder."""
    data = config.data_dir
    closed = [config.keys_dir, data / "postgres", data / "postgres.new", data / "vault"]
    every = [reference for key in _KEYS for reference in references(config, key)]
    files = [data / text.removeprefix("file:") for text in every if text.startswith("file:")]
    if _CREDENTIALS in os.environ and any(text.startswith("credential:") for text in every):
        files.append(Path(os.environ[_CREDENTIALS]))
    return closed + sorted(path for path in files if not path.is_relative_to(config.keys_dir))


def keys_in_memory(process: str, config: Config, *, but: Sequence[str] = ()) -> Config:
    """The same settings, with the process's own key files read into memory files that stay open beyond confinement.

    `but` are keys that are left as they are. A key that cannot be read keeps its reference: whoever needs it says what
    is wrong with it.
    """
    for key in (one for one in ENTITLEMENTS[process].keys if one not in but):
        section, _, name = key.partition(".")
        value = getattr(getattr(config, section), name)
        held = tuple(_held(reference, config.data_dir, name) for reference in references(config, key))
        moved = replace(getattr(config, section), **{name: held if isinstance(value, tuple) else "".join(held)})
        config = replace(config, **{section: moved})
    return config


def references(config: Config, key: str) -> tuple[str, ...]:
    """The references of a key setting: one, several where it is a list, none where it is empty."""
    section, _, name = key.partition(".")
    value = getattr(getattr(config, section), name)
    return tuple(one for one in (value if isinstance(value, tuple) else (value,)) if one)


def _held(reference: str, data_dir: Path, name: str) -> str:
    """The reference to a memory file with what the file has now; the same one where it cannot be read."""
    kind, _, place = reference.partition(":")
    folders = {"file": data_dir, "credential": Path(os.environ.get(_CREDENTIALS, ""))}
    if kind not in folders:
        return reference
    try:
        content = (folders[kind] / place).read_bytes()
    except OSError:
        return reference
    held = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(held, content)
    return f"file:/proc/self/fd/{held}"


def check_keys(process: str, config: Config) -> None:
    """Refuse to start without the process's own keys (fault 26); the vault's are its own affair (fault 70)."""
    for key in ENTITLEMENTS[process].keys:
        section, _, name = key.partition(".")
        if section == "secrets":
            try:
                config.secret(getattr(config.secrets, name))
            except ConfigError as error:
                raise ConfigError(f"{key}: {error}") from None
