"""One pick-up code typed in many chats at once: one of them gets the cards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from core import db
from core.config import Config
from core.custody.keychain.keys import open_vault
from core.custody.openings import pickups
from core.custody.openings.opening_log import OpeningLog
from core.custody.openings.pickups import Pickups
from core.vault.client import PickedUp
from ops.processes.vault_wiring import key_source
from tests.races.racing import at_once, failures
from tests.support.exchange import Exchange
from tests.support.sales import a_counter
from tests.support.vaults import desk_vault

CHATS = 8


@pytest.fixture
def desk(store_db: Any, sql: Any, config: Config, urls: dict[str, str]) -> Exchange:
    return Exchange(a_counter(desk_vault(config), sql), urls)


@pytest.fixture
def vault(desk: Exchange, config: Config) -> Iterator[Pickups]:
    """The vault's own part in this process, with its role's rights."""
    journal = OpeningLog(config.data_dir / "vault" / "race.log")
    db.connect(desk.urls["vault"], size=2)
    opened = open_vault(config, key_source(config))
    db.connect(desk.urls["shop"], size=24)
    yield Pickups(opened, journal, lambda: datetime.now(UTC))
    journal.close()


def raced(desk: Exchange, vault: Pickups, chats: int) -> list[Any]:
    """What each chat is answered, all at once."""
    sale = desk.delivered(1)
    code = desk.code(sale)
    wishes = [desk.writes(desk.counter.shop.a_shopper(), code) for _ in range(chats)]
    db.connect(desk.urls["vault"], size=chats + 2)
    try:
        return at_once([lambda wish=wish: vault.pick_up(wish) for wish in wishes])
    finally:
        db.connect(desk.urls["shop"], size=24)


def test_one_of_many_chats_gets_the_cards(desk: Exchange, vault: Pickups) -> None:
    answers = raced(desk, vault, CHATS)

    assert sum(isinstance(answer, PickedUp) for answer in answers) == 1
    assert failures(answers) == ["OpeningRefused"] * (CHATS - 1)
    assert desk.counter.shop.count("pickup_use") == 1
    assert desk.counter.shop.sql("SELECT count(*) FROM audit_entry WHERE action = 'cards.picked_up'") == [(1,)]


def test_control_without_lock_and_key_two_chats_get_them(
    desk: Exchange, vault: Pickups, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, real = threading.Barrier(2, timeout=20), pickups.seal_use

    def sealed_together(*what: Any) -> bytes:
        both.wait()
        return real(*what)

    monkeypatch.setattr(pickups, "CODES", pickups.CODES.replace("FOR UPDATE", ""))
    monkeypatch.setattr(pickups, "seal_use", sealed_together)
    desk.counter.shop.sql("ALTER TABLE pickup_use DROP CONSTRAINT pickup_use_pkey")

    assert sum(isinstance(answer, PickedUp) for answer in raced(desk, vault, 2)) == 2
