"""The life of a payout: money moves once at approval and once at the bank's answer, whoever asks how often."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.settlement.rules import OPEN, PAYOUT_TRANSITIONS, PayoutState
from core.settlement.service import (
    NoBankDetails,
    NotEnough,
    PayoutMoved,
    PayoutThere,
    ReferenceTaken,
    approve_payout,
    confirm_payout,
    fail_payout,
    send_payout,
)
from core.submission import OtherContent
from tests.support.payouts import DAY, MONTH, Treasury
from tests.support.trade import violated


def test_money_is_in_transit_from_approval_on_and_outside_once_the_bank_confirmed(treasury: Treasury) -> None:
    """INV-M10: available, in transit, outside; every question of the books is asked after each step."""
    treasury.ready(10_000)

    payout = treasury.asked(6_000)
    assert (treasury.state(payout), treasury.stands()) == ("requested", {"available": 10_000})
    approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    assert (treasury.state(payout), treasury.stands()) == ("approved", {"available": 4_000, "in_transit": 6_000})
    assert violated() == {}
    send_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    assert (treasury.state(payout), treasury.stands()) == ("sent", {"available": 4_000, "in_transit": 6_000})
    confirm_payout(actor=treasury.approver, payout_id=payout, bank_reference="ICBC 7", now=MONTH)

    assert (treasury.state(payout), treasury.stands()) == ("succeeded", {"available": 4_000, "outside": 6_000})
    assert violated() == {}
    actions = treasury.shop.sql("SELECT action, actor_id FROM audit_entry WHERE object_kind = 'payout' ORDER BY id")
    assert actions == [
        ("payout.requested", treasury.maker.id),
        ("payout.approved", treasury.approver.id),
        ("payout.sent", treasury.approver.id),
        ("payout.succeeded", treasury.approver.id),
    ]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_declined_payout_and_a_certain_no_of_the_bank_make_its_money_available_again(
    treasury: Treasury, steps: int
) -> None:
    treasury.ready(10_000)
    payout = treasury.asked(10_000)
    for step in (approve_payout, send_payout)[:steps]:
        step(actor=treasury.approver, payout_id=payout, now=MONTH)

    fail_payout(actor=treasury.approver, payout_id=payout, reason="no such account", now=MONTH)

    assert (treasury.state(payout), treasury.stands()) == ("failed", {"available": 10_000})
    assert violated() == {}
    again = treasury.asked(10_000)  # the same day: a failed one does not count
    assert treasury.state(again) == "requested"


STEPS: dict[str, Callable[[Treasury, object], None]] = {
    "approved": lambda t, p: approve_payout(actor=t.approver, payout_id=p, now=MONTH),
    "sent": lambda t, p: send_payout(actor=t.approver, payout_id=p, now=MONTH),
    "succeeded": lambda t, p: confirm_payout(actor=t.approver, payout_id=p, bank_reference="B 1", now=MONTH),
    "failed": lambda t, p: fail_payout(actor=t.approver, payout_id=p, reason="no", now=MONTH),
}
WAYS = {
    "requested": (),
    "approved": ("approved",),
    "sent": ("approved", "sent"),
    "succeeded": ("approved", "sent", "succeeded"),
    "failed": ("failed",),
}


@pytest.mark.parametrize("state", sorted(WAYS))
def test_only_the_drawn_changes_happen_and_all_others_change_nothing(treasury: Treasury, state: str) -> None:
    """INV-O1 of payouts: every step that is not drawn is refused."""
    treasury.ready(10_000)
    payout = treasury.asked(1_000)
    for step in WAYS[state]:
        STEPS[step](treasury, payout)
    before = treasury.shop.fingerprint()

    for goal in set(STEPS) - set(PAYOUT_TRANSITIONS[PayoutState(state)]):
        with pytest.raises(PayoutMoved):
            STEPS[goal](treasury, payout)

    assert treasury.shop.fingerprint() == before
    assert treasury.state(payout) == state


def test_the_states_that_are_open_are_those_that_something_follows() -> None:
    assert {state for state, following in PAYOUT_TRANSITIONS.items() if following} == OPEN


def test_the_same_submission_is_one_payout_and_other_content_is_refused(treasury: Treasury) -> None:
    treasury.ready(10_000)

    first = treasury.asked(1_000, submission="tap 1")
    second = treasury.asked(1_000, submission="tap 1")
    before = treasury.shop.fingerprint()
    with pytest.raises(OtherContent):
        treasury.asked(2_000, submission="tap 1")

    assert first == second
    assert treasury.shop.count("payout") == 1
    assert treasury.shop.fingerprint() == before


def test_a_party_has_one_payout_of_a_kind_for_a_day(treasury: Treasury) -> None:
    treasury.ready(10_000)
    treasury.asked(1_000)
    before = treasury.shop.fingerprint()

    with pytest.raises(PayoutThere):
        treasury.asked(1_000)

    assert treasury.shop.fingerprint() == before
    treasury.asked(1_000, day=DAY + timedelta(days=1))


def test_what_is_asked_for_counts_against_what_is_available(treasury: Treasury) -> None:
    treasury.ready(10_000)
    treasury.asked(7_000)
    before = treasury.shop.fingerprint()

    with pytest.raises(NotEnough) as refusal:
        treasury.asked(3_001, day=date(2026, 4, 2))

    assert refusal.value.params == {"available": 3_000, "currency": "CNY"}
    assert treasury.shop.fingerprint() == before
    treasury.asked(3_000, day=date(2026, 4, 2))


def test_an_approval_looks_again_at_what_is_available(treasury: Treasury) -> None:
    """A refund between request and approval: the payout is refused, and nothing is booked by the refusal."""
    treasury.ready(10_000)
    payout = treasury.asked(10_000)
    treasury.earned(-1, at=MONTH)
    before = treasury.shop.fingerprint()

    with pytest.raises(NotEnough) as refusal:
        approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)

    assert refusal.value.params == {"available": 9_999, "currency": "CNY"}
    assert treasury.shop.fingerprint() == before


def test_one_number_of_the_bank_confirms_one_payout(treasury: Treasury) -> None:
    treasury.ready(10_000)
    first, second = treasury.approved(1_000), treasury.approved(2_000, day=date(2026, 4, 2))
    for payout in (first, second):
        send_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    confirm_payout(actor=treasury.approver, payout_id=first, bank_reference="ICBC 7", now=MONTH)
    before = treasury.shop.fingerprint()

    with pytest.raises(ReferenceTaken):
        confirm_payout(actor=treasury.approver, payout_id=second, bank_reference=" ICBC 7 ", now=MONTH)

    assert treasury.shop.fingerprint() == before


def test_amounts_that_are_none_are_refused(treasury: Treasury) -> None:
    treasury.ready()
    before = treasury.shop.fingerprint()

    for minor in (0, -1, 10**15 + 1):
        with pytest.raises(Invalid):
            treasury.asked(minor)

    assert treasury.shop.fingerprint() == before


def test_without_bank_details_nothing_is_asked_for(treasury: Treasury) -> None:
    treasury.settled(100)
    treasury.earned(100)

    with pytest.raises(NoBankDetails):
        treasury.asked(100)

    assert treasury.shop.count("payout") == 0


def test_only_named_people_of_the_right_party_take_part(treasury: Treasury) -> None:
    """INV-T1: another party's payout is like a missing one; keys, operators and other roles are no finance people."""
    treasury.ready(10_000)
    payout = treasury.asked(1_000)
    stranger = treasury.person("li", treasury.shop.a_party("other"))
    clerk = treasury.person("zhao", role="orders")
    key = Actor(ActorKind.API_KEY, id=new_id(), party_id=treasury.shop.merchant, roles=frozenset({"finance"}))
    before = treasury.shop.fingerprint()

    for actor, refusal in ((stranger, NotFound), (clerk, NotAllowed), (key, NotAllowed), (OPERATOR, NotAllowed)):
        with pytest.raises(refusal):
            treasury.asked(1_000, by=actor, day=date(2026, 4, 2))
        for step in STEPS.values():
            with pytest.raises(refusal):
                step(_seen_by(treasury, actor), payout)

    assert treasury.shop.fingerprint() == before
    with pytest.raises(NotFound):
        approve_payout(actor=treasury.approver, payout_id=new_id(), now=MONTH)


def _seen_by(treasury: Treasury, actor: Actor) -> Treasury:
    """The same store with somebody else in the approver's place."""
    return Treasury(treasury.shop, treasury.people | {"wang": actor})
