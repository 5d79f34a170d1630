"""A vault with key files of its own, which a test may change, and a look into every card with them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from core import db
from core.config import Config, Vault
from core.custody.keychain.keyring import Keyring
from core.custody.keychain.keys import open_vault
from core.custody.openings.checks import LineCard, open_cards
from ops.processes.vault_wiring import key_source
from tests.support.engines import Addresses

EVERY_CARD = """
SELECT c.id, c.state, c.mask, c.opened_at IS NOT NULL, s.sealed,
       b.id, b.no, b.state, b.owner_id, b.sku_id, b.card_count, b.source_hash, k.sealed_dek, k.signature,
       k.next_sealed_dek, k.next_signature
FROM card c JOIN card_seal s ON s.card_id = c.id JOIN batch b ON b.no = c.batch_no JOIN batch_key k ON k.batch_no = b.no
"""


def keys_of(addresses: Addresses) -> Config:
    """Settings that refer to a run's one set of key files, by absolute paths."""
    config = Config()
    return replace(config, vault=_kept(config.vault, addresses), secrets=_kept(config.secrets, addresses))


def _kept(section: Any, addresses: Addresses) -> Any:
    """The section with its `file:keys/…` references leading into the run's folder."""
    references = {name: value for name, value in vars(section).items() if str(value).startswith("file:keys/")}
    moved = {name: f"file:{addresses.keys}/{value.removeprefix('file:keys/')}" for name, value in references.items()}
    return replace(section, **moved)


def with_own_keys(config: Config) -> Config:
    """The same settings with a copy of the vault's files in the store's own folder, under their default names."""
    config.keys_dir.mkdir(mode=0o700, exist_ok=True)
    own = Vault(opening_budget_per_hour=config.vault.opening_budget_per_hour)
    for name, reference in vars(own).items():
        if str(reference).startswith("file:"):
            theirs = Path(getattr(config.vault, name).removeprefix("file:"))
            shutil.copy(theirs, config.data_dir / reference.removeprefix("file:"))
    return replace(config, vault=own)


def ring(config: Config) -> Keyring:
    """The versions as a start would read them."""
    return Keyring(key_source(config))


def every_secret(config: Config) -> list[str]:
    """The secret of each card in the store, opened with the keys that the files hold now. Raises `BrokenSeal`."""
    with psycopg.connect(config.database.roles.vault) as connection:
        cards = [LineCard(*row) for row in connection.execute(EVERY_CARD)]
    db.disconnect()
    db.connect(config.database.roles.vault, size=2)
    try:
        vault = open_vault(config, key_source(config))
    finally:
        db.disconnect()
        db.connect(config.database.roles.shop, size=24)
    return sorted(fields["secret"] for fields in open_cards(vault, cards).values())
