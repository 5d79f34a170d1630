"""The versions of the vault's key side by side: one seals what is new, any of them opens what it sealed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from core.custody.openings.batch_keys import BatchKeys
from core.ports import KeySource
from core.secret import Secret
from core.vault.primitives import SealError, public_of
from core.vault.seal import generate_keypair, key_id

Result = TypeVar("Result")


class NoSuchVersion(Exception):
    """The ring has no key of this name."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyVersion:
    """One pair: private (104 bytes), public (1,224 bytes), and the 16 hex characters that name it."""

    id: str
    private: bytes
    public: bytes


class Keyring:
    """All versions that this vault has. Threads read it while another changes it: each change is one assignment."""

    def __init__(self, source: KeySource) -> None:
        """Read every version. Raises ConfigError, and `SealError` for a file that is no key, or an unknown public one.

        `SealError` also where the public key belongs to none of the private ones.
        """
        self._source = source
        self.batch_keys = BatchKeys()
        read = (_version(private.reveal()) for private in source.private_keys().values())
        self._versions: Mapping[str, KeyVersion] = {version.id: version for version in read}
        self._current = self._versions.get(key_id(source.public_key()))
        if self._current is None:
            raise SealError

    @property
    def current(self) -> KeyVersion:
        """The version that seals what is new."""
        if self._current is None:
            raise AssertionError("checked when the ring was read")
        return self._current

    @property
    def versions(self) -> tuple[KeyVersion, ...]:
        """All versions, the one in use first."""
        current = self.current
        return (current, *(version for name, version in self._versions.items() if name != current.id))

    @property
    def privates(self) -> tuple[bytes, ...]:
        """What opens, tried in this order."""
        return tuple(version.private for version in self.versions)

    def opened(self, open_with: Callable[[bytes], Result]) -> Result:
        """What the first private key opens that can. Raises `SealError` when none does."""
        for private in self.privates:
            with contextlib.suppress(SealError):
                return open_with(private)
        raise SealError

    def which(self, open_with: Callable[[bytes], object]) -> KeyVersion:
        """The version that opens it. Raises `SealError` when none does."""
        for version in self.versions:
            with contextlib.suppress(SealError):
                open_with(version.private)
                return version
        raise SealError

    def find(self, version: str) -> KeyVersion:
        """The version of this name. Raises `NoSuchVersion`."""
        if version not in self._versions:
            raise NoSuchVersion
        return self._versions[version]

    def add_new(self) -> KeyVersion:
        """One more version, kept safe by its source before anything is sealed with it. Raises ConfigError, OSError."""
        private, public = generate_keypair()
        version = KeyVersion(key_id(public), private, public)
        self._source.add(version.id, Secret(private))
        self._versions = {**self._versions, version.id: version}
        return version

    def use(self, version: KeyVersion) -> None:
        """Seal with this version from now on. Raises ConfigError, OSError."""
        self._source.publish(version.public, Secret(version.private))
        self._current = version

    def forget(self, version: KeyVersion) -> None:
        """Open nothing with this version any more. Raises ConfigError, OSError."""
        self._source.remove(version.id)
        self.batch_keys.forget()
        self._versions = {name: one for name, one in self._versions.items() if name != version.id}


def _version(private: bytes) -> KeyVersion:
    public = public_of(private)
    return KeyVersion(key_id(public), private, public)
