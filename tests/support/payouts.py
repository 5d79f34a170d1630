"""People, banks, settled money and claims for tests of payouts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from core.actor import OPERATOR, Actor, ActorKind
from core.ids import new_id
from core.ledger.rules import AccountKind, TransferCode
from core.ledger.service import NewTransfer, balance, open_account, post
from core.money import Money
from core.secret import Secret
from core.settlement.claims import Claim
from core.settlement.payouts import approve_payout, request_payout
from core.settlement.service import record_settlement, set_bank_details
from tests.builders import NOON, Shop

ACT_KEY = Secret(b"the worker's act key of the tests")
NUMBER = "6222 0212 3456 7890 123"
MONTH = NOON + timedelta(days=30)
DAY = date(2026, 4, 1)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


@dataclass
class Treasury:
    """The merchant `demo`, two finance people of it and one of the platform; the clock of most calls is MONTH."""

    shop: Shop
    people: dict[str, Actor] = field(default_factory=dict)

    def person(self, name: str, party_id: int | None = None, role: str = "finance") -> Actor:
        """Somebody with a login; by default at the merchant."""
        if name not in self.people:
            party = self.shop.merchant if party_id is None else party_id
            staff = new_id()
            self.shop.sql(
                "INSERT INTO staff (id, email, name, password_hash, created_at)"
                " VALUES (%s, %s, %s, '$argon2id$none', now())",
                [staff, f"{name}@example.org", name],
            )
            self.shop.sql("INSERT INTO staff_role VALUES (%s, %s, %s)", [staff, party, role])
            self.people[name] = Actor(ActorKind.STAFF, id=staff, party_id=party, roles=frozenset({role}))
        return self.people[name]

    @property
    def maker(self) -> Actor:
        return self.person("mei")

    @property
    def approver(self) -> Actor:
        return self.person("wang")

    def bank(self, party_id: int | None = None, *, by: Actor | None = None, at: datetime = NOON) -> UUID:
        """Bank details, changed long ago by a third person."""
        party = self.shop.merchant if party_id is None else party_id
        details = {"name": "某某商贸有限公司", "bank": "招商银行", "number": Secret(NUMBER), "key": ACT_KEY}
        actor = by or self.person("chen")
        return set_bank_details(actor=actor, party_id=party, submission_id=str(new_id()), now=at, **details).id

    def gateway(self, name: str = "stars", merchant_id: int | None = None) -> int:
        """A gateway account of the merchant."""
        owner = self.shop.merchant if merchant_id is None else merchant_id
        return int(
            self.shop.sql(
                "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
                " VALUES (%s, %s, %s, 'CNY', %s, now()) RETURNING id",
                [new_id().hex, name, owner, json.dumps({"zh-CN": name, "en": name})],
            )[0][0]
        )

    def settled(self, minor: int, *, debtor: int | None = None, gateway: str = "stars") -> UUID:
        """A gateway paid so much to the debtor's bank."""
        return record_settlement(
            actor=OPERATOR,
            gateway_account_id=self.gateway(gateway),
            debtor_id=self.shop.merchant if debtor is None else debtor,
            amount=cny(minor),
            reference=f"bank {new_id()}",
            submission_id=str(new_id()),
            now=NOON,
        )

    def claim(self, party: int | None = None, debtor: int | None = None) -> Claim:
        return Claim(party or self.shop.merchant, debtor or self.shop.merchant, "CNY")

    def earned(self, minor: int, claim: Claim | None = None, *, at: datetime = NOON) -> None:
        """A share of something that was sold at a time; below 0 a refund of it."""
        claim = claim or self.claim()
        world = open_account(
            kind=AccountKind.WORLD,
            holder="source:tests",
            counterparty=f"party:{claim.debtor_id}",
            currency=claim.currency,
        )
        pending = claim.account(AccountKind.PENDING)
        pair = (world, pending) if minor > 0 else (pending, world)
        code = TransferCode.SALE if minor > 0 else TransferCode.REFUND
        post(transfers=[NewTransfer(*pair, abs(minor), claim.currency, code, new_id())], now=at)

    def ready(self, minor: int = 10_000) -> None:
        """So much was sold a month ago, its gateway has settled for it, the bank is known and the people are there."""
        self.bank()
        self.settled(minor)
        self.earned(minor)
        _ = self.maker, self.approver

    def asked(
        self,
        minor: int,
        *,
        by: Actor | None = None,
        day: date = DAY,
        claim: Claim | None = None,
        submission: str = "",
        at: datetime = MONTH,
    ) -> UUID:
        claim = claim or self.claim()
        return request_payout(
            actor=by or self.maker,
            party_id=claim.party_id,
            debtor_id=claim.debtor_id,
            amount=cny(minor),
            period=day,
            submission_id=submission or str(new_id()),
            now=at,
        )

    def approved(self, minor: int, *, day: date = DAY) -> UUID:
        payout = self.asked(minor, day=day)
        approve_payout(actor=self.approver, payout_id=payout, now=MONTH)
        return payout

    def state(self, payout: UUID) -> str:
        return str(self.shop.sql("SELECT state FROM payout WHERE id = %s", [payout])[0][0])

    def stands(self, claim: Claim | None = None) -> dict[str, int]:
        """The balance of each account of a claim from its transfers, and what is outside; zeros are left out."""
        claim = claim or self.claim()
        kinds = (AccountKind.PENDING, AccountKind.AVAILABLE, AccountKind.IN_TRANSIT, AccountKind.OWED)
        found = {kind.value: balance(account_id=claim.account(kind)) for kind in kinds}
        outside = open_account(
            kind=AccountKind.WORLD, holder="source:payout", counterparty=f"party:{claim.debtor_id}", currency="CNY"
        )
        return {name: minor for name, minor in (found | {"outside": balance(account_id=outside)}).items() if minor}
