"""The code of a binding: how it is read and kept, who may enter it, how often, and what a wrong one is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.conversations.binding import (
    MOST_ACCOUNTS,
    AlreadyBound,
    OwnCode,
    TooManyAccounts,
    TooManyWrongCodes,
    UnknownCode,
    read_code,
)
from core.conversations.requests import RequestOver
from core.members.accounts import accounts_of
from core.messages.service import MessageKind
from tests.builders import NOON, Shop, Talker
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


def test_three_wrong_codes_of_a_shopper_and_no_code_is_looked_at_for_ten_minutes(
    binder: Binder, old: Talker, young: Talker
) -> None:
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
