"""Parties, staff, shoppers and gateway accounts: who may make them, who may see them (INV-T1 for these rooms)."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from core.actor import OPERATOR, SYSTEM, Actor, ActorKind
from core.connections.service import (
    SandboxElsewhere,
    access_gateway_account,
    by_opaque_id,
    create_gateway_account,
    gateway_account,
    gateway_accounts,
)
from core.errors import Invalid, NotAllowed, NotFound
from core.members.service import (
    Channel,
    IdentityTaken,
    access_shopper,
    create_shopper_with_identity,
    set_locale,
)
from core.parties.service import (
    CodeTaken,
    PartyKind,
    Role,
    access_party,
    create_party,
    create_staff,
    find_merchant,
    find_party,
    platform_id,
)
from core.secret import Secret
from tests.builders import NOON, Shop, Sql

NAMES = {"zh-CN": "某店", "en": "Some shop"}


@pytest.fixture
def shop(store_db: object, sql: Sql) -> Shop:
    shop = Shop(sql)
    _ = shop.merchant
    shop.a_party("other")
    return shop


def staff_of(party_id: int, *roles: Role) -> Actor:
    return Actor(ActorKind.STAFF, id=uuid4(), party_id=party_id, roles=frozenset(roles))


def refused(work: Callable[[], object]) -> NotFound:
    with pytest.raises(NotFound) as caught:
        work()
    return caught.value


def test_the_operator_makes_a_merchant_and_shoppers_find_it(shop: Shop) -> None:
    number = create_party(actor=OPERATOR, kind=PartyKind.MERCHANT, code="tea", names=NAMES, now=NOON)

    assert find_merchant("tea").id == number
    assert find_merchant("tea").names == NAMES
    assert find_merchant(None).code == "demo"
    assert find_party(code="tea").kind is PartyKind.MERCHANT
    assert shop.sql("SELECT action, object_id, party_id FROM audit_entry") == [("party.created", str(number), number)]


@pytest.mark.parametrize("code", ["", "Tea", "te a", "-tea", "tea'", "x" * 41, "ｔea"])
def test_a_code_that_could_not_stand_in_an_address_is_refused(shop: Shop, code: str) -> None:
    before = shop.fingerprint()

    with pytest.raises(Invalid):
        create_party(actor=OPERATOR, kind=PartyKind.MERCHANT, code=code, names=NAMES, now=NOON)
    assert shop.fingerprint() == before


def test_a_code_or_a_second_platform_is_refused_and_changes_nothing(shop: Shop) -> None:
    before = shop.fingerprint()

    with pytest.raises(CodeTaken):
        create_party(actor=OPERATOR, kind=PartyKind.SUPPLIER, code="demo", names=NAMES, now=NOON)
    with pytest.raises(CodeTaken):
        create_party(actor=OPERATOR, kind=PartyKind.PLATFORM, code="platform2", names=NAMES, now=NOON)
    with pytest.raises(CodeTaken):
        create_party(actor=OPERATOR, kind=PartyKind.MERCHANT, code="d2", names=NAMES, is_default=True, now=NOON)
    assert shop.fingerprint() == before


def test_only_the_platform_makes_parties_and_only_an_owner_people(shop: Shop) -> None:
    before = shop.fingerprint()

    for actor in (staff_of(shop.merchant, Role.FINANCE), staff_of(shop.platform, Role.PLATFORM_OPERATOR)):
        with pytest.raises(NotAllowed):
            create_party(actor=actor, kind=PartyKind.MERCHANT, code="tea", names=NAMES, now=NOON)
        with pytest.raises(NotAllowed):
            create_staff(
                actor=actor,
                party_id=shop.merchant,
                email="a@b.c",
                name="A",
                password=Secret("correct horse battery"),
                roles=frozenset({Role.OWNER}),
                now=NOON,
            )
    assert shop.fingerprint() == before


def test_a_password_is_kept_as_argon2_and_nowhere_else(shop: Shop) -> None:
    staff_id = create_staff(
        actor=OPERATOR,
        party_id=shop.merchant,
        email="Owner@Shop.Test",
        name="Owner",
        password=Secret("correct horse battery"),
        roles=frozenset({Role.OWNER, Role.FINANCE}),
        now=NOON,
    )

    ((email, stored),) = shop.sql("SELECT email, password_hash FROM staff WHERE id = %s", [staff_id])
    assert email == "owner@shop.test"
    assert stored.startswith("$argon2id$")
    assert shop.sql("SELECT role FROM staff_role ORDER BY role") == [("finance",), ("owner",)]
    assert "correct horse" not in str(shop.sql("SELECT * FROM audit_entry"))


@pytest.mark.parametrize(
    ("at", "roles"),
    [
        ("demo", {Role.PLATFORM_OWNER}),
        ("demo", {Role.OWNER, Role.PLATFORM_OWNER}),
        ("demo", set()),
        ("platform", {Role.OWNER}),
        ("platform", {Role.PLATFORM_OWNER, Role.FINANCE}),
    ],
)
def test_a_party_never_gives_a_role_that_is_not_its_own_to_give(shop: Shop, at: str, roles: set[Role]) -> None:
    with pytest.raises(Invalid):
        create_staff(
            actor=OPERATOR,
            party_id=shop.a_party(at),
            email="a@b.c",
            name="A",
            password=Secret("correct horse battery"),
            roles=frozenset(roles),
            now=NOON,
        )
    assert shop.count("staff") == 0


def test_a_suspended_merchant_and_a_supplier_have_no_shop(shop: Shop) -> None:
    shop.a_party("brand1", "supplier")
    shop.sql("UPDATE party SET status = 'suspended' WHERE code = 'other'")

    for code in ("other", "brand1", "nobody", "", "a\0b"):
        assert str(refused(lambda code=code: find_merchant(code))) == str(refused(lambda: find_merchant("none")))


def test_inv_t1_a_foreign_party_looks_like_a_missing_one(shop: Shop) -> None:
    other = shop.a_party("other")

    for actor in (staff_of(shop.merchant, Role.OWNER), Actor(ActorKind.SHOPPER, id=uuid4(), party_id=other)):
        foreign = refused(lambda actor=actor: access_party(actor=actor, party_id=other))
        missing = refused(lambda actor=actor: access_party(actor=actor, party_id=10**12))
        assert (str(foreign), foreign.params) == (str(missing), missing.params)
    assert access_party(actor=staff_of(other), party_id=other).code == "other"
    assert access_party(actor=staff_of(platform_id(), Role.PLATFORM_OPERATOR), party_id=other).code == "other"
    assert access_party(actor=SYSTEM, party_id=other).code == "other"


def test_inv_t1_a_foreign_shopper_looks_like_a_missing_one(shop: Shop) -> None:
    mine, theirs = shop.a_shopper(), shop.a_shopper(merchant=shop.a_party("other"))
    forged = Actor(ActorKind.SHOPPER, id=theirs.shopper_id, party_id=shop.merchant)

    for actor in (mine.actor, staff_of(shop.merchant, Role.OWNER), forged):
        foreign = refused(lambda actor=actor: access_shopper(actor=actor, shopper_id=theirs.shopper_id))
        missing = refused(lambda actor=actor: access_shopper(actor=actor, shopper_id=uuid4()))
        assert (str(foreign), foreign.params) == (str(missing), missing.params)
    assert access_shopper(actor=theirs.actor, shopper_id=theirs.shopper_id).merchant_id == shop.a_party("other")
    assert access_shopper(actor=staff_of(shop.merchant), shopper_id=mine.shopper_id).locale == "zh-CN"


def test_a_shopper_is_known_once_per_channel_and_merchant(shop: Shop) -> None:
    shopper_id, identity_id = create_shopper_with_identity(
        merchant_id=shop.merchant, channel=Channel.TELEGRAM, external_id="77", locale="en", now=NOON
    )
    before = shop.fingerprint()

    with pytest.raises(IdentityTaken):
        create_shopper_with_identity(
            merchant_id=shop.merchant, channel=Channel.TELEGRAM, external_id="77", locale="en", now=NOON
        )
    assert shop.fingerprint() == before
    create_shopper_with_identity(
        merchant_id=shop.a_party("other"), channel=Channel.TELEGRAM, external_id="77", locale="en", now=NOON
    )
    assert shop.sql("SELECT shopper_id FROM identity WHERE id = %s", [identity_id]) == [(shopper_id,)]


def test_a_shopper_changes_the_language_and_nobody_elses(shop: Shop) -> None:
    mine, theirs = shop.a_shopper(), shop.a_shopper()

    set_locale(actor=mine.actor, locale="en", now=NOON)

    assert access_shopper(actor=mine.actor, shopper_id=mine.shopper_id).locale == "en"
    assert access_shopper(actor=theirs.actor, shopper_id=theirs.shopper_id).locale == "zh-CN"
    assert shop.sql("SELECT action, detail FROM audit_entry") == [("shopper.locale_changed", {"locale": "en"})]
    with pytest.raises(Invalid):
        set_locale(actor=mine.actor, locale="fr", now=NOON)
    refused(lambda: set_locale(actor=staff_of(shop.merchant), locale="en", now=NOON))


def sandbox(shop: Shop, actor: Actor = OPERATOR, **changes: object) -> object:
    wanted = {"merchant_id": shop.merchant, "gateway": "sandbox", "currency": "CNY", "names": NAMES, **changes}
    return create_gateway_account(actor=actor, now=NOON, **wanted)  # type: ignore[arg-type]


def test_a_sandbox_gateway_exists_only_in_a_database_marked_for_it(shop: Shop) -> None:
    shop.sql("DELETE FROM installation")
    with pytest.raises(SandboxElsewhere):
        sandbox(shop)

    shop.sql("INSERT INTO installation (kind, vault_id) VALUES ('production', gen_random_uuid())")
    with pytest.raises(SandboxElsewhere):
        sandbox(shop)
    assert shop.count("gateway_account") == 0


def test_a_gateway_account_is_offered_in_its_currency_while_enabled(shop: Shop) -> None:
    mark_as_demo(shop)
    made = sandbox(shop)

    assert gateway_accounts(merchant_id=shop.merchant, currency="CNY") == [made]
    assert gateway_accounts(merchant_id=shop.merchant, currency="USD") == []
    assert gateway_accounts(merchant_id=shop.a_party("other"), currency="CNY") == []
    assert by_opaque_id(made.opaque_id) == made == gateway_account(account_id=made.id)  # type: ignore[attr-defined]

    shop.sql("UPDATE gateway_account SET enabled = false")
    assert gateway_accounts(merchant_id=shop.merchant, currency="CNY") == []
    assert not by_opaque_id(made.opaque_id).enabled, "its late notices are still booked"  # type: ignore[attr-defined]


def test_a_gateway_we_do_not_speak_to_and_a_party_without_shop_are_refused(shop: Shop) -> None:
    mark_as_demo(shop)
    brand = shop.a_party("brand1", "supplier")

    for changes in ({"gateway": "bank"}, {"currency": "ZZZ"}, {"names": {"en": "x"}}, {"merchant_id": brand}):
        with pytest.raises(Invalid):
            sandbox(shop, **changes)
    assert shop.count("gateway_account") == 0


def test_inv_t1_a_foreign_gateway_account_looks_like_a_missing_one(shop: Shop) -> None:
    mark_as_demo(shop)
    made = sandbox(shop, merchant_id=shop.a_party("other"))
    actor = staff_of(shop.merchant, Role.OWNER)

    foreign = refused(lambda: access_gateway_account(actor=actor, account_id=made.id))  # type: ignore[attr-defined]
    missing = refused(lambda: access_gateway_account(actor=actor, account_id=10**12))
    assert (str(foreign), foreign.params) == (str(missing), missing.params)
    refused(lambda: sandbox(shop, actor, merchant_id=shop.a_party("other")))
    with pytest.raises(NotAllowed):
        sandbox(shop, staff_of(shop.merchant, Role.CATALOG))
    for unknown in ("", "x" * 22, "é", "a\0b"):
        refused(lambda unknown=unknown: by_opaque_id(unknown))


def mark_as_demo(shop: Shop) -> None:
    shop.sql("DELETE FROM installation")
    shop.sql(
        "INSERT INTO installation (kind, vault_id, sandbox_public_key)"
        " VALUES ('demo', gen_random_uuid(), decode(repeat('01', 32), 'hex'))"
    )
