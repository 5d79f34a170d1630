"""Both sides of a binding have agreed: two shoppers of a merchant become one, with orders, money and language.

Everything of the younger goes to the older, in one transaction; its row stays, marked, for the books and the audit.
Locks are taken in the order of every payment: orders, payments, shoppers, and the accounts last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.conversations.binding import MOST_ACCOUNTS, TooManyAccounts
from core.conversations.requests import (
    Request,
    RequestOver,
    agree,
    end_request,
    find_request,
    open_request,
    own_chat,
    was_agreed,
)
from core.conversations.sessions import Conversation
from core.db import execute, in_transaction
from core.errors import Unavailable
from core.ids import new_id
from core.ledger.merging import move_everything
from core.ledger.rules import party, shopper
from core.members.accounts import Account, account_of, accounts_of, are_joined
from core.members.memberships import count_again
from core.messages.service import MessageKind, tell
from core.payments.binding_sql import (
    CHATS_OF,
    COPY_SUBMISSIONS,
    ELDER,
    INSERT_BINDING,
    LANGUAGE_USED_LAST,
    LOCK_ORDERS,
    LOCK_PAYMENTS,
    LOCK_SHOPPERS,
    MERGE_AWAY,
    MERGE_INTO,
    MOVE_CONTACTS,
    MOVE_IDENTITIES,
    MOVE_PAYMENTS,
    SHOPPERS_OF,
)
from core.secret import Secret
from core.vault.bindings import SealedBinding, Side, binding_seal

TRIES = 5
"""How often the two shoppers are looked up again when one of them becomes part of a third meanwhile."""


class Moved(Unavailable):
    """One of the shoppers became part of another, or an account left, while this waited; nothing was done."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What this side's yes did: the two are one now, or the other side is still to answer."""

    other: Account
    is_bound: bool


def confirm_binding(
    *, actor: Actor, conversation_id: UUID, claim_id: UUID, seal_key: Secret, now: datetime
) -> Agreement:
    """Yes, from one side of a binding; with the second yes the two shoppers become one. The same yes again is no other.

    Raises `RequestOver`, `NotFound`, `TooManyAccounts`, `Moved`; a refusal changes nothing.
    """
    work = partial(_confirm, actor, conversation_id, claim_id, seal_key, now)
    for _ in range(TRIES - 1):
        try:
            return in_transaction(work, repeatable=True)
        except Moved:
            continue
    return in_transaction(work, repeatable=True)


def _confirm(actor: Actor, conversation_id: UUID, claim_id: UUID, seal_key: Secret, now: datetime) -> Agreement:
    chat = own_chat(actor, conversation_id)
    before = _bound_before(chat, claim_id, seal_key)
    if before is not None:
        return before
    sides = _sides(open_request(chat, claim_id, now))
    shoppers = lock_shoppers([side.identity_id for side in sides])
    if shoppers[chat.identity_id] != chat.shopper_id:
        raise Moved
    request = open_request(chat, claim_id, now)  # as it is under the locks
    mine, other = (account_of(identity_id=side.identity_id) for side in _mine_first(sides, chat))
    if not agree(chat, request, seal_key):
        return Agreement(other, is_bound=False)
    if not end_request(claim_id=claim_id, now=now):
        raise RequestOver
    chats = execute(CHATS_OF, (list(shoppers.values()),))
    binding = _bind(sides, shoppers, seal_key, now)
    for told_id, shopper_id in chats:
        if told_id != chat.id:
            named = other if shopper_id == chat.shopper_id else mine
            tell(conversation_id=told_id, kind=MessageKind.BOUND, body=named.as_body(), now=now)
    audit.append(actor=actor, action="binding.bound", object_kind="binding", object_id=binding.id, now=now)
    _move_wallet(binding, now)
    return Agreement(other, is_bound=True)


def _bound_before(chat: Conversation, claim_id: UUID, seal_key: Secret) -> Agreement | None:
    """What the same yes did the first time, while it lasts."""
    request = find_request(claim_id=claim_id)
    if request is None or not was_agreed(chat, request, seal_key):
        return None
    mine, other = _mine_first(_sides(request), chat)
    if not are_joined(one=mine.identity_id, other=other.identity_id):
        raise RequestOver
    return Agreement(account_of(identity_id=other.identity_id), is_bound=True)


def _mine_first(sides: tuple[Side, Side], chat: Conversation) -> tuple[Side, Side]:
    return sides if sides[0].identity_id == chat.identity_id else (sides[1], sides[0])


def lock_shoppers(identity_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Lock the shoppers of some identities with their orders and payments: identity -> shopper. Raises `Moved`."""
    found: dict[UUID, UUID] = dict(execute(SHOPPERS_OF, (list(identity_ids),)))
    shopper_ids = sorted(set(found.values()))
    execute(LOCK_ORDERS, (shopper_ids,))
    execute(LOCK_PAYMENTS, (shopper_ids,))
    execute(LOCK_SHOPPERS, (shopper_ids,))
    if dict(execute(SHOPPERS_OF, (list(identity_ids),))) != found:
        raise Moved
    return found


def insert_binding(binding: SealedBinding, seal_key: Secret) -> None:
    """Write a binding down, sealed."""
    whose = (binding.id, binding.merchant_id, binding.kept_shopper_id, binding.merged_shopper_id)
    sides = [part for side in binding.sides for part in (side.identity_id, side.chat_address)]
    execute(INSERT_BINDING, (*whose, *sides, binding.bound_at, binding_seal(seal_key, binding)))


def _sides(request: Request) -> tuple[Side, Side]:
    if request.claimed is None:
        raise RequestOver
    return request.asked, request.claimed


def _bind(sides: tuple[Side, Side], shoppers: dict[UUID, UUID], seal_key: Secret, now: datetime) -> SealedBinding:
    """Make the two sides one shopper's, all but the money, which is moved last."""
    both = sorted(set(shoppers.values()))
    if sum(len(accounts_of(shopper_id=one)) for one in both) > MOST_ACCOUNTS:
        raise TooManyAccounts(most=MOST_ACCOUNTS)
    kept_id, merchant_id = execute(ELDER, (both,))[0]
    kept, merged = sides if shoppers[sides[0].identity_id] == kept_id else (sides[1], sides[0])
    merged_id = next((one for one in both if one != kept_id), None)
    if merged_id is None and are_joined(one=kept.identity_id, other=merged.identity_id):
        raise RequestOver
    binding = SealedBinding(
        id=new_id(),
        merchant_id=merchant_id,
        kept_shopper_id=kept_id,
        merged_shopper_id=merged_id,
        kept=kept,
        merged=merged,
        bound_at=now,
    )
    insert_binding(binding, seal_key)
    if merged_id is not None:
        _merge(binding, merged_id)
    return binding


def _merge(binding: SealedBinding, merged_id: UUID) -> None:
    which = {"kept": binding.kept_shopper_id, "merged": merged_id, "merchant": binding.merchant_id}
    which["locale"] = execute(LANGUAGE_USED_LAST, which)[0][0]
    execute(MOVE_IDENTITIES, which)  # with their conversations, orders and membership periods
    execute(MOVE_PAYMENTS, which)
    execute(MOVE_CONTACTS, which)
    execute(COPY_SUBMISSIONS, which)
    execute(MERGE_INTO, which)
    execute(MERGE_AWAY, which)
    count_again(shopper_ids=[binding.kept_shopper_id, merged_id])


def _move_wallet(binding: SealedBinding, now: datetime) -> None:
    if binding.merged_shopper_id is not None:
        move_everything(
            holder=shopper(binding.merged_shopper_id),
            into=shopper(binding.kept_shopper_id),
            counterparty=party(binding.merchant_id),
            reference=binding.id,
            now=now,
        )
