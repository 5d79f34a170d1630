"""Approver, maker and whoever changed the bank details lately are different people; the details stay sealed."""

from datetime import date, datetime, timedelta

import pytest

from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.people import close_login, second_taken, set_roles
from core.parties.rules import Role
from core.parties.service import create_staff
from core.secret import Secret
from core.settlement.banks import open_bank_details
from core.settlement.rules import SplitOf
from core.settlement.service import (
    BankChanged,
    OnePersonTwice,
    PayoutMoved,
    approve_payout,
    find_person,
    reveal_bank,
    send_payout,
    set_bank_details,
)
from core.vault.primitives import SealError
from tests.support.payouts import ACT_KEY, MONTH, NUMBER, Treasury

DAY = timedelta(days=1)


def refused(treasury: Treasury, payout: object, by: str, at: datetime = MONTH) -> str:
    """Why somebody's approval is refused, with nothing changed."""
    before = treasury.shop.fingerprint()
    with pytest.raises(OnePersonTwice) as refusal:
        approve_payout(actor=treasury.people[by], payout_id=payout, now=at)
    assert treasury.shop.fingerprint() == before
    return str(refusal.value.params["why"])


def test_who_asked_does_not_approve(treasury: Treasury) -> None:
    treasury.ready()
    payout = treasury.asked(100)

    assert refused(treasury, payout, "mei") == SplitOf.SAME_PERSON


@pytest.mark.parametrize("changer", ["mei", "wang"])
def test_who_changed_the_bank_details_within_seven_days_neither_asks_nor_approves(
    treasury: Treasury, changer: str
) -> None:
    treasury.ready()
    treasury.bank(by=treasury.people[changer], at=MONTH - 7 * DAY + timedelta(seconds=1))
    payout = treasury.asked(100)

    assert refused(treasury, payout, "wang") == SplitOf.CHANGED_BANK
    approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH + timedelta(seconds=1))


def test_details_that_changed_after_the_request_are_asked_for_anew(treasury: Treasury) -> None:
    treasury.ready()
    payout = treasury.asked(100)
    treasury.bank(by=treasury.person("chen"), at=MONTH)
    before = treasury.shop.fingerprint()

    with pytest.raises(BankChanged):
        approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)

    assert treasury.shop.fingerprint() == before


def test_a_party_of_one_person_waits_a_day_after_a_change(treasury: Treasury) -> None:
    only = treasury.person("mei")
    treasury.settled(1_000)
    treasury.earned(1_000)
    treasury.bank(by=only, at=MONTH - DAY + timedelta(seconds=1))
    payout = treasury.asked(100)

    assert refused(treasury, payout, "mei") == SplitOf.FRESH_BANK
    approve_payout(actor=only, payout_id=payout, now=MONTH + timedelta(seconds=1))
    assert treasury.state(payout) == "approved"


def test_the_exception_is_for_the_one_person_and_not_for_the_platforms_owner(treasury: Treasury) -> None:
    """Nobody of the platform sends a party's money where he says, alone."""
    only, boss = treasury.person("mei"), treasury.person("boss", treasury.shop.platform, "platform_owner")
    treasury.settled(1_000)
    treasury.earned(1_000)
    treasury.bank(by=boss, at=MONTH - 2 * DAY)

    assert refused(treasury, treasury.asked(100, by=boss), "boss") == SplitOf.SAME_PERSON
    mine = treasury.asked(100, by=only, day=date(2026, 4, 2))
    assert refused(treasury, mine, "boss") == SplitOf.CHANGED_BANK
    treasury.bank(by=only, at=MONTH - 2 * DAY)
    own = treasury.asked(100, by=only, day=date(2026, 4, 3))
    approve_payout(actor=boss, payout_id=own, now=MONTH + 6 * DAY)
    assert treasury.state(own) == "approved"


def test_a_second_person_ends_the_exception_and_a_disabled_one_does_not_count(treasury: Treasury) -> None:
    treasury.person("mei")
    treasury.bank(by=treasury.person("chen"))
    treasury.settled(1_000)
    treasury.earned(1_000)
    payout = treasury.asked(100)

    assert refused(treasury, payout, "mei") == SplitOf.SAME_PERSON
    treasury.shop.sql("UPDATE staff SET disabled_at = %s WHERE name = 'chen'", [MONTH - DAY])
    approve_payout(actor=treasury.maker, payout_id=payout, now=MONTH)


def test_a_person_is_found_by_login_at_the_party_or_as_the_platforms_owner(treasury: Treasury) -> None:
    shop = treasury.shop
    treasury.person("boss", shop.platform, "platform_owner")
    treasury.person("help", shop.platform, "platform_operator")
    treasury.person("li", shop.a_party("other"))
    mei = treasury.maker

    assert find_person(email=" MEI@example.org ", party_id=shop.merchant) == mei
    boss = find_person(email="boss@example.org", party_id=shop.merchant)
    assert (boss.id, boss.party_id, boss.roles) == (treasury.people["boss"].id, None, frozenset({"platform_owner"}))
    for email in ("help@example.org", "li@example.org", "nobody@example.org", ""):
        with pytest.raises(NotAllowed):
            find_person(email=email, party_id=shop.merchant)
    shop.sql("UPDATE staff SET disabled_at = now() WHERE name = 'mei'")
    with pytest.raises(NotAllowed):
        find_person(email="mei@example.org", party_id=shop.merchant)


def test_inv_k1_bank_details_lie_sealed_and_are_shown_masked(treasury: Treasury) -> None:
    """INV-K1, INV-K2: no row has them in plain; another key, party, person or row does not open them."""
    bank = treasury.bank()
    dumped = str(treasury.shop.sql("SELECT * FROM bank_details, submission, audit_entry"))
    for plain in ("6222021234567890123", "567890123", "某某商贸", "招商银行"):
        assert plain not in dumped
        assert plain.encode().hex() not in dumped

    opened = open_bank_details(bank_id=bank, key=ACT_KEY)
    assert opened["number"].reveal() == b"6222021234567890123"
    assert opened["name"].reveal().decode() == "某某商贸有限公司"
    assert treasury.shop.sql("SELECT mask FROM bank_details") == [("****0123",)]
    assert "6222" not in repr(opened)
    with pytest.raises(SealError):
        open_bank_details(bank_id=bank, key=Secret(b"another key of thirty-two bytes.."))
    treasury.shop.sql(
        "INSERT INTO bank_details (id, party_id, sealed, mask, changed_by, changed_at)"
        " SELECT %s, party_id, sealed, mask, changed_by, changed_at FROM bank_details",
        [copy := new_id()],
    )
    with pytest.raises(SealError):
        open_bank_details(bank_id=copy, key=ACT_KEY)


def test_the_details_are_shown_in_full_to_who_sends_an_approved_payout_and_that_is_written_down(
    treasury: Treasury,
) -> None:
    treasury.ready()
    payout = treasury.asked(100)
    with pytest.raises(PayoutMoved):
        reveal_bank(actor=treasury.approver, payout_id=payout, key=ACT_KEY, now=MONTH)
    approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    stranger = treasury.person("li", treasury.shop.a_party("other"))
    with pytest.raises(NotFound):
        reveal_bank(actor=stranger, payout_id=payout, key=ACT_KEY, now=MONTH)

    shown = reveal_bank(actor=treasury.approver, payout_id=payout, key=ACT_KEY, now=MONTH)

    assert shown["number"].reveal() == NUMBER.replace(" ", "").encode()
    entries = treasury.shop.sql("SELECT actor_id FROM audit_entry WHERE action = 'payout.bank_shown'")
    assert entries == [(treasury.approver.id,)]


def test_details_that_changed_after_the_approval_get_no_order(treasury: Treasury) -> None:
    treasury.ready()
    payout = treasury.approved(100)
    treasury.bank(at=MONTH)
    before = treasury.shop.fingerprint()

    with pytest.raises(BankChanged):
        send_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    with pytest.raises(BankChanged):
        reveal_bank(actor=treasury.approver, payout_id=payout, key=ACT_KEY, now=MONTH)

    assert treasury.shop.fingerprint() == before


def test_what_is_no_account_number_is_refused(treasury: Treasury) -> None:
    actor = treasury.maker
    said = {"actor": actor, "party_id": treasury.shop.merchant, "name": "n", "bank": "b", "key": ACT_KEY}
    before = treasury.shop.fingerprint()

    for number in ("", "12", "1234'; --", "中文账号", "1" * 65, "12 34\n5678\x00"):
        with pytest.raises(Invalid):
            set_bank_details(**said, number=Secret(number), submission_id="1", now=MONTH)

    assert treasury.shop.fingerprint() == before


def test_the_same_details_submitted_twice_are_one_change(treasury: Treasury) -> None:
    actor = treasury.maker
    said = {"actor": actor, "party_id": treasury.shop.merchant, "name": "n", "bank": "b", "key": ACT_KEY}

    first = set_bank_details(**said, number=Secret("62220001"), submission_id="1", now=MONTH)
    second = set_bank_details(**said, number=Secret("62220001"), submission_id="1", now=MONTH + DAY)

    assert first == second
    assert treasury.shop.count("bank_details") == 1


def test_whoever_came_to_the_money_a_moment_ago_is_not_somebody_else_yet(treasury: Treasury) -> None:
    """books.md: an owner alone makes two logins, and they ask and approve a minute later: not within 24 h."""
    chen = treasury.person("chen", role="owner")
    treasury.ready()
    same = {"party_id": treasury.shop.merchant, "password": Secret("correct horse battery"), "name": "new"}
    for name in ("ann", "ben"):
        staff = create_staff(
            actor=chen, email=f"{name}@example.org", roles=frozenset({Role.FINANCE}), now=MONTH - DAY, **same
        )
        treasury.people[name] = find_person(email=f"{name}@example.org", party_id=treasury.shop.merchant)
        assert treasury.people[name].id == staff
    a_moment = MONTH - timedelta(seconds=1)
    payout = treasury.asked(100, by=treasury.people["ann"])

    assert refused(treasury, payout, "ben", a_moment) == SplitOf.NEW_PERSON
    assert refused(treasury, payout, "wang", a_moment) == SplitOf.NEW_PERSON
    approve_payout(actor=treasury.people["ben"], payout_id=payout, now=MONTH)
    assert treasury.state(payout) == "approved"


@pytest.mark.parametrize("how", ["taken", "closed"])
def test_whoever_sends_the_others_away_is_not_alone_for_a_day(treasury: Treasury, how: str) -> None:
    """books.md: an owner is not the only person of a party a minute after the second one's roles went."""
    chen, party = treasury.person("chen", role="owner"), treasury.shop.merchant
    treasury.bank(by=chen)
    treasury.settled(1_000)
    treasury.earned(1_000)
    mei = treasury.maker.id
    assert mei is not None
    payout = treasury.asked(100, by=chen)
    if how == "closed":
        close_login(actor=chen, staff_id=mei, party_id=party, now=MONTH - DAY + timedelta(seconds=1))
    else:
        set_roles(
            actor=chen,
            staff_id=mei,
            party_id=party,
            roles=frozenset({Role.SUPPORT}),
            now=MONTH - DAY + timedelta(seconds=1),
        )

    assert refused(treasury, payout, "chen") == SplitOf.SAME_PERSON
    approve_payout(actor=chen, payout_id=payout, now=MONTH + timedelta(seconds=1))
    assert treasury.state(payout) == "approved"


def test_a_login_that_was_handed_over_is_nobodys_second_person_for_a_day(treasury: Treasury) -> None:
    """books.md: whoever gives another's login a password, or takes its second factor away, may be using it."""
    treasury.ready()
    payout = treasury.asked(100)
    boss = treasury.person("boss", treasury.shop.platform, "platform_owner")
    wang = treasury.approver.id
    assert wang is not None
    second_taken(actor=boss, staff_id=wang, now=MONTH - DAY + timedelta(seconds=1))

    assert refused(treasury, payout, "wang") == SplitOf.NEW_PERSON
    approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH + timedelta(seconds=1))


def test_another_role_makes_nobody_new_who_had_a_say_before(treasury: Treasury) -> None:
    chen, party = treasury.person("chen", role="owner"), treasury.shop.merchant
    treasury.ready()
    payout = treasury.asked(100)
    wang = treasury.approver.id
    assert wang is not None
    set_roles(actor=chen, staff_id=wang, party_id=party, roles=frozenset({Role.FINANCE, Role.OWNER}), now=MONTH)

    approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)

    assert treasury.state(payout) == "approved"
