"""Two chats of a shop that are bound to one shopper, by the real use cases, and looks at what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core.conversations.binding import Code, begin_binding, claim_binding
from core.conversations.requests import Claim
from core.ids import new_id
from core.members.accounts import Account
from core.messages.service import MessageKind, messages_after
from core.orders.service import PlacedOrder, orders_of
from core.payments.merging import Agreement, confirm_binding
from core.payments.service import pay_from_wallet, wallet_balance
from core.payments.unbinding import unbind
from core.reports.checks import all_checks
from tests.builders import NOON, Shop, Talker, broken


@dataclass
class Binder:
    """Says what shoppers say; every talker is looked up as its conversation stands now."""

    shop: Shop
    now: datetime = NOON

    def a_shopper(self, age: int = 0, *, merchant: int | None = None, paid_orders: int = 0) -> Talker:
        """A shopper in a chat; the greater its age (in hours), the older it is."""
        talker = self.shop.a_shopper(merchant=merchant, paid_orders=paid_orders)
        for table, number in (("identity", talker.identity_id), ("shopper", talker.shopper_id)):
            at = "UPDATE {} SET created_at = %s::timestamptz - make_interval(hours => %s) WHERE id = %s"
            self.shop.sql(at.format(table), [NOON, age, number])
        return talker

    def as_now(self, talker: Talker) -> Talker:
        """The same chat, with the shopper that it belongs to now."""
        rows = self.shop.sql("SELECT shopper_id FROM conversation WHERE id = %s", [talker.conversation_id])
        return replace(talker, shopper_id=rows[0][0])

    def balance(self, talker: Talker) -> int:
        """What the wallet of the chat's shopper holds, in minor units."""
        return wallet_balance(actor=self.as_now(talker).actor, currency="CNY").minor

    def orders(self, talker: Talker) -> set[UUID]:
        """The orders that the chat sees."""
        return {view.id for view in orders_of(actor=self.as_now(talker).actor)}

    def pay(self, talker: Talker, order: PlacedOrder) -> UUID:
        """Pay an order from the wallet."""
        actor = self.as_now(talker).actor
        return pay_from_wallet(actor=actor, order_id=order.order_id, submission_id=str(new_id()), now=NOON)

    def ask(self, talker: Talker, submission: str | None = None) -> Code:
        """绑定."""
        here = self.as_now(talker)
        return begin_binding(
            actor=here.actor,
            conversation_id=here.conversation_id,
            submission_id=submission or str(new_id()),
            seal_key=self.shop.keys.seal,
            now=self.now,
        )

    def enter(self, talker: Talker, code: str) -> Claim:
        """绑定 CODE."""
        here = self.as_now(talker)
        return claim_binding(
            actor=here.actor,
            conversation_id=here.conversation_id,
            code=code,
            seal_key=self.shop.keys.seal,
            now=self.now,
        )

    def agree(self, talker: Talker, claim_id: UUID) -> Agreement:
        """同意."""
        here = self.as_now(talker)
        return confirm_binding(
            actor=here.actor,
            conversation_id=here.conversation_id,
            claim_id=claim_id,
            seal_key=self.shop.keys.seal,
            now=self.now,
        )

    def asked(self, one: Talker, other: Talker) -> UUID:
        """One asks, the other has entered the code: the question."""
        return self.enter(other, self.ask(one).text).claim_id

    def bind(self, one: Talker, other: Talker) -> UUID:
        """Both agree; the shopper that both are from now on."""
        claim_id = self.asked(one, other)
        assert not self.agree(other, claim_id).is_bound
        assert self.agree(one, claim_id).is_bound
        assert self.as_now(one).shopper_id == self.as_now(other).shopper_id
        return self.as_now(one).shopper_id

    def let_go(self, talker: Talker, *, said_by: Talker) -> Account:
        """解绑 one account from a chat."""
        here = self.as_now(said_by)
        return unbind(
            actor=here.actor,
            identity_id=talker.identity_id,
            conversation_id=here.conversation_id,
            seal_key=self.shop.keys.seal,
            now=self.now,
        )

    def told(self, talker: Talker) -> list[MessageKind]:
        """The kinds of what was sent unasked."""
        return [one.kind for one in messages_after(conversation_id=talker.conversation_id, after=0)]

    def violations(self) -> dict[str, int]:
        """Every check of `verify` that finds something."""
        return broken(self.shop.sql, all_checks())
