"""Several filters kept in the same moment: a person never keeps more than twenty."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from core.actor import Actor, ActorKind
from core.ids import new_id
from core.parties import kept_filters
from core.parties.kept_filters import MOST, TooManyFilters, keep_filter
from tests.builders import NOON, Shop
from tests.races.racing import at_once


def four_at_once(shop: Shop) -> list[Any]:
    """Somebody who keeps all but one keeps four more at once."""
    person = new_id()
    shop.sql(
        "INSERT INTO staff (id, email, name, password_hash, created_at)"
        " VALUES (%s, 'mei@demo.test', 'Mei', '$argon2id$none', now())",
        [person],
    )
    keep = partial(
        keep_filter,
        actor=Actor(ActorKind.STAFF, id=person, party_id=shop.merchant),
        listed="orders",
        cut={"state": "paid"},
        now=NOON,
    )
    shop.sql(
        "INSERT INTO kept_filter SELECT gen_random_uuid(), %s, %s, 'orders', 'No ' || n, 'state=paid', now()"
        " FROM generate_series(2, %s) n",
        [person, shop.merchant, MOST],
    )
    return at_once([partial(keep, name=f"At once {number}") for number in range(4)])


def test_of_four_that_are_kept_at_once_only_one_fits(shop: Shop) -> None:
    refused = [type(one) for one in four_at_once(shop) if isinstance(one, Exception)]

    assert refused == [TooManyFilters] * 3
    assert shop.count("kept_filter") == MOST


def test_control_without_waiting_for_each_other_all_four_fit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    met, real = threading.Barrier(4, timeout=20), kept_filters.execute

    def look_together(statement: str, *asked: Any) -> Any:
        found = real(statement, *asked)
        if statement == kept_filters.HELD:
            met.wait()
        return found

    monkeypatch.setattr(kept_filters, "ONE_AT_A_TIME", "SELECT %s::text")
    monkeypatch.setattr(kept_filters, "execute", look_together)

    four_at_once(shop)

    assert shop.count("kept_filter") == MOST + 3
