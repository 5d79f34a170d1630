"""What must hold after every step: every invariant of the store, and what shoppers and bank know by themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from core.ids import Prefix, parse
from core.reports.checks import all_checks
from core.vault.seal import answer_context, open_answer
from tests.simulator.bank import Bank
from tests.simulator.persons import NOW, Persons
from tests.simulator.town import BUDGET, CHAINS, CREDIT, ROGUE, Shopper, Town

ROGUES_COST = next(price // 10_000 for seller, buyer, price in CHAINS if buyer == ROGUE)
"""What a card costs the rogue at its supplier, in minor units."""

EVERY_INVARIANT = "SELECT " + ", ".join(f"({question})" for question in all_checks().values())
"""All questions of `verify` in one round trip; prepared once for each database."""

EVENTS = """
SELECT g.opaque_id, e.external_id, e.kind, e.amount_minor, e.currency
FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id
"""
SENT_BACK = "SELECT id::text, amount_minor FROM refund WHERE state = 'succeeded' AND NOT to_wallet"

MONEY_OF_SHOPPERS = """
WITH came AS (
    SELECT p.shopper_id AS id, sum(e.amount_minor) AS minor,
           sum(e.amount_minor) FILTER (WHERE e.booked_to = 'suspense' AND e.resolved_at IS NULL) AS aside,
           sum(e.amount_minor) FILTER (WHERE e.resolution = 'refund' AND NOT EXISTS (
               SELECT 1 FROM refund r WHERE r.event_id = e.id AND r.to_wallet)) AS back
    FROM payment_event e JOIN payment p ON p.id = e.named_payment_id WHERE e.kind = 'paid' AND e.currency = 'CNY'
    GROUP BY p.shopper_id
), purses AS (
    SELECT substr(holder, 9)::uuid AS id, sum(balance) AS minor FROM account
    WHERE kind IN ('wallet', 'wallet_hold') GROUP BY holder
), goods AS (
    SELECT shopper_id AS id, sum(paid_minor) AS minor FROM shop_order WHERE state IN ('paid', 'closed')
    GROUP BY shopper_id
), undone AS (
    SELECT o.shopper_id AS id, sum(r.amount_minor) AS minor,
           sum(r.amount_minor) FILTER (WHERE NOT r.to_wallet) AS back
    FROM refund r JOIN order_line l ON l.id = r.line_id JOIN shop_order o ON o.id = l.order_id
    WHERE r.state <> 'failed' GROUP BY o.shopper_id
)
SELECT s.id, coalesce(came.minor, 0) - coalesce(purses.minor, 0) - coalesce(goods.minor, 0) + coalesce(undone.minor, 0)
       - coalesce(came.aside, 0) - coalesce(came.back, 0) - coalesce(undone.back, 0)
FROM shopper s LEFT JOIN came USING (id) LEFT JOIN purses USING (id) LEFT JOIN goods USING (id)
LEFT JOIN undone USING (id)
"""
"""What is missing of each shopper's money: what came is in the purse, in goods, set aside, or on its way back.

A line that was undone is no goods any more: its money is in the purse, or on its way to where it came from.
"""

NEW_CARDS = """
SELECT m.id, m.conversation_id, m.body, a.session_id, a.sealed
FROM message m JOIN sealed_answer a ON a.message_id = m.id WHERE m.kind = 'cards' AND m.id > %s ORDER BY m.id
"""
OPENED = """
SELECT o.merchant_id, l.sku_id, date_trunc('hour', c.opened_at), count(*) FROM card c
JOIN order_line l ON l.id = c.line_id JOIN shop_order o ON o.id = l.order_id
WHERE c.opened_at IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > %s
"""
BROKEN = "SELECT count(*) FROM card WHERE state = 'quarantined'"
DONE = "SELECT action, count(*) FROM audit_entry WHERE id > %s GROUP BY action"
ORDERED = """
SELECT o.shopper_id = c.shopper_id, o.state, o.paid_minor >= o.total_minor, l.quantity, k.code
FROM shop_order o JOIN order_line l ON l.order_id = o.id JOIN sku k ON k.id = l.sku_id
JOIN conversation c ON c.id = %s WHERE o.id = %s
"""


class Violated(AssertionError):
    """Something that always holds did not; the text says what."""


def found(right: bool, sentence: str) -> None:
    """Raise `Violated` with the sentence unless it is right."""
    if not right:
        raise Violated(sentence)


@dataclass
class Judge:
    """Looks from outside, as the owner of the database, at every table. `hands`: the cards of each order by secret."""

    observer: psycopg.Connection[Any]
    town: Town
    bank: Bank
    hands: dict[UUID, frozenset[str]] = field(default_factory=dict)
    brought: dict[str, list[str]] = field(default_factory=dict)
    shown: list[tuple[UUID, frozenset[str]]] = field(default_factory=list)
    persons: Persons = field(init=False)
    _owner: dict[str, UUID] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _seen: int = 0
    _began: int = 0

    def __post_init__(self) -> None:
        self._began = self._ask("SELECT coalesce(max(id), 0) FROM audit_entry")[0][0]
        self.persons = Persons([shopper.session.conversation_id for shopper in self.town.shoppers])

    def look(self) -> None:
        """Everything that must hold between two steps. Raises `Violated`."""
        self._invariants()
        self._openings()
        self._bank_and_books()
        self._hands()

    def rows(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a question of the owner's answers."""
        return self._ask(question, values)

    def done(self) -> Counter[str]:
        """What the store did since the run began, by the words of its audit."""
        return Counter(dict(self._ask(DONE, (self._began,))))

    def _invariants(self) -> None:
        counts = self._ask(EVERY_INVARIANT)[0]
        wrong = {name: count for name, count in zip(all_checks(), counts, strict=True) if count}
        found(not wrong, f"violations: {wrong}")

    def _openings(self) -> None:
        """What was opened of one SKU at one merchant in each hour; and all that was to be opened did open."""
        beyond = self._ask(OPENED, (BUDGET,))
        found(not beyond, f"more cards were opened in an hour than the budget: {beyond}")
        found(self._ask(BROKEN) == [(0,)], "a card does not open, and nobody had touched it")

    def _bank_and_books(self) -> None:
        known = {(one.account, one.transaction): one for one in self.bank.charges}
        for account, transaction, kind, minor, currency in self._ask(EVENTS):
            charge = known.get((account, transaction))
            if charge is None:
                raise Violated(f"{transaction} was booked, and the bank knows of no such payment")
            real = charge.amount.minor if kind == "paid" else sum(charge.back.values())
            found(
                (minor, currency) == (real, charge.amount.currency),
                f"{transaction} was booked as {minor} {currency}, and is {real} {charge.amount.currency}",
            )
        returned = {number: minor for charge in self.bank.charges for number, minor in charge.back.items()}
        for number, minor in self._ask(SENT_BACK):
            found(returned.get(number) == minor, "a refund counts as done that the bank never made")
        self._shoppers_money()

    def _shoppers_money(self) -> None:
        """To the fen for each shopper; those who were one together, since each went its way with other things."""
        self.persons.see(dict(self._ask(NOW)))
        missing: Counter[int | None] = Counter()
        for shopper, minor in self._ask(MONEY_OF_SHOPPERS):
            missing[self.persons.group_of(shopper)] += int(minor)
        astray = {group: minor for group, minor in missing.items() if minor}
        found(not astray, f"money of shoppers is not all there (missing by payer): {astray}")

    def _hands(self) -> None:
        """What shoppers read with their own tokens: each card is one order's, which is paid, and a known one."""
        by_session = {shopper.session.id: shopper for shopper in self.town.shoppers}
        for message, conversation, body, session, sealed in self._ask(NEW_CARDS, (self._seen,)):
            self._seen = max(self._seen, message)
            reader = by_session[session]
            found(reader.session.conversation_id == conversation, "cards were sealed to another chat")
            cards = self._opened(reader, body, bytes(sealed), session)
            self._given(parse(Prefix.ORDER, body["order"]), reader, cards)

        for order, on_a_page in self.shown:
            found(self.hands.get(order) == on_a_page, "a card page shows other cards than the chat")

    def _opened(self, reader: Shopper, body: dict[str, Any], sealed: bytes, session: UUID) -> list[str]:
        context = answer_context(delivery=UUID(body["delivery"]), session=session)
        return [card["secret"] for card in json.loads(open_answer(reader.token, sealed, context))["cards"]]

    def _given(self, order: UUID, reader: Shopper, cards: Sequence[str]) -> None:
        whose = (reader.session.conversation_id, order)
        is_own, state, is_paid, quantity, sku = self._ask(ORDERED, whose)[0]
        found(is_own, "somebody else's cards arrived")
        found(is_paid and state in ("paid", "closed"), f"cards went out for an order that is {state}")
        found(len(set(cards)) == len(cards) == quantity, f"{len(cards)} cards came for {quantity} that were bought")
        found(set(cards) <= self.town.cards[sku] | set(self.brought.get(sku, ())), "a card came that nobody brought")
        before = self.hands.setdefault(order, frozenset(cards))
        found(before == frozenset(cards), "the same order was given other cards")
        if reader.session.merchant_code == ROGUE:
            self._taken |= set(cards)
            cost = len(self._taken) * ROGUES_COST
            found(cost <= CREDIT["dist", ROGUE], f"the rogue has goods of others for {cost}")
        for card in cards:
            found(self._owner.setdefault(card, order) == order, "a card was given to two orders")

    def _ask(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.observer.execute(question.encode(), values or None, prepare=True).fetchall()
