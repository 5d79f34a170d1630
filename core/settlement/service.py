"""The door of this room: what others may call."""

from __future__ import annotations

from core.settlement.banks import BankAccount, NoBankDetails, set_bank_details
from core.settlement.claims import release_due
from core.settlement.found import PayoutMoved, person_for
from core.settlement.gateways import (
    NotItsCollector,
    SettlementBooked,
    SettlementInUse,
    record_settlement,
    set_settle_days,
    take_back_settlement,
)
from core.settlement.payable import BankChanged, DemoPaysNobody, NotReleased, PartySuspended
from core.settlement.payouts import (
    BooksDiffer,
    NotEnough,
    OnePersonTwice,
    OwesFirst,
    PayoutThere,
    approve_payout,
    request_payout,
)
from core.settlement.people import find_person
from core.settlement.steps import ReferenceTaken, confirm_payout, fail_payout, send_payout
from core.settlement.views import ClaimView, PayoutView, claim_views, payouts_of, reveal_bank

__all__ = [
    "BankAccount",
    "BankChanged",
    "BooksDiffer",
    "ClaimView",
    "DemoPaysNobody",
    "NoBankDetails",
    "NotEnough",
    "NotItsCollector",
    "NotReleased",
    "OnePersonTwice",
    "OwesFirst",
    "PartySuspended",
    "PayoutMoved",
    "PayoutThere",
    "PayoutView",
    "ReferenceTaken",
    "SettlementBooked",
    "SettlementInUse",
    "approve_payout",
    "claim_views",
    "confirm_payout",
    "fail_payout",
    "find_person",
    "payouts_of",
    "person_for",
    "record_settlement",
    "release_due",
    "request_payout",
    "reveal_bank",
    "send_payout",
    "set_bank_details",
    "set_settle_days",
    "take_back_settlement",
]
