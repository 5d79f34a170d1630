"""Suppliers in the panel: asking to be let in, offers and stock of their own hop, keys; money by the vault's word."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from core.actor import Actor, ActorKind
from core.errors import NotAllowed, NotFound
from core.ids import new_id
from core.parties.applying import PER_NETWORK
from core.parties.rules import Role
from core.supply.offering import end_offer, reprice_offer
from tests.builders import NOON, Shop, Sql
from tests.support.panel import PASSWORD, Browser, a_login, code_of
from tests.support.payouts import NUMBER, Treasury

Panel = Callable[[], Browser]
SAID = {
    "kind": "supplier", "name": "新供货商", "english": "", "code": "fresh", "contact": "陈杰",
    "email": "chen@fresh.test", "password": PASSWORD, "sells": "视频会员月卡",
}  # fmt: skip


def test_who_asks_to_be_let_in_sees_only_that_it_waits_until_it_is(panel: Panel, shop: Shop) -> None:
    """INV-D2: a login of a party that was not let in opens nothing; its roles count from the moment it is."""
    browser = panel()
    refused = browser.post("/apply", {**SAID, "password": "short"})
    assert (refused.status_code, shop.count("party_application")) == (422, 0)

    assert browser.post("/apply", SAID).location == "/applied"
    assert shop.sql("SELECT status FROM party WHERE code = 'fresh'") == [("applied",)]
    assert browser.sign_in("chen@fresh.test").status_code == 302
    for path in ("/", "/offers/", "/money/", "/sessions", "/second/begin"):
        assert browser.get(path).location == "/waiting", path
    assert "新供货商" in browser.get("/waiting").get_data(as_text=True)
    shop.sql("UPDATE party SET status = 'active' WHERE code = 'fresh'")
    assert browser.get("/").location == "/second/begin"  # an owner
    browser.set_up_second()
    assert browser.get("/offers/").status_code == 200


def test_a_known_address_is_answered_like_an_unknown_one_and_gets_nothing(panel: Panel, shop: Shop) -> None:
    """INV-D2: who guesses addresses learns none here, and no role is given to who did not ask."""
    a_login("known@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    answers = [
        browser.post("/apply", {**SAID, "email": email, "code": code})
        for email, code in (("known@demo.test", "one"), ("new@demo.test", "two"))
    ]

    assert {(one.status_code, one.location) for one in answers} == {(302, "/applied")}
    rows = shop.sql("SELECT p.code, a.staff_id IS NULL FROM party_application a JOIN party p ON p.id = a.party_id")
    assert sorted(rows) == [("one", True), ("two", False)]
    assert shop.sql("SELECT count(*) FROM staff_role r JOIN party p ON p.id = r.party_id WHERE p.code = 'one'") == [
        (0,)
    ]
    browser.post("/apply", {**SAID, "email": "three@demo.test", "code": "three"})
    many = browser.post("/apply", {**SAID, "email": "four@demo.test", "code": "four"})
    assert (many.status_code, shop.count("party_application")) == (429, PER_NETWORK)


@pytest.fixture
def supplier(panel: Panel, shop: Shop) -> Browser:
    """The owner of brand1, which has cards of A1 and offers them to the merchant."""
    brand = shop.a_party("brand1", "supplier")
    shop.a_batch(owner=brand, cards=12)
    shop.an_offer(brand, shop.merchant, price_micro=12_500_000)
    a_login("jie@brand1.test", brand, Role.OWNER)
    browser = panel()
    browser.sign_in("jie@brand1.test")
    browser.letters = browser.set_up_second()  # type: ignore[attr-defined]
    return browser


def test_a_supplier_changes_its_own_hop_and_never_anothers(supplier: Browser, shop: Shop) -> None:
    """INV-T3, INV-T4, INV-T1: an offer of others is one that is not there; what may not be offered changes nothing."""
    agent = shop.a_party("agent1", "supplier")
    other = shop.an_offer(shop.a_party("brand2", "supplier"), agent, price_micro=7_770_000)
    (own,) = [row[0] for row in shop.sql("SELECT id FROM offer WHERE seller_id = %s", [shop.a_party("brand1")])]
    page = supplier.get("/offers/").get_data(as_text=True)
    assert ("CN¥12.50" in page, "CN¥7.77" in page, "brand2" in page, "CN¥20.00" in page) == (True, False, False, False)
    assert supplier.get(f"/offers/{other}/price").status_code == 404
    assert supplier.get(f"/offers/{other}/end").status_code == 404
    before = shop.fingerprint()
    for values, status in (
        ({"sku": "A1", "buyer": "nobody", "price": "1"}, 404),
        ({"sku": "NONE", "buyer": "agent1", "price": "1"}, 409),
        ({"sku": "A1", "buyer": "brand1", "price": "1"}, 422),
        *(
            ({"sku": "A1", "buyer": "agent1", "price": bad}, 422)
            for bad in ("NaN", "-1", "1e3", "٣", "1.0000001", "9" * 40)
        ),
    ):
        assert supplier.post("/offers/new", values).status_code == status, values
    assert shop.fingerprint() == before

    assert supplier.post("/offers/new", {"sku": "A1", "buyer": "agent1", "price": "11.0005"}).status_code == 302
    assert "11.0005 CNY" in supplier.get("/offers/").get_data(as_text=True)
    assert supplier.post(f"/offers/{own}/price", {"price": "13"}).status_code == 302
    assert supplier.get(f"/offers/{own}/price").status_code == 404  # another one stands now
    (new,) = shop.sql("SELECT id, price_micro FROM offer WHERE buyer_id = %s AND valid_to IS NULL", [shop.merchant])
    assert new[1] == 13_000_000
    assert supplier.post(f"/offers/{new[0]}/end", {}).status_code == 302
    assert shop.sql("SELECT count(*) FROM source WHERE merchant_id = %s", [shop.merchant]) == [(0,)]


def test_inv_t4_the_panels_login_reads_no_partners_fee(shop: Shop, sql: Sql) -> None:
    """INV-T1, INV-T4: two who deal with each other see each other's names, each its own fee alone, the platform all."""
    brand, shop_of = shop.a_party("brand1", "supplier", fee_basis_points=250), shop.merchant
    shop.an_offer(brand, shop_of, price_micro=1)
    fees = "SELECT party_id, fee_basis_points FROM panel_party_fee WHERE party_id = ANY (%s) ORDER BY party_id"
    seen = {}

    for party, sees in ((brand, ""), (shop_of, ""), (0, ""), (0, "all")):
        named = "SELECT set_config('keystall.party', %s, false), set_config('keystall.sees', %s, false)"
        sql(named, [str(party), sees], role="panel")
        names = sql("SELECT id FROM party WHERE id = ANY (%s) ORDER BY id", [[brand, shop_of]], role="panel")
        seen[party, sees] = (len(names), sql(fees, [[brand, shop_of]], role="panel"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql("SELECT fee_basis_points FROM party", role="panel")

    all_fees = sorted([(brand, 250), (shop_of, 100)])
    assert seen[0, "all"] == (2, all_fees)
    assert (seen[brand, ""], seen[shop_of, ""]) == ((2, [(brand, 250)]), (2, [(shop_of, 100)]))
    assert seen[0, ""] == (0, [])


def test_stock_is_what_was_brought_less_what_was_sold_also_where_copies_are_contested(
    supplier: Browser, shop: Shop
) -> None:
    """INV-T4: contested copies are counted like the others, so that nobody learns which are."""
    shop.sql("UPDATE card SET state = 'quarantined', contested = true WHERE id IN (SELECT id FROM card LIMIT 5)")
    shop.sql("UPDATE batch_mark SET free_count = 7")

    page = supplier.get("/hop/stock").get_data(as_text=True)

    numbers = re.findall(r'data-called="(?:Brought, on sale|Sold|Not sold)" class="num">(\d+)<', page)
    assert numbers == ["12", "0", "12"]


def test_a_key_is_shown_once_kept_as_a_hash_and_ended(supplier: Browser, shop: Shop) -> None:
    """INV-K1 of keys: the secret is in one answer and nowhere else."""
    values = {"called": "ERP", "scopes": "stock:read", "days": "90", "networks": ""}
    assert supplier.post("/api-keys/new", {**values, "days": "366"}).status_code == 422
    assert supplier.post("/api-keys/new", {**values, "scopes": "orders:write"}).status_code == 422
    made = supplier.post("/api-keys/new", values).get_data(as_text=True)
    found = re.search(r"ks_live_[a-z2-7]{26}_([A-Za-z0-9_-]{43})", made)
    assert found is not None

    assert found[1] not in supplier.get("/api-keys/").get_data(as_text=True)
    ((key_id, row),) = shop.sql("SELECT id, k::text FROM api_key k")
    assert found[1] not in row
    assert supplier.post(f"/api-keys/{key_id}/revoke", {}).status_code == 302
    assert supplier.get(f"/api-keys/{key_id}/revoke").status_code == 404
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.sql("UPDATE api_key SET revoked_at = NULL, revoked_by = NULL")


class Payers:
    """Finance people of the merchant, each with a browser and an authenticator whose codes count again at once."""

    def __init__(self, panel: Panel, shop: Shop) -> None:
        self.shop, self.browsers, self.letters = shop, dict[str, Browser](), dict[str, str]()
        for name in ("mei", "wang", "chen"):
            a_login(f"{name}@demo.test", shop.merchant, Role.FINANCE)
            self.browsers[name] = panel()
            self.browsers[name].sign_in(f"{name}@demo.test")
            self.letters[name] = self.browsers[name].set_up_second()

    def act(self, who: str, path: str, **values: str) -> int:
        return self.sent(who, path, **values)[0]

    def sent(self, who: str, path: str, **values: str) -> tuple[int, str]:
        self.shop.sql("UPDATE staff_totp SET last_step = 0, wrong = 0")
        answer = self.browsers[who].post(path, {"code": code_of(self.letters[who]), **values})
        return answer.status_code, answer.get_data(as_text=True)

    def seen(self, who: str, path: str) -> str:
        return self.browsers[who].get(path).get_data(as_text=True)


@pytest.fixture
def payers(panel: Panel, shop: Shop, owners_hand: None) -> Payers:
    """100.00 was sold long ago and settled, and chen has said where the money goes."""
    treasury = Treasury(shop)
    treasury.settled(10_000)
    treasury.earned(10_000)
    payers = Payers(panel, shop)
    account = {"name": "某某商贸", "bank": "招商银行"}
    assert payers.act("chen", "/payouts/bank", number="1", **account) == 422
    assert payers.act("chen", "/payouts/bank", number=NUMBER, **account) == 302
    return payers


ASK = "/payouts/ask?debtor=demo&currency=CNY"


def test_fault_106_money_leaves_by_two_people_with_codes_that_the_vault_judges(payers: Payers, shop: Shop) -> None:
    """Fault 106, fault 63: a wrong code or the same person changes nothing; the account is shown to who pays."""
    before = shop.count("payout")
    refused = [({"amount": "60", "code": "000000"}, 403), ({"amount": "100.01"}, 409), ({"amount": "NaN"}, 422)]
    for values, status in refused:
        assert payers.act("mei", ASK, **values) == status
    assert shop.count("payout") == before == 0
    assert payers.act("mei", ASK, amount="60") == 302
    ((payout,),) = shop.sql("SELECT id FROM payout")
    step = f"/payouts/{payout}"
    assert "****0123" in payers.seen("mei", step)
    assert payers.act("mei", f"{step}/approve") == 409  # who asked for it
    assert payers.act("chen", f"{step}/approve") == 409  # who changed the account
    assert shop.sql("SELECT state FROM payout") == [("requested",)]

    assert payers.act("wang", f"{step}/approve") == 302
    assert payers.act("wang", f"{step}/send") == 302
    assert NUMBER.replace(" ", "") in payers.sent("wang", f"{step}/account")[1]
    assert shop.sql("SELECT count(*) FROM audit_entry WHERE action = 'payout.bank_shown'") == [(1,)]
    assert payers.act("wang", f"{step}/confirm", reference="") == 422
    assert payers.act("wang", f"{step}/confirm", reference="ICBC 9") == 302
    assert payers.act("wang", f"{step}/fail", reason="no") == 409
    assert shop.sql("SELECT state, bank_reference FROM payout") == [("succeeded", "ICBC 9")]

    page = payers.seen("mei", "/money/")
    assert ("CN¥40.00" in page, "****0123" in page, NUMBER.replace(" ", "") in page) == (True, True, False)
    lines = payers.seen("mei", "/money/statement?debtor=demo&currency=CNY&days=365")
    assert ("CN¥100.00" in lines, "paid out" in lines, "CN¥60.00" in lines) == (True, True, True)
    assert payers.browsers["mei"].get("/money/statement?debtor=brand9&currency=CNY").status_code == 404


def test_a_supplier_ends_no_offer_of_others(shop: Shop) -> None:
    """INV-T1, INV-T4: not by the use case either, whatever a page lets through."""
    brand, agent = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    other = shop.an_offer(shop.a_party("brand2", "supplier"), agent, price_micro=7_770_000)
    own = shop.an_offer(brand, agent, price_micro=1_000_000)
    jie = Actor(ActorKind.STAFF, id=new_id(), party_id=brand, roles=frozenset({"stock"}))
    before = shop.fingerprint()

    for attempt in (end_offer, partial(reprice_offer, price_micro=1)):
        with pytest.raises(NotFound):
            attempt(actor=jie, seller_id=brand, offer_id=other, now=NOON)
    with pytest.raises(NotAllowed):
        end_offer(actor=replace(jie, roles=frozenset({"finance"})), seller_id=brand, offer_id=own, now=NOON)
    assert shop.fingerprint() == before
