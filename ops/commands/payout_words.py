"""What `payout` says: its tables, and every refusal as a sentence that names the mend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.config import ConfigError

if TYPE_CHECKING:
    from core.errors import Refusal
    from core.settlement.service import ClaimView, PayoutView

WHY = {
    "same_person": "who asked for a payout does not approve it: somebody else of the debtor's or the platform's people",
    "changed_bank": (
        "one of the two who ask and approve changed the bank details in the last 7 days: another person does it,"
        " or wait"
    ),
    "new_person": (
        "one of you has had a say over this money, or the login, for less than 24 hours: somebody who was there before"
        " asks and approves, or wait until tomorrow"
    ),
    "fresh_bank": "this party is one person and its bank details are less than 24 hours old: approve it tomorrow",
}
SENTENCES = {
    "demo_pays_nobody": "a demo's money is play money: it pays nobody out",
    "not_released": (
        "the database was restored: payouts after the backup are forgotten and would be paid again. `restore --release`"
        " first, then compare with the bank"
    ),
    "books_differ": (
        "more would leave than gateways have settled: balances were changed beside the store. `verify` says where;"
        " nobody is paid until that is known"
    ),
    "party_suspended": "this party is suspended: it is paid nothing until the platform ends that",
    "no_bank_details": "nobody said where this party's money is sent: `payout bank` first",
    "bank_changed": (
        "the bank details were changed after this was asked for: `payout fail` it, then ask anew with the details"
        " that are there now"
    ),
    "settlement_in_use": "what it brought was made available already: it cannot be taken back any more",
    "other_content": "this --submission was used for another request: nothing was changed",
}


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Say refusals as the sentence that names the mend. Raises ConfigError."""
    from core.errors import Refusal

    try:
        yield
    except Refusal as refusal:
        raise ConfigError(sentence(refusal)) from None


def sentence(refusal: Refusal) -> str:
    """One refusal for the person at the command line."""
    said = refusal.params
    match refusal.reason:
        case "not_enough":
            available = _money(said["available"], said["currency"])
            return f"{available} is available: ask for that or less (`payout list` says why)"
        case "owes_first":
            owed = _money(said["owed"], said["currency"])
            return f"this party owes {owed} for refunds beyond its money: later sales repay that before it is paid"
        case "payout_there":
            return f"there is a payout of this party for {said['period']} already: `payout list`, or another --period"
        case "payout_moved":
            return f"this payout is {said['state']}: that step is not open to it (`payout list --all`)"
        case "one_person_twice":
            return WHY[str(said["why"])]
        case "reference_taken" | "settlement_booked":
            return f"the number {said['reference']!r} was used before: one number of the bank counts once"
        case "not_its_collector":
            return (
                f"a {said['gateway']} account pays its own merchant: only a gateway that splits payments pays the"
                " platform"
            )
        case "not_allowed":
            return "this login does not see to that party's money: `staff add … --role finance`"
        case "not_found":
            return f"there is no such {str(said['what']).replace('_', ' ')} here"
        case "invalid" if said["what"] == "number":
            return "that is no account number: 4 to 64 letters, digits and the signs . _ + @ -"
        case "invalid":
            return f"--{str(said['what']).replace('_', '-')} cannot be taken: give another one"
    return SENTENCES.get(refusal.reason, f"refused: {refusal.reason}")


def claim_lines(claims: Sequence[ClaimView]) -> list[str]:
    """One line a claim: who is owed by whom, what of it is payable now."""
    lines = []
    for one in claims:
        whose = f"{one.party} at {one.debtor}"
        pending, available = _money(one.pending, one.currency), _money(one.available, one.currency)
        in_transit, owed = _money(one.in_transit, one.currency), _money(one.owed, one.currency)
        lines.append(f"{whose:<32} available {available}  pending {pending}  in transit {in_transit}  owes {owed}")
    return lines


def payout_lines(payouts: Sequence[PayoutView]) -> list[str]:
    """One line a payout: number, who, how much, state, where to (masked), who asked and who approved."""
    from core.ids import Prefix, public

    return [
        f"{public(Prefix.PAYOUT, one.id)}  {one.party} from {one.debtor}  {_money(one.amount_minor, one.currency)}"
        f"  for {one.period.isoformat()}  {one.state}  to {one.bank}  asked by {one.maker}"
        + (f", approved by {one.approver}" if one.approver else "")
        for one in payouts
    ]


def _money(minor: int | str, currency: int | str) -> str:
    from core.money import Money

    return f"{Money(int(minor), str(currency)).decimal()} {currency}"
