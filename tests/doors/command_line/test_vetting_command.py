"""`vetting`: which suppliers the platform knows, and what it says of those that it does not."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from core.config import Config
from ops.commands import import_
from tests.builders import Shop
from tests.support.command_line import Command
from tests.support.vaults import desk_vault


def test_a_supplier_is_vetted_listed_and_not_vetted_any_more(
    command: Command, config: Config, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.a_party("brand1", "supplier")
    shop.a_party("agent1", "supplier")
    desk = desk_vault(config)
    monkeypatch.setattr(import_, "vault", lambda *_, is_running: contextlib.nullcontext(desk.client))

    bare = command(config, "vetting", "add", "brand1")
    added = command(config, "vetting", "add", "brand1", "--reason", "licence seen")
    _, listed, _ = command(config, "vetting", "list")
    twice = command(config, "vetting", "add", "brand1", "--reason", "licence seen")
    nobody = command(config, "vetting", "add", "ghost", "--reason", "x")
    ended = command(config, "vetting", "end", "brand1", "--reason", "contract over")
    _, after, _ = command(config, "vetting", "list")

    assert (bare[0], "a vetting has a --reason" in bare[2]) == (2, True)
    assert added == (0, "brand1 is vetted: no quota holds for what he brings\n", "")
    lines = listed.splitlines()
    assert lines[0] == "agent1  not vetted: 5000 rows a day"
    assert lines[1].startswith("brand1  vetted since 20")
    assert lines[1].endswith("Z: licence seen")
    assert lines[2] == "vetted 1 of 2"
    assert (twice[0], "brand1 is vetted already: nothing was changed" in twice[2]) == (2, True)
    assert (nobody[0], "there is no supplier ghost" in nobody[2]) == (2, True)
    assert ended == (0, "brand1 is not vetted any more: the daily quota holds from now on\n", "")
    assert after.splitlines()[2] == "vetted 0 of 2"
    assert sql("SELECT count(*)::int FROM supplier_vetting") == [(1,)]
