"""Two owners who take each other's role in the same moment: one of them stays an owner."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core.actor import Actor, ActorKind
from core.ids import new_id
from core.parties import people
from core.parties.people import LastOwner, close_login, set_roles
from core.parties.rules import Role
from tests.builders import NOON, Shop
from tests.races.racing import at_once


def an_owner(shop: Shop, name: str) -> Actor:
    """Somebody who owns the merchant."""
    person = new_id()
    shop.sql(
        "INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, '$argon2id$none', now())",
        [person, f"{name}@demo.test", name],
    )
    shop.sql("INSERT INTO staff_role VALUES (%s, %s, 'owner')", [person, shop.merchant])
    return Actor(ActorKind.STAFF, id=person, party_id=shop.merchant, roles=frozenset({Role.OWNER}))


def both(shop: Shop) -> list[Any]:
    """Each of two owners acts upon the other at once: one takes the role, one closes the login."""
    mei, li = an_owner(shop, "mei"), an_owner(shop, "li")
    assert mei.id is not None
    assert li.id is not None
    one, other = mei.id, li.id
    roles, party = frozenset({Role.SUPPORT}), shop.merchant
    return at_once(
        [
            lambda: set_roles(actor=mei, staff_id=other, party_id=party, roles=roles, now=NOON),
            lambda: close_login(actor=li, staff_id=one, party_id=party, now=NOON),
        ]
    )


def owners(shop: Shop) -> int:
    rows = shop.sql(
        "SELECT count(*) FROM staff_role r JOIN staff s ON s.id = r.staff_id"
        " WHERE r.role = 'owner' AND s.disabled_at IS NULL"
    )
    return int(rows[0][0])


def test_of_two_owners_who_send_each_other_away_one_stays(shop: Shop) -> None:
    refused = [result for result in both(shop) if result is not None]

    assert [type(one) for one in refused] == [LastOwner]
    assert owners(shop) == 1


def test_control_without_waiting_for_each_other_nobody_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    met, real = threading.Barrier(2, timeout=20), people._require_another_owner

    def look_together(*asked: Any) -> None:
        real(*asked)
        met.wait()

    monkeypatch.setattr(people, "ONE_AT_A_TIME", "SELECT %s::bigint[]")
    monkeypatch.setattr(people, "_require_another_owner", look_together)

    assert both(shop) == [None, None]
    assert owners(shop) == 0
