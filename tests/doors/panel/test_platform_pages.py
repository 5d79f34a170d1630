"""What the platform's people do in the panel: parties let in, suspended, closed; the audit; jobs and health."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from core import db
from core.actor import OPERATOR, SYSTEM
from core.audit.service import append
from core.ids import Prefix, public
from core.messages.alerts import AlertKind, raise_alert
from core.parties.applying import Application, apply_for_party
from core.parties.rules import PartyKind, Role
from core.parties.signing_in import From
from core.secret import Secret
from core.supply.trade import topups_of
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]
JUNK = ("", "abc", "-1", "1e3", "NaN", "٣", "101", "2.555", "9" * 30, "\0")


@pytest.fixture
def owner(panel: Panel, shop: Shop) -> Browser:
    """The platform's owner, in a store with a merchant and a supplier."""
    assert shop.merchant
    assert shop.a_party("brand1", "supplier")
    browser = panel()
    a_seat(browser, shop, shop.platform, Role.PLATFORM_OWNER)
    return browser


def seated(panel: Panel, shop: Shop, party: int, *roles: Role) -> Browser:
    browser = panel()
    a_seat(browser, shop, party, *roles)
    return browser


def status_of(shop: Shop, party: int) -> tuple[str, int]:
    ((status, fee),) = shop.sql("SELECT status, fee_basis_points FROM party WHERE id = %s", [party])
    return status, fee


def last_entry(shop: Shop) -> int:
    return int(shop.sql("SELECT max(id) FROM audit_entry")[0][0])


def an_applicant(code: str = "tea", kind: PartyKind = PartyKind.MERCHANT) -> int:
    said = Application(
        kind=kind,
        code=code,
        names={"zh-CN": "茶庄", "en": "Tea shop"},
        contact="Li Mei",
        email=f"mei@{code}.test",
        password=Secret("correct horse battery"),
        sells="Tea <b>cards</b>",
    )
    return apply_for_party(said=said, came_from=From("a test", "192.0.2"), now=db.database_now())


def test_a_party_that_asked_is_let_in_by_an_operator_with_its_fee_from_the_owner(
    panel: Panel, owner: Browser, shop: Shop
) -> None:
    number = an_applicant()
    operator = seated(panel, shop, shop.platform, Role.PLATFORM_OPERATOR)
    auditor = seated(panel, shop, shop.platform, Role.AUDITOR)

    page = operator.get("/approvals/").get_data(as_text=True)
    assert "Tea shop" in page
    told = operator.get(f"/approvals/{number}").get_data(as_text=True)
    assert "Tea &lt;b&gt;cards&lt;/b&gt;" in told
    assert 'name="fee"' not in told
    before = shop.fingerprint()
    assert auditor.post(f"/approvals/{number}", shown="/sessions").status_code == 403
    assert owner.post(f"/approvals/{number}", {"fee": "abc"}).status_code == 422
    assert shop.fingerprint() == before

    assert owner.post(f"/approvals/{number}", {"fee": "2.5"}).status_code == 302

    assert status_of(shop, number) == ("active", 250)
    assert shop.sql(
        "SELECT a.action, a.detail FROM audit_entry a WHERE party_id = %s AND actor_kind = 'staff' ORDER BY id",
        [number],
    ) == [("party.approved", {}), ("party.fee_set", {"before": 0, "basis_points": 250})]
    assert shop.sql("SELECT decided_at IS NOT NULL, reason FROM party_application") == [(True, None)]
    assert operator.get(f"/approvals/{number}").status_code == 404


def test_an_operator_lets_in_without_touching_the_fee(panel: Panel, owner: Browser, shop: Shop) -> None:
    number = an_applicant()
    operator = seated(panel, shop, shop.platform, Role.PLATFORM_OPERATOR)

    operator.post(f"/approvals/{number}", {"fee": "99"})

    assert status_of(shop, number) == ("active", 0)


def test_who_is_not_let_in_may_ask_again_under_the_same_code(panel: Panel, owner: Browser, shop: Shop) -> None:
    number = an_applicant()
    operator = seated(panel, shop, shop.platform, Role.PLATFORM_OPERATOR)
    before = shop.fingerprint()
    assert operator.post(f"/approvals/{number}/reject", {"reason": " "}).status_code == 422
    assert shop.fingerprint() == before

    assert operator.post(f"/approvals/{number}/reject", {"reason": "No licence"}).status_code == 302

    assert shop.sql("SELECT status, code FROM party WHERE id = %s", [number]) == [("left", f"rejected-{number}")]
    assert shop.sql("SELECT reason FROM party_application") == [("No licence",)]
    assert an_applicant() != number


@pytest.mark.parametrize("fee", JUNK)
def test_junk_is_no_fee_and_changes_nothing(owner: Browser, shop: Shop, fee: str) -> None:
    """Fault 56: a sentence, never a 500."""
    before = shop.fingerprint()

    answer = owner.post(f"/parties/{shop.merchant}/fee", {"fee": fee})

    assert answer.status_code == 422
    assert shop.fingerprint() == before


def test_a_suspended_party_sells_nothing_and_its_people_are_out_until_it_is_reopened(
    panel: Panel, owner: Browser, shop: Shop
) -> None:
    number = shop.merchant
    seller = seated(panel, shop, number, Role.OWNER)
    page = owner.get(f"/parties/{number}/suspend").get_data(as_text=True)
    assert "Its people are signed out (1)" in page

    assert owner.post(f"/parties/{number}/suspend", {"reason": "Complaints:\r\n1. <b>late</b>"}).status_code == 302

    assert status_of(shop, number)[0] == "suspended"
    assert "Complaints:\n1. &lt;b&gt;late" in owner.get(f"/audit/{last_entry(shop)}").get_data(as_text=True)
    assert seller.get("/").location.startswith("/sign-in")
    assert owner.post(f"/parties/{number}/suspend", {"reason": "Twice"}).status_code == 409
    assert owner.post(f"/parties/{number}/reopen").status_code == 302
    assert status_of(shop, number)[0] == "active"
    assert seller.get("/").location.startswith("/sign-in")  # the old session stays ended
    assert owner.get(f"/parties/{shop.platform}/suspend").status_code == 404


def test_a_party_is_closed_once_nothing_of_it_is_under_way(owner: Browser, shop: Shop) -> None:
    listing = shop.a_listing("A1", price=2500)
    shop.a_batch("A1", cards=3)
    order = shop.place(shop.a_shopper(), listing)
    number, path = shop.merchant, f"/parties/{shop.merchant}/close"
    assert owner.post(path, {"reason": "Gone"}).status_code == 409  # not suspended
    owner.post(f"/parties/{number}/suspend", {"reason": "Gone"})
    before = shop.fingerprint()
    assert owner.post(path, {"reason": "Gone"}).status_code == 409  # an order may still be paid
    assert shop.fingerprint() == before
    shop.sql("UPDATE shop_order SET state = 'expired', ended_at = now() WHERE id = %s", [order.order_id])

    assert owner.post(path, {"reason": "Gone"}).status_code == 302

    assert status_of(shop, number)[0] == "left"
    assert owner.post(f"/parties/{number}/reopen").status_code == 409


def test_a_party_is_made_with_its_first_owner_or_not_at_all(owner: Browser, shop: Shop) -> None:
    given = {"kind": "supplier", "code": "brand9", "name_zh": "品牌九", "fee": "0", "owner": "Li Mei"}
    given |= {"email": "mei@brand9.test", "password": "short"}
    before = shop.fingerprint()
    assert owner.post("/parties/new/", given).status_code == 422
    assert owner.post("/parties/new/", given | {"kind": "platform"}).status_code == 422
    assert owner.post("/parties/new/", given | {"password": "correct horse battery", "code": "demo"}).status_code == 409
    assert shop.fingerprint() == before

    assert owner.post("/parties/new/", given | {"password": "correct horse battery"}).status_code == 302

    assert shop.sql(
        "SELECT p.status, r.role, s.must_change FROM party p JOIN staff_role r ON r.party_id = p.id"
        " JOIN staff s ON s.id = r.staff_id WHERE p.code = 'brand9'"
    ) == [("active", "owner", True)]


def test_money_on_a_trade_account_is_booked_once_and_taken_back_whole(owner: Browser, shop: Shop) -> None:
    brand, path = shop.a_party("brand1", "supplier"), f"/parties/{shop.merchant}/credit/topup"
    shop.an_offer(brand, shop.merchant, price_micro=10_000)
    given = {"account": "brand1 demo CNY", "amount": "20.00", "reference": "ICBC 1"}
    assert owner.post(path, given | {"account": "other demo CNY"}).status_code == 422

    assert owner.post(path, given).status_code == 302
    before = shop.fingerprint()
    assert owner.post(path, given).status_code == 409
    assert shop.fingerprint() == before
    (booked,) = topups_of(actor=OPERATOR, party_id=brand)
    back = f"/parties/{brand}/credit/{booked.id}/take-back"
    assert "¥20.00" in owner.get(f"/parties/{brand}").get_data(as_text=True)
    assert owner.post(back, {"reason": "Another's money"}).status_code == 302
    assert owner.get(back).status_code == 404
    assert shop.sql("SELECT balance FROM account WHERE kind = 'trade'") == [(0,)]


def entries(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/audit/(\d+)"', page)]


def test_the_audit_is_found_by_person_deed_thing_and_day(panel: Panel, owner: Browser, shop: Shop) -> None:
    """INV-T1: whatever is asked for, an owner of a merchant finds entries of its own party only."""
    desk = panel()
    person = a_seat(desk, shop, shop.platform, Role.PLATFORM_OPERATOR)
    brand, now = shop.a_party("brand1", "supplier"), db.database_now()
    desk.post(f"/parties/{brand}/suspend", {"reason": "Complaints"})
    order = shop.place(shop.a_shopper(), shop.a_listing("A1"), now=now) if shop.a_batch("A1") else None
    assert order is not None
    append(actor=SYSTEM, action="party.created", object_kind="party", object_id=7, party_id=shop.merchant,
           now=now + timedelta(days=3))  # fmt: skip
    ((suspended,),) = shop.sql("SELECT id FROM audit_entry WHERE action = 'party.suspended'")
    ((placed,),) = shop.sql("SELECT id FROM audit_entry WHERE action = 'order.placed'")
    later = (now + timedelta(days=2)).date().isoformat()
    found = {
        f"by={person.hex}@demo.test": [suspended],
        "action=party.suspended": [suspended],
        f"object={public(Prefix.ORDER, order.order_id)}": [placed],
        f"kind=party&object={brand}": [suspended],
        f"since={later}": [placed + 1],
        f"until={later}&action=order.placed": [placed],
        "by=nobody@demo.test": [],
        "since=2026-99-99": [],
        "action=%00'--": [],
        f"object={'9' * 400}": [],
    }
    seller = seated(panel, shop, shop.merchant, Role.OWNER)

    for asked, numbers in found.items():
        answer = owner.get(f"/audit/?{asked}")
        assert (answer.status_code, entries(answer.get_data(as_text=True))) == (200, numbers), asked
        own = entries(seller.get(f"/audit/?{asked}").get_data(as_text=True))
        assert own == [number for number in numbers if number != suspended], asked
    assert "Complaints" in owner.get(f"/audit/{suspended}").get_data(as_text=True)
    assert [seller.get(f"/audit/{number}").status_code for number in (suspended, placed)] == [404, 200]
    assert owner.get(f"/audit/{10**30}").status_code == 404


def test_what_runs_and_waits_is_listed_and_the_chain_says_what_was_found(owner: Browser, shop: Shop) -> None:
    now = db.database_now()
    assert "nothing known to be broken" in owner.get("/audit/").get_data(as_text=True)
    raise_alert(kind=AlertKind.AUDIT_BROKEN, subject="audit", detail={"problem": "entry 3 was edited"}, now=now)
    listing = shop.a_listing("A1", price=2500)
    shop.a_batch("A1", cards=3)
    order = shop.place(shop.a_shopper(), listing)
    shop.sql(
        "INSERT INTO delivery (line_id, order_id, state, created_at)"
        " SELECT id, order_id, 'unknown', now() - interval '1 hour' FROM order_line WHERE order_id = %s",
        [order.order_id],
    )

    shop.sql('UPDATE party SET names = \'{"en": "Card House"}\' WHERE id = %s', [shop.merchant])

    jobs = owner.get("/jobs/now").get_data(as_text=True)

    assert "Card House" in jobs
    assert public(Prefix.ORDER, order.order_id) in jobs
    assert "the audit&#39;s chain is broken" in jobs
    assert "entry 3 was edited" in owner.get("/audit/").get_data(as_text=True)
    for path in ("/jobs/", "/health/", "/health/now", f"/parties/{shop.merchant}", "/approvals/", "/parties/"):
        for language in ("en", "zh-CN"):
            assert owner.get(f"{path}?lang={language}").status_code == 200, path
