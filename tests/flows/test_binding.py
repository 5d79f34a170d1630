"""A code shown in one chat, entered in another, and a yes in both: what makes two shoppers one, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import peewee
import pytest

from core.conversations.binding import (
    MOST_ACCOUNTS,
    AlreadyBound,
    OwnCode,
    TooManyAccounts,
    TooManyWrongCodes,
    UnknownCode,
    decline_binding,
    read_code,
)
from core.conversations.requests import RequestOver, pending_claim
from core.db import constraint
from core.errors import NotFound
from core.ids import new_id
from core.members.accounts import accounts_of
from core.members.service import Channel, add_identity
from core.messages.service import MessageKind, messages_after
from core.payments.merging import confirm_binding
from core.payments.unbinding import sealed_binding
from core.vault.bindings import SealedBinding, is_sealed
from tests.builders import KEYS, NOON, Shop, Talker
from tests.support.binding import Binder

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


def test_a_code_is_forty_bits_in_two_groups_that_people_can_read(binder: Binder, old: Talker) -> None:
    codes = {binder.ask(old).text for _ in range(20)}

    assert len(codes) == 20
    assert all(len(code) == 9 and code[4] == "-" and read_code(code) is not None for code in codes)
    assert {len(read_code(code) or b"") for code in codes} == {5}


@pytest.mark.parametrize("typed", ["k7qd-2mxa", "K7QD2MXA", " k7qd 2mxa ", "K7QD—2MXA"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert read_code(typed) == read_code("K7QD-2MXA")


@pytest.mark.parametrize("typed", ["", "K7QD", "K7QD-2MXA-K7QD", "微信", "K7QD-2MX9"])
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_code(typed) is None


def test_the_tables_keep_neither_the_code_nor_what_it_could_be_found_from(
    binder: Binder, old: Talker, sql: Sql
) -> None:
    code = binder.ask(old).text

    kept = sql("SELECT row_to_json(r)::text FROM binding_request r")[0][0]
    assert code not in kept
    assert code.replace("-", "") not in kept
    raw = read_code(code) or b""
    assert sql("SELECT count(*) FROM binding_request WHERE code_hash = sha256(%s)", [raw]) == [(0,)]


def test_the_same_message_heard_twice_asks_once_and_gives_the_same_code(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    """INV-O6."""
    code = binder.ask(old, "message:1")
    claim = binder.enter(young, code.text)

    assert binder.ask(old, "message:1") == code
    assert sql("SELECT claim_id FROM binding_request") == [(claim.claim_id,)]
    assert sql("SELECT count(*) FROM audit_entry WHERE action = 'binding.asked'") == [(1,)]


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
    }
    assert binder.told(young) == []


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


def wrong_codes(binder: Binder, old: Talker, young: Talker, shop: Shop) -> dict[str, str]:
    """Codes that were never right here, or are not any more."""
    other = binder.a_shopper(merchant=shop.a_party("other"))
    foreign = binder.ask(other).text
    first = binder.ask(old).text
    replaced = binder.ask(old).text if first else ""
    binder.ask(old)
    return {"invented": "AAAA-AAAA", "of another merchant": foreign, "replaced": replaced, "no code": "wechat"}


def test_wrong_foreign_replaced_and_expired_codes_get_the_same_answer(
    binder: Binder, old: Talker, young: Talker, shop: Shop, sql: Sql
) -> None:
    answers = set()
    for name, code in wrong_codes(binder, old, young, shop).items():
        with pytest.raises(UnknownCode) as refused:
            binder.enter(binder.a_shopper(), code)
        answers.add((name != "", refused.value.reason, str(refused.value)))
    late = binder.ask(old).text
    binder.now += timedelta(minutes=10)
    with pytest.raises(UnknownCode) as refused:
        binder.enter(young, late)
    answers.add((True, refused.value.reason, str(refused.value)))

    assert len(answers) == 1
    assert binder.told(old) == []
    assert sql("SELECT count(*) FROM binding_request WHERE claim_id IS NOT NULL") == [(0,)]


def test_a_code_works_until_its_last_second(binder: Binder, old: Talker, young: Talker) -> None:
    code = binder.ask(old)
    assert code.expires_at == NOON + timedelta(minutes=10)
    binder.now += timedelta(minutes=9, seconds=59)

    assert binder.enter(young, code.text).other.identity_id == old.identity_id


def test_a_question_can_be_answered_for_ten_minutes(binder: Binder, old: Talker, young: Talker) -> None:
    claim_id = binder.asked(old, young)
    binder.now += timedelta(minutes=9, seconds=59)
    binder.agree(old, claim_id)
    binder.now += timedelta(seconds=1)

    with pytest.raises(RequestOver):
        binder.agree(young, claim_id)
    assert binder.as_now(young).shopper_id == young.shopper_id


def test_three_wrong_codes_of_a_shopper_and_no_code_is_looked_at_for_ten_minutes(
    binder: Binder, old: Talker, young: Talker
) -> None:
    """Fault 96."""
    right = binder.ask(old).text
    for _ in range(3):
        with pytest.raises(UnknownCode):
            binder.enter(young, "AAAA-AAAA")

    for code in ("AAAA-AAAA", right):
        with pytest.raises(TooManyWrongCodes) as refused:
            binder.enter(young, code)
        assert refused.value.params == {"minutes": 10}
    binder.now += timedelta(minutes=10)
    assert binder.enter(young, binder.ask(old).text).other.identity_id == old.identity_id


def test_wrong_codes_count_for_all_chats_of_a_shopper(binder: Binder, old: Talker, young: Talker) -> None:
    binder.bind(old, young)
    for talker in (old, young, old):
        with pytest.raises(UnknownCode):
            binder.enter(talker, "AAAA-AAAA")

    with pytest.raises(TooManyWrongCodes):
        binder.enter(young, "AAAA-AAAA")


def test_a_code_may_be_entered_by_three_chats_and_is_as_unknown_as_any_other_to_the_fourth(
    binder: Binder, old: Talker, sql: Sql
) -> None:
    code = binder.ask(old).text
    claims = [binder.enter(binder.a_shopper(), code).claim_id for _ in range(3)]

    with pytest.raises(UnknownCode):
        binder.enter(binder.a_shopper(), code)
    assert len(set(claims)) == 3
    assert sql("SELECT claim_id, tries FROM binding_request") == [(claims[-1], 3)]


def test_who_enters_a_code_after_another_takes_the_others_place_and_no_yes_of_his(
    binder: Binder, old: Talker, young: Talker
) -> None:
    code = binder.ask(old).text
    thief = binder.a_shopper()
    first = binder.enter(thief, code).claim_id
    binder.agree(old, first)
    second = binder.enter(young, code).claim_id

    for talker in (thief, old):
        with pytest.raises(RequestOver):
            binder.agree(talker, first)
    assert not binder.agree(young, second).is_bound
    assert binder.as_now(thief).shopper_id == thief.shopper_id


def test_the_same_chat_may_enter_the_code_again(binder: Binder, old: Talker, young: Talker, sql: Sql) -> None:
    code = binder.ask(old).text

    assert binder.enter(young, code) == binder.enter(young, code)
    assert sql("SELECT tries FROM binding_request") == [(1,)]
    assert binder.told(old) == [MessageKind.BINDING_ASKED]


def test_a_code_entered_where_it_was_shown_is_said_to_be_the_own_one(binder: Binder, old: Talker, shop: Shop) -> None:
    code = binder.ask(old).text
    before = shop.fingerprint()

    with pytest.raises(OwnCode):
        binder.enter(old, code)
    assert shop.fingerprint() == before


def test_chats_that_are_bound_are_not_bound_again(binder: Binder, old: Talker, young: Talker, shop: Shop) -> None:
    binder.bind(old, young)
    code = binder.ask(old).text
    before = shop.fingerprint()

    with pytest.raises(AlreadyBound):
        binder.enter(young, code)
    assert shop.fingerprint() == before


def test_a_shopper_has_one_open_code_wherever_it_asked(binder: Binder, old: Talker, young: Talker) -> None:
    binder.bind(old, young)
    first = binder.ask(old).text
    second = binder.ask(young).text
    third = binder.a_shopper()

    with pytest.raises(UnknownCode):
        binder.enter(third, first)
    assert binder.enter(third, second).other.identity_id == young.identity_id


def test_more_accounts_than_one_shopper_may_have_are_refused_before_and_after_the_question(
    binder: Binder, old: Talker, shop: Shop
) -> None:
    for _ in range(MOST_ACCOUNTS - 2):
        binder.bind(old, binder.a_shopper())
    one, two = binder.a_shopper(), binder.a_shopper()
    claim_id = binder.asked(old, one)
    binder.agree(one, claim_id)
    binder.bind(one, two)
    before = shop.fingerprint()

    with pytest.raises(TooManyAccounts):
        binder.agree(old, claim_id)
    assert shop.fingerprint() == before
    assert len(accounts_of(shopper_id=binder.as_now(old).shopper_id)) == MOST_ACCOUNTS - 1
    with pytest.raises(TooManyAccounts):
        binder.enter(two, binder.ask(old).text)


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
