"""Who may see to whom: an owner to the own party's people, the platform's owner to all, nobody else to anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.config import Config
from core.errors import NotAllowed, NotFound, Refusal
from core.ids import new_id
from core.parties.people import (
    OnlyRoles,
    close_login,
    give_first_password,
    reopen_login,
    second_taken,
    set_roles,
)
from core.parties.rules import Role
from core.parties.service import create_staff
from core.secret import Secret
from tests.builders import NOON, Shop
from tests.support.panel import code_of
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import desk_vault

PASSWORD = Secret("correct horse battery")
ACTS: dict[str, Callable[..., Any]] = {
    "make": lambda person, **who: create_staff(
        email="new@demo.test", name="New", password=PASSWORD, roles=frozenset({Role.FINANCE}), **who
    ),
    "roles": lambda person, **who: set_roles(staff_id=person, roles=frozenset({Role.FINANCE}), **who),
    "close": lambda person, **who: close_login(staff_id=person, **who),
    "reopen": lambda person, **who: reopen_login(staff_id=person, **who),
    "password": lambda person, **who: give_first_password(staff_id=person, password=PASSWORD, **who),
}


@pytest.fixture
def person(shop: Shop) -> UUID:
    """Somebody of the merchant's support."""
    return create_staff(
        actor=OPERATOR,
        party_id=shop.merchant,
        email="fang@demo.test",
        name="Fang",
        password=PASSWORD,
        roles=frozenset({Role.SUPPORT}),
        now=NOON,
    )


def test_nobody_but_an_owner_sees_to_people(shop: Shop, person: UUID) -> None:
    """INV-T1: to a stranger the person is not there; a key of an owner is no owner; refused, nothing is changed."""
    merchant = shop.merchant
    actors: dict[Actor, type[Refusal]] = {
        actor_of(merchant, "finance"): NotAllowed,
        actor_of(merchant, "owner", kind=ActorKind.API_KEY): NotAllowed,
        actor_of(shop.a_party("other"), "owner"): NotFound,
        actor_of(shop.a_party("brand1", kind="supplier"), "owner"): NotFound,
        actor_of(shop.platform, "platform_operator"): NotAllowed,
        actor_of(shop.platform, "auditor"): NotAllowed,
        Actor(ActorKind.SHOPPER, id=new_id(), party_id=merchant): NotFound,
    }
    before = shop.fingerprint()

    for actor, refusal in actors.items():
        for act in ACTS.values():
            with pytest.raises(refusal):
                act(person, actor=actor, party_id=merchant, now=NOON)
        with pytest.raises(NotAllowed):
            second_taken(actor=actor, staff_id=person, now=NOON)

    assert shop.fingerprint() == before


def actor_of(party: int, role: str, *, kind: ActorKind = ActorKind.STAFF) -> Actor:
    return Actor(kind, id=new_id(), party_id=party, roles=frozenset({role}))


def test_a_person_of_another_party_is_nobody_here(shop: Shop, person: UUID) -> None:
    """INV-T1: an owner who names a foreign person at the own party reaches nobody; nor does the platform there."""
    other = shop.a_party("other")
    before = shop.fingerprint()

    for actor in (actor_of(other, "owner"), actor_of(shop.platform, "platform_owner")):
        for act in [ACTS[name] for name in ACTS if name != "make"]:
            with pytest.raises(NotFound):
                act(person, actor=actor, party_id=other, now=NOON)

    assert shop.fingerprint() == before


def test_a_login_keeps_one_role_or_is_closed(shop: Shop, person: UUID) -> None:
    """Without any it would be found by nobody, and its address could have no other login."""
    before = shop.fingerprint()

    with pytest.raises(OnlyRoles):
        set_roles(
            actor=actor_of(shop.merchant, "owner"),
            staff_id=person,
            party_id=shop.merchant,
            roles=frozenset(),
            now=NOON,
        )

    assert shop.fingerprint() == before


def test_a_next_seed_is_forgotten_when_the_vaults_key_changes_and_the_old_one_counts(
    shop: Shop, person: UUID, config: Config
) -> None:
    """INV-K3: whoever was just scanning begins again; nobody is locked out."""
    from core.vault.client import VaultRefused
    from core.vault.key_requests import KeyRequests

    client = desk_vault(with_own_keys(config)).client
    letters = client.begin_second_factor(person).letters
    client.confirm_second_factor(person, code_of(letters))
    shop.sql("UPDATE staff_totp SET last_step = 0")
    following = client.replace_second_factor(person, code_of(letters)).letters

    KeyRequests(client).rotate()

    with pytest.raises(VaultRefused):
        client.second_factor_replaced(person, code_of(following))
    shop.sql("UPDATE staff_totp SET last_step = 0")
    client.check_second_factor(person, code_of(letters))
    assert shop.sql("SELECT next_sealed FROM staff_totp") == [(None,)]
