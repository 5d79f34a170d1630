"""A simulator on engines that run: the town is furnished in a database that every run copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.config import Config
from tests.simulator.run import Simulator
from tests.simulator.town import config_of, furnish
from tests.support.engines import Addresses, Databases


@contextmanager
def opened(addresses: Addresses, folder: Path, **settings: Any) -> Iterator[Simulator]:
    """Furnish a town and hand out its simulator; `folder` keeps the vault's log. The database goes with the block."""
    databases = Databases(addresses)
    template = databases.copy()
    try:
        keys, urls = _keys(addresses), addresses.of(template)
        town = furnish(config_of(keys, urls, folder), urls)
        yield Simulator(databases, town, template, folder, **settings)
    finally:
        databases.drop(template)
        databases.close()


def _keys(addresses: Addresses) -> Config:
    """Settings that refer to the run's one set of key files."""
    config = Config()
    return dataclasses.replace(config, vault=_kept(config.vault, addresses), secrets=_kept(config.secrets, addresses))


def _kept(section: Any, addresses: Addresses) -> Any:
    """The section with its `file:keys/…` references leading into the run's folder."""
    references = {name: value for name, value in vars(section).items() if str(value).startswith("file:keys/")}
    moved = {name: f"file:{addresses.keys}/{value.removeprefix('file:keys/')}" for name, value in references.items()}
    return dataclasses.replace(section, **moved)
