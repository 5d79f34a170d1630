"""A question asked of two chats and a yes in both: what makes two shoppers one, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import peewee
import pytest

from core.conversations.binding import (
    UnknownCode,
    decline_binding,
)
from core.conversations.requests import RequestOver, pending_claim
from core.conversations.wallets import wallet_in, wallet_of_both
from core.db import constraint
from core.errors import NotFound
from core.ids import new_id
from core.members.service import Channel, add_identity
from core.messages.service import MessageKind, messages_after
from core.money import Money
from core.payments.merging import confirm_binding
from core.payments.service import hold_wallet_part, wallet_balance
from core.payments.unbinding import sealed_binding
from core.vault.bindings import SealedBinding, is_sealed
from tests.builders import KEYS, NOON, Shop, Talker
from tests.support.binding import Binder
from tests.support.till import Till

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def binder(shop: Shop) -> Binder:
    return Binder(shop)


@pytest.fixture
def old(binder: Binder) -> Talker:
    return binder.a_shopper(age=2)


@pytest.fixture
def young(binder: Binder) -> Talker:
    return binder.a_shopper(age=1)


def decline(binder: Binder, talker: Talker, claim_id: Any) -> None:
    here = binder.as_now(talker)
    decline_binding(actor=here.actor, conversation_id=here.conversation_id, claim_id=claim_id, now=binder.now)


def shoppers(sql: Sql) -> set[tuple[Any, Any]]:
    """Which shopper each identity belongs to."""
    return set(sql("SELECT id, shopper_id FROM identity"))


def test_who_enters_the_code_sees_who_asks_and_who_asked_is_told_who_entered_it(
    binder: Binder, old: Talker, young: Talker
) -> None:
    claim = binder.enter(young, binder.ask(old).text)

    (question,) = messages_after(conversation_id=old.conversation_id, after=0)
    assert claim.other.identity_ids == (old.identity_id,)
    assert question.kind is MessageKind.BINDING_ASKED
    assert question.body == {
        "claim": str(claim.claim_id),
        "channel": "web",
        "hint": "",
        "since": (NOON - timedelta(hours=1)).isoformat(),
        "wallet": {
            "stays_with": {"channel": "web", "hint": "", "since": (NOON - timedelta(hours=2)).isoformat()},
            "is_here": True,
            "moves": [],
        },
    }
    assert binder.told(young) == []


def test_both_sides_see_before_their_yes_which_money_moves_and_where_it_stays(
    binder: Binder, old: Talker, young: Talker, till: Till, shop: Shop
) -> None:
    listing = shop.a_listing("A1", price=1000)
    shop.a_batch("A1", 5)
    till.fill_wallet(old, 70)
    till.fill_wallet(young, 500)
    order = shop.place(young, listing)
    hold_wallet_part(actor=young.actor, order_id=order.order_id, amount=Money(200, "CNY"), now=NOON)

    binder.asked(old, young)

    asked = messages_after(conversation_id=old.conversation_id, after=0)[-1]
    seen = [wallet_in(asked.body["wallet"]), wallet_of_both(mine=young.identity_id, other=old.identity_id)]
    assert [(one.is_here, one.moves, one.stays_with.since) for one in seen if one] == [
        (True, (Money(500, "CNY"),), NOON - timedelta(hours=2)),
        (False, (Money(500, "CNY"),), NOON - timedelta(hours=2)),
    ]
    binder.bind(old, young)
    assert wallet_balance(actor=binder.as_now(young).actor, currency="CNY") == Money(370, "CNY")
    assert wallet_of_both(mine=young.identity_id, other=old.identity_id) is None


@pytest.mark.parametrize("asks_first", [True, False])
@pytest.mark.parametrize("old_asks", [True, False])
def test_two_chats_are_one_shopper_once_both_have_agreed_in_either_order(
    binder: Binder, old: Talker, young: Talker, sql: Sql, old_asks: bool, asks_first: bool
) -> None:
    asking, entering = (old, young) if old_asks else (young, old)
    claim_id = binder.asked(asking, entering)
    first, second = (asking, entering) if asks_first else (entering, asking)

    assert not binder.agree(first, claim_id).is_bound
    assert shoppers(sql) == {(old.identity_id, old.shopper_id), (young.identity_id, young.shopper_id)}
    assert binder.agree(second, claim_id).is_bound

    assert shoppers(sql) == {(old.identity_id, old.shopper_id), (young.identity_id, old.shopper_id)}
    assert sql("SELECT merged_into FROM shopper WHERE id = %s", [young.shopper_id]) == [(old.shopper_id,)]
    assert binder.told(first)[-1] is MessageKind.BOUND
    assert MessageKind.BOUND not in binder.told(second)
    assert binder.violations() == {}


def test_the_same_yes_again_and_a_yes_after_it_was_done_are_the_same_yes(
    binder: Binder, old: Talker, young: Talker, shop: Shop
) -> None:
    claim_id = binder.asked(old, young)
    assert not binder.agree(old, claim_id).is_bound
    assert not binder.agree(old, claim_id).is_bound
    binder.agree(young, claim_id)
    before = shop.fingerprint()

    assert binder.agree(young, claim_id).is_bound
    assert binder.agree(old, claim_id).is_bound
    assert shop.fingerprint() == before


def test_one_side_cannot_answer_for_the_other_and_a_third_for_nobody(
    binder: Binder, old: Talker, young: Talker, shop: Shop
) -> None:
    claim_id = binder.asked(old, young)
    stranger = binder.a_shopper()
    before = shop.fingerprint()

    for answer in (binder.agree, lambda one, two: decline(binder, one, two)):
        with pytest.raises(RequestOver):
            answer(stranger, claim_id)
    with pytest.raises(RequestOver):
        binder.agree(old, new_id())
    with pytest.raises(NotFound):
        confirmed_in_a_foreign_chat(binder, stranger, old, claim_id)
    assert shop.fingerprint() == before


def confirmed_in_a_foreign_chat(binder: Binder, actor: Talker, chat: Talker, claim_id: Any) -> None:
    confirm_binding(
        actor=actor.actor,
        conversation_id=chat.conversation_id,
        claim_id=claim_id,
        seal_key=KEYS.seal,
        now=binder.now,
    )


@pytest.mark.parametrize("who", ["asking", "entering"])
def test_a_no_of_either_side_ends_the_question_and_the_code(
    binder: Binder, old: Talker, young: Talker, sql: Sql, who: str
) -> None:
    code = binder.ask(old).text
    claim_id = binder.enter(young, code).claim_id
    says_no, hears = (old, young) if who == "asking" else (young, old)
    decline(binder, says_no, claim_id)

    assert binder.told(hears)[-1] is MessageKind.BINDING_DECLINED
    for talker in (old, young):
        with pytest.raises(RequestOver):
            binder.agree(talker, claim_id)
    with pytest.raises(UnknownCode):
        binder.enter(young, code)
    assert shoppers(sql) == {(old.identity_id, old.shopper_id), (young.identity_id, young.shopper_id)}
    with pytest.raises(RequestOver):
        decline(binder, says_no, claim_id)


def test_a_question_can_be_answered_for_ten_minutes(binder: Binder, old: Talker, young: Talker) -> None:
    claim_id = binder.asked(old, young)
    binder.now += timedelta(minutes=9, seconds=59)
    binder.agree(old, claim_id)
    binder.now += timedelta(seconds=1)

    with pytest.raises(RequestOver):
        binder.agree(young, claim_id)
    assert binder.as_now(young).shopper_id == young.shopper_id


def test_the_question_that_waits_is_found_by_the_chats_that_have_not_answered(
    binder: Binder, old: Talker, young: Talker
) -> None:
    def waits(talker: Talker) -> Any:
        return pending_claim(actor=talker.actor, conversation_id=talker.conversation_id, now=binder.now)

    assert waits(old) is None
    claim_id = binder.asked(old, young)
    assert [waits(one).other.identity_id for one in (old, young)] == [young.identity_id, old.identity_id]
    binder.agree(old, claim_id)
    assert waits(old) is None
    assert waits(young).claim_id == claim_id


def test_who_only_writes_the_tables_agrees_for_nobody(binder: Binder, old: Talker, young: Talker, sql: Sql) -> None:
    """Fault 106: a row that says that the victim asked and agreed, and the attacker's own yes."""
    row = "INSERT INTO binding_request (id, merchant_id, asked_identity_id, asked_conversation_id, code_hash, asked_at,"
    row += " claim_id, claimed_identity_id, claimed_conversation_id, claimed_at, asked_agreement)"
    row += " VALUES (%s, %s, %s, %s, sha256('x'), %s, %s, %s, %s, %s, sha256('yes'))"
    claim_id, whose = new_id(), [old.merchant_id, old.identity_id, old.conversation_id]
    sql(row, [new_id(), *whose, NOON, claim_id, young.identity_id, young.conversation_id, NOON], role="shop")

    assert not binder.agree(young, claim_id).is_bound
    assert binder.as_now(young).shopper_id == young.shopper_id
    assert sql("SELECT count(*) FROM binding") == [(0,)]


def test_a_binding_is_sealed_over_everything_it_says(binder: Binder, old: Talker, young: Talker, sql: Sql) -> None:
    binder.bind(young, old)
    columns = "id, merchant_id, kept_shopper_id, merged_shopper_id, kept_identity_id, kept_address, merged_identity_id,"
    binding, seal = sealed_binding(sql(f"SELECT {columns} merged_address, bound_at, ended_at, seal FROM binding")[0])

    assert isinstance(binding, SealedBinding)
    assert (binding.kept_shopper_id, binding.merged_shopper_id) == (old.shopper_id, young.shopper_id)
    assert [side.identity_id for side in binding.sides] == [old.identity_id, young.identity_id]
    assert [side.chat_address for side in binding.sides] == [f"web:{old.identity_id}", f"web:{young.identity_id}"]
    assert binding.bound_at == NOON
    assert is_sealed(KEYS.seal, binding, seal)


BREAKS = {
    "unmade": "UPDATE binding SET ended_at = NULL",
    "moved": "UPDATE binding SET ended_at = now(), bound_at = bound_at - interval '31 days'",
    "repointed": "UPDATE binding SET ended_at = now(), merged_address = 'web:attacker'",
    "deleted": "DELETE FROM binding",
}


@pytest.mark.parametrize("statement", BREAKS.values(), ids=BREAKS)
def test_a_binding_only_ends(binder: Binder, old: Talker, young: Talker, sql: Sql, statement: str) -> None:
    binder.bind(old, young)

    with pytest.raises(Exception, match="a binding only ends"):
        sql(statement)


def test_nothing_new_refers_to_a_shopper_that_became_part_of_another(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    binder.bind(old, young)

    with pytest.raises(peewee.IntegrityError) as broken:
        add_identity(
            shopper_id=young.shopper_id,
            merchant_id=young.merchant_id,
            channel=Channel.TELEGRAM,
            external_id="1:1",
            now=NOON,
        )
    assert constraint(broken.value) == "shopper_is_one"
