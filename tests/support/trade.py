"""A chain of three sellers above a merchant, on trade accounts, as the demo store has it in small."""

from __future__ import annotations

from uuid import UUID

from core.actor import OPERATOR, Actor
from core.money import Money
from core.reports.checks import verify
from core.supply.trade import approve_topup, set_credit_limit, trade_accounts
from tests.builders import NOON, Shop
from tests.support.till import Till

CHAIN = ("brand1", "agent1", "dist1")
PRICES = (15_000_000, 15_600_000, 16_200_000)
COSTS = (1500, 1560, 1620)
"""What a card costs each buyer along the chain, in fen."""


def a_chain(shop: Shop, cards: int = 10) -> Till:
    """The demo store's chain in small: brand1 sells to agent1, dist1, and the merchant, whose price is 19.90."""
    till = Till(shop)
    till.account()
    shop.a_listing(price=1990)
    sellers = [shop.a_party(code, "supplier") for code in CHAIN]
    for seller, buyer, price in zip(sellers, [*sellers[1:], shop.merchant], PRICES, strict=True):
        shop.an_offer(seller, buyer, price_micro=price, credit=100_000)
    shop.a_batch(cards=cards, owner=sellers[0], supplier=sellers[0], terms="consigned")
    return till


def stands(shop: Shop) -> dict[str, tuple[int, int, int]]:
    """(balance, held, limit) of each trade account, by who owes whom."""
    return {
        f"{one.debtor}→{one.creditor}": (one.balance, one.held, one.limit) for one in trade_accounts(actor=OPERATOR)
    }


def violated() -> dict[str, int]:
    """What verify found, zeros left out."""
    return {finding.invariant: finding.violations for finding in verify() if finding.violations}


def limit(shop: Shop, creditor: str, debtor: str, minor: int, actor: Actor = OPERATOR) -> None:
    set_credit_limit(
        actor=actor,
        creditor_id=shop.a_party(creditor),
        debtor_id=shop.a_party(debtor),
        currency="CNY",
        limit_minor=minor,
        as_owner=shop.sql,
        now=NOON,
    )


def top_up(
    shop: Shop, creditor: str, debtor: str, minor: int, reference: str = "bank 1", actor: Actor = OPERATOR
) -> UUID:
    return approve_topup(
        actor=actor,
        creditor_id=shop.a_party(creditor),
        debtor_id=shop.a_party(debtor),
        amount=Money(minor, "CNY"),
        reference=reference,
        now=NOON,
    )
