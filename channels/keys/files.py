"""The vault's private keys as files: the main one, further versions beside it, written whole or not at all.

`vault.key` and `vault.pub` are the pair in use. Other versions lie in the keys folder as `vault.key.<id>`. Every step
of a change leaves a set of files that a start understands: the public file says which version is in use, and the
private key of whatever it names is on the disk before it does.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from core.config import Config, ConfigError
from core.secret import Secret
from core.vault.primitives import SealError, public_id, public_of

_VERSION = re.compile(r"[0-9a-f]{16}")


class FileKeys:
    """`vault.private_key = "file:…"`, and whatever `vault.public_key` refers to."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._main = config.data_dir / config.vault.private_key.removeprefix("file:")
        self._folder = config.keys_dir

    def private_keys(self) -> Mapping[str, Secret]:
        """Each private key by where it lies, the main one first. Raises ConfigError when there is none to read."""
        others = sorted(path for path in self._folder.glob(f"{self._main.name}.*") if _is_version(path))
        config = self._config
        main = {str(self._main): config.secret(config.vault.private_key)} if self._main.exists() or not others else {}
        return main | {str(path): config.secret(f"file:{path}") for path in others}

    def public_key(self) -> bytes:
        """The public key in use. Raises ConfigError."""
        return self._config.secret(self._config.vault.public_key).reveal()

    def add(self, version: str, private: Secret) -> None:
        """Keep one more version; on the disk when this returns. Raises ConfigError, OSError."""
        write_durably(self._folder / f"{self._main.name}.{version}", private.reveal())

    def publish(self, public: bytes, private: Secret) -> None:
        """From now on this version is the one in use. Raises ConfigError, OSError; may be repeated.

        The version in use before stays beside, so that a kill between any two steps loses neither.
        """
        before = self._config.secret(self._config.vault.private_key).reveal() if self._main.exists() else b""
        if before and before != private.reveal():
            self.add(_id_of(before), Secret(before))
        self.add(_id_of(private.reveal()), private)
        publish_file(self._config, public)
        write_durably(self._main, private.reveal())
        (self._folder / f"{self._main.name}.{public_id(public)}").unlink(missing_ok=True)

    def remove(self, version: str) -> None:
        """Forget a version that is not in use. Raises OSError."""
        (self._folder / f"{self._main.name}.{version}").unlink(missing_ok=True)
        _sync_folder(self._folder)


class CredentialKeys:
    """Keys that something else keeps and this process can only read: a systemd credential, or the environment.

    `private_key = "credential:vault.key"` is `$CREDENTIALS_DIRECTORY/vault.key`; further versions are credentials
    called `vault.key.<id>`.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kind, _, self._name = config.vault.private_key.partition(":")

    def private_keys(self) -> Mapping[str, Secret]:
        """Each private key by its reference, the main one first. Raises ConfigError when there is none to read."""
        references = [f"{self._kind}:{self._name}"]
        folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if self._kind == "credential" and folder:
            beside = sorted(path for path in Path(folder).glob(f"{self._name}.*") if _is_version(path))
            references += [f"credential:{path.name}" for path in beside]
        return {reference: self._config.secret(reference) for reference in references}

    def public_key(self) -> bytes:
        """The public key in use. Raises ConfigError."""
        return self._config.secret(self._config.vault.public_key).reveal()

    def add(self, version: str, private: Secret) -> None:
        """Nothing can be added from here. Raises ConfigError."""
        raise ConfigError(
            f"the vault's keys come from {self._kind}:{self._name}, which the store cannot write: make a version with"
            f" `keys make FILE`, add it as {self._kind}:{self._name}.<its version>, start the store again, then"
            " `keys rotate --to VERSION`"
        )

    def publish(self, public: bytes, private: Secret) -> None:
        """Say in the public file which version is in use. Raises ConfigError where that is no file, OSError."""
        publish_file(self._config, public)

    def remove(self, version: str) -> None:
        """Nothing can be removed from here. Raises ConfigError."""
        raise ConfigError(f"take the credential {self._name}.{version} away yourself, then start the store again")


def publish_file(config: Config, public: bytes) -> None:
    """Replace the public key's file in one step. Raises ConfigError where the setting names no file, OSError."""
    kind, _, place = config.vault.public_key.partition(":")
    if kind != "file":
        raise ConfigError("vault.public_key is no file: set it to file:keys/vault.pub, so that it can say what is new")
    write_durably(config.data_dir / place, public)


def write_durably(path: Path, content: bytes) -> None:
    """Write a 0600 file, or replace it, in one step; both it and its name are on the disk when this returns."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _id_of(private: bytes) -> str:
    try:
        return public_id(public_of(private))
    except SealError:
        raise ConfigError("a private key file of the vault holds something else: put the right file back") from None


def _is_version(path: Path) -> bool:
    return _VERSION.fullmatch(path.suffix[1:]) is not None
