"""Letting an account go: it becomes a shopper of its own again, with the orders placed there; the wallet stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.conversations.requests import own_chat
from core.db import execute, in_transaction
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.members.accounts import Account, accounts_of
from core.members.memberships import count_again
from core.messages.service import MessageKind, tell
from core.payments.binding_sql import (
    CHATS_OF,
    COPY_SUBMISSIONS_OF_ORDERS,
    END_BINDING,
    FEWER_PAID,
    HOLDS_WALLET_MONEY,
    LET_CONTACTS_GO,
    LET_IDENTITIES_GO,
    LET_PAYMENTS_GO,
    LIVE_BINDINGS,
    NEW_SHOPPER,
)
from core.payments.merging import TRIES, Moved, insert_binding, lock_shoppers
from core.secret import Secret
from core.vault.bindings import SealedBinding, Side, binding_seal, is_sealed


class NotBound(NotFound):
    """This account is no longer one of the shopper's, or it is the one that the others were bound to."""

    def __init__(self) -> None:
        super().__init__("account")


class WalletMoneyHeld(Conflict):
    """An unpaid order of that account has wallet money set aside: it is paid or cancelled first."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The accounts of a shopper as seen from one of its chats; the first of them keeps the wallet."""

    accounts: tuple[Account, ...]
    here: Account

    @property
    def first(self) -> Account:
        """The one that the others were bound to."""
        return self.accounts[0]

    @property
    def others(self) -> tuple[Account, ...]:
        """All but the one that is spoken from."""
        return tuple(one for one in self.accounts if one != self.here)

    @property
    def may_leave(self) -> tuple[Account, ...]:
        """All but the first."""
        return self.accounts[1:]


def bound_accounts(*, actor: Actor, conversation_id: UUID) -> Bound:
    """The accounts of the acting shopper, seen from one of its chats. Raises `NotFound`."""
    chat = own_chat(actor, conversation_id)
    accounts = tuple(accounts_of(shopper_id=chat.shopper_id))
    return Bound(accounts, next(one for one in accounts if chat.identity_id in one.identity_ids))


def unbind(*, actor: Actor, identity_id: UUID, conversation_id: UUID, seal_key: Secret, now: datetime) -> Account:
    """Let an account of the acting shopper go, from whichever of its chats; returns the account.

    Its orders, their payments and its chats go with it; the wallet stays. Raises `NotBound`, `WalletMoneyHeld`,
    `Moved`; a refusal changes nothing.
    """
    work = partial(_unbind, actor, identity_id, conversation_id, seal_key, now)
    for _ in range(TRIES - 1):
        try:
            return in_transaction(work, repeatable=True)
        except Moved:
            continue
    return in_transaction(work, repeatable=True)


def _unbind(actor: Actor, identity_id: UUID, conversation_id: UUID, seal_key: Secret, now: datetime) -> Account:
    account = _leaving(actor, identity_id)
    shoppers = lock_shoppers(account.identity_ids)
    if actor.id is None or set(shoppers.values()) != {actor.id}:
        raise NotBound
    if execute(HOLDS_WALLET_MONEY, (list(account.identity_ids),))[0][0]:
        raise WalletMoneyHeld
    chats = [conversation for conversation, _ in execute(CHATS_OF, ([actor.id],)) if conversation != conversation_id]
    _become_own_shopper(actor, actor.id, account)
    _end_bindings(account.identity_ids, seal_key, now)
    for told_id in chats:
        tell(conversation_id=told_id, kind=MessageKind.UNBOUND, body=account.as_body(), now=now)
    audit.append(actor=actor, action="binding.ended", object_kind="identity", object_id=account.identity_id, now=now)
    return account


def _leaving(actor: Actor, identity_id: UUID) -> Account:
    if actor.kind is not ActorKind.SHOPPER or actor.id is None:
        raise NotBound
    for account in accounts_of(shopper_id=actor.id):
        if identity_id in account.identity_ids and not account.is_first:
            return account
    raise NotBound


def _become_own_shopper(actor: Actor, shopper_id: UUID, account: Account) -> None:
    which: dict[str, Any] = {"new": new_id(), "shopper": shopper_id, "merchant": actor.party_id}
    which["identities"] = list(account.identity_ids)
    paid = execute(NEW_SHOPPER, which)[0][0]
    execute(FEWER_PAID, (paid, shopper_id))
    execute(COPY_SUBMISSIONS_OF_ORDERS, which)
    execute(LET_PAYMENTS_GO, which)
    execute(LET_CONTACTS_GO, which)
    execute(LET_IDENTITIES_GO, which)  # with their conversations, orders and membership periods
    count_again(shopper_ids=[shopper_id, which["new"]])


def _end_bindings(leaving: Sequence[UUID], seal_key: Secret, now: datetime) -> None:
    """End what bound the leaving identities to others; whom each of them had joined stay joined, since when they were.

    A row without its seal binds nobody and is not given one now.
    """
    own = set(leaving)
    ended: list[SealedBinding] = []
    for row in execute(LIVE_BINDINGS, {"identities": list(leaving)}):
        binding, seal = sealed_binding(row)
        if {side.identity_id for side in binding.sides} <= own:
            continue
        is_ours = is_sealed(seal_key, binding, seal)
        over = binding.ended(now)
        execute(END_BINDING, (over.ended_at, binding_seal(seal_key, over) if is_ours else seal, binding.id))
        if is_ours:
            ended.append(binding)
    for identity_id in leaving:
        _rejoin(
            [one for one in ended if identity_id in (side.identity_id for side in one.sides)], identity_id, seal_key
        )


def _rejoin(bindings: Sequence[SealedBinding], leaving: UUID, seal_key: Secret) -> None:
    """Bind those whom one identity had joined directly: two of them were one shopper's since the later of the two."""
    for first, second in pairwise(bindings):  # in the order in which they were bound
        kept, merged = (_far_side(one, leaving) for one in (first, second))
        joined = SealedBinding(
            id=new_id(),
            merchant_id=second.merchant_id,
            kept_shopper_id=second.kept_shopper_id,
            merged_shopper_id=None,
            kept=kept,
            merged=merged,
            bound_at=second.bound_at,
        )
        insert_binding(joined, seal_key)


def _far_side(binding: SealedBinding, leaving: UUID) -> Side:
    return binding.merged if binding.kept.identity_id == leaving else binding.kept


def sealed_binding(row: tuple[Any, ...]) -> tuple[SealedBinding, bytes]:
    """One row of `binding` and its seal, in the order of the statements."""
    binding_id, merchant_id, kept_id, merged_id, *sides, bound_at, ended_at, seal = row
    kept, merged = Side(sides[0], sides[1]), Side(sides[2], sides[3])
    return SealedBinding(binding_id, merchant_id, kept_id, merged_id, kept, merged, bound_at, ended_at), bytes(seal)
