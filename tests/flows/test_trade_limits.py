"""Trade accounts of two parties: who sets limits and books money, and what no statement may break."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.supply.trade import LimitInUse, TopUpBooked, TopUpSpent, take_back_topup, trade_accounts
from tests.builders import NOON, Shop
from tests.support.till import Till
from tests.support.trade import a_chain, limit, stands, top_up, violated


@pytest.fixture
def till(shop: Shop) -> Till:
    return a_chain(shop)


def test_inv_m11_a_limit_never_goes_below_what_is_owed_and_held(till: Till) -> None:
    shop = till.shop
    till.pay(shop.place(shop.a_shopper(), shop.a_listing()))
    shop.place(shop.a_shopper(), shop.a_listing())
    before = shop.fingerprint()

    with pytest.raises(LimitInUse) as refused:
        limit(shop, "dist1", "demo", 3239)

    assert refused.value.params == {"used": 3240}
    assert shop.fingerprint() == before
    limit(shop, "dist1", "demo", 3240)
    assert stands(shop)["demo→dist1"] == (-1620, 1620, 3240)


def test_money_is_booked_once_per_reference_and_taken_back_once(till: Till) -> None:
    shop = till.shop
    first = top_up(shop, "dist1", "demo", 5000)
    before = shop.fingerprint()
    with pytest.raises(TopUpBooked):
        top_up(shop, "dist1", "demo", 5000)
    assert shop.fingerprint() == before

    take_back_topup(actor=OPERATOR, topup_id=first, reason="another debtor's", now=NOON)

    assert stands(shop)["demo→dist1"] == (0, 0, 100_000)
    with pytest.raises(NotFound):
        take_back_topup(actor=OPERATOR, topup_id=first, reason="again", now=NOON)
    again = top_up(shop, "dist1", "demo", 700)
    limit(shop, "dist1", "demo", 1000)
    shop.place(shop.a_shopper(), shop.a_listing())
    before = shop.fingerprint()
    with pytest.raises(TopUpSpent):
        take_back_topup(actor=OPERATOR, topup_id=again, reason="held by an order", now=NOON)
    assert shop.fingerprint() == before
    assert violated() == {}


WRONG = {
    "not an amount": {"minor": 0},
    "below nothing": {"minor": -1},
    "beyond every bound": {"minor": 10**15 + 1},
    "no reference": {"minor": 1, "reference": "  "},
    "a reference of two lines": {"minor": 1, "reference": "a\nb"},
    "a reference without end": {"minor": 1, "reference": "x" * 201},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_money_is_refused_and_changes_nothing(till: Till, wrong: dict[str, Any]) -> None:
    before = till.shop.fingerprint()

    with pytest.raises(Invalid):
        top_up(till.shop, "dist1", "demo", **wrong)

    assert till.shop.fingerprint() == before


def a_member_of(shop: Shop, party: str, *roles: str) -> Actor:
    return Actor(ActorKind.STAFF, id=new_id(), party_id=shop.a_party(party), roles=frozenset(roles))


def test_only_the_creditors_finance_staff_change_its_accounts_and_both_sides_see_them(till: Till) -> None:
    """INV-T1: to all others an account looks like a missing one; each sees its own hops only."""
    shop = till.shop
    before = shop.fingerprint()
    for actor in (a_member_of(shop, "demo", "owner"), a_member_of(shop, "brand1", "owner")):
        with pytest.raises(NotFound):
            limit(shop, "dist1", "demo", 10**9, actor)
        with pytest.raises(NotFound):
            top_up(shop, "dist1", "demo", 10**9, actor=actor)
    with pytest.raises(NotAllowed):
        limit(shop, "dist1", "demo", 10**9, a_member_of(shop, "dist1", "stock"))
    with pytest.raises(NotFound):  # it does not trade with brand1, so it learns nothing of it
        limit(shop, "dist1", "brand1", 1, a_member_of(shop, "dist1", "finance"))
    assert shop.fingerprint() == before

    limit(shop, "dist1", "demo", 7, a_member_of(shop, "dist1", "finance"))
    assert stands(shop)["demo→dist1"] == (0, 0, 7)
    seen = trade_accounts(actor=a_member_of(shop, "dist1", "stock"))
    assert [(one.debtor, one.creditor) for one in seen] == [("dist1", "agent1"), ("demo", "dist1")]
    with pytest.raises(NotFound):
        trade_accounts(actor=a_member_of(shop, "dist1", "owner"), party_id=shop.a_party("brand1"))


def test_a_limit_is_changed_by_no_role_without_its_account_its_bounds_and_its_audit_entry(till: Till) -> None:
    """INV-M11: whoever has taken over web lends nobody's money; the owner never beyond every bound, nor unseen."""
    shop = till.shop
    dist, demo = shop.a_party("dist1"), shop.merchant
    ((account, lent),) = shop.sql(
        "SELECT account_id, floor FROM trade_account JOIN account ON id = account_id WHERE creditor_id = %s", [dist]
    )
    till.fill_wallet(shop.a_shopper(), 500)
    call = "SELECT set_credit_limit(%s, %s, 'CNY', %s, 'system', NULL, now())"
    own = shop.sql("SELECT id FROM account WHERE kind = 'wallet'")[0][0]
    shop.sql(
        "INSERT INTO trade_account (account_id, creditor_id, debtor_id, currency, sales_id, created_at)"
        " SELECT %s, debtor_id, creditor_id, currency, sales_id, now() FROM trade_account WHERE account_id = %s",
        [own, account],
        role="shop",
    )
    before = shop.fingerprint()

    for role in ("shop", "worker", "vault", "panel", "direct"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.sql(call, [dist, demo, 1], role=role)
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.sql(call, [dist, demo, 10**15 + 1])
    assert shop.sql(call, [demo, dist, 10**9]) == [(None,)]  # a wallet is no trade account of theirs
    assert shop.sql(call, [dist, dist, 10**9]) == [(None,)]
    assert shop.fingerprint() == before

    assert shop.sql(call, [dist, demo, 7]) == [(account,)]
    entry = "SELECT actor_kind, party_id, object_id, detail FROM audit_entry WHERE action = 'trade_account.limit_set'"
    assert shop.sql(f"{entry} ORDER BY id DESC LIMIT 1") == [
        ("system", dist, str(account), {"limit_minor": 7, "debtor": demo, "currency": "CNY"})
    ]
    assert (lent, shop.sql("SELECT floor FROM account WHERE id = %s", [account])) == (-100_000, [(-7,)])


BREAKS = {
    "INV-M11 more held than there is": (
        "UPDATE account SET aside = aside + 1 - floor WHERE kind = 'trade'",
        "account_floor",
    ),
    "INV-M11 a debt beyond the limit": ("UPDATE account SET balance = floor - 1 WHERE kind = 'trade'", "account_floor"),
    "INV-M11 a limit below the debt": (
        "UPDATE account SET floor = 0 WHERE kind = 'trade' AND aside > 0",
        "account_floor",
    ),
    "a limit beyond every bound": (
        "UPDATE account SET floor = -1000000000000001 WHERE kind = 'trade'",
        "account_credit",
    ),
    "less held than nothing": ("UPDATE account SET aside = -1 WHERE kind = 'trade'", "account_aside"),
    "INV-M5 a part captured": (
        "UPDATE trade_hold SET state = 'captured', captured = amount - 1, settled_at = now()",
        "trade_hold_settled_once",
    ),
    "INV-M5 settled twice": (
        "UPDATE trade_hold SET state = 'captured', captured = amount, settled_at = now();"
        " UPDATE trade_hold SET state = 'released', captured = 0, released = amount",
        "trade_hold_settled_once",
    ),
    "given back without being captured": ("UPDATE trade_hold SET returned = amount", "trade_hold_returned"),
    "an account with oneself": ("UPDATE trade_account SET debtor_id = creditor_id", "trade_account_check"),
}


@pytest.mark.parametrize(("statement", "name"), BREAKS.values(), ids=BREAKS)
def test_no_statement_breaks_a_trade_account(till: Till, statement: str, name: str) -> None:
    till.shop.place(till.shop.a_shopper(), till.shop.a_listing())

    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        till.shop.sql(statement)

    assert refused.value.diag.constraint_name == name
