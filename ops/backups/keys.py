"""The pair that backups are sealed with: the public half stays here, the private half is put away by a person."""

from __future__ import annotations

from pathlib import Path

from core.config import Config, ConfigError
from core.vault.primitives import SealError, new_private, public_of
from ops.engines.passwords import write_new


def files(config: Config) -> tuple[Path, Path]:
    """The private and the public file."""
    return config.keys_dir / "backup.key", config.keys_dir / "backup.pub"


def make_missing(config: Config) -> list[Path]:
    """Make the pair when neither half is here; a lone half is left alone. Returns the files that were made."""
    private, public = files(config)
    if private.exists() or public.exists():
        return []
    fresh = new_private()
    config.keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [path for path, raw in ((private, fresh), (public, public_of(fresh))) if write_new(path, raw)]


def public_key(config: Config) -> bytes:
    """What backups are sealed to. Raises ConfigError when it is missing."""
    private, public = files(config)
    if not public.exists() and private.exists():
        return _public_of(private)
    if not public.exists():
        raise ConfigError(f"{public} is missing: put it back from your copy of the keys, or `init` makes a new pair")
    return public.read_bytes()


def private_key(config: Config, given: Path | None) -> bytes:
    """What opens backups: the file that is given, else the one that still lies here. Raises ConfigError."""
    file = given or files(config)[0]
    try:
        raw = file.read_bytes()
    except OSError as error:
        mend = "give the escrowed private key with --key FILE"
        raise ConfigError(f"the backup key {file} cannot be read ({error.strerror}): {mend}") from None
    _public_of(file)
    return raw


def _public_of(file: Path) -> bytes:
    try:
        return public_of(file.read_bytes())
    except SealError:
        raise ConfigError(f"{file} is no private backup key: give the file that `init` made as backup.key") from None
