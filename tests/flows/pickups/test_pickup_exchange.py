"""取卡 with a code: the order's cards in another chat, once; everything else looks alike and changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core.custody.openings.pickups import WRONG_BY_NETWORK, WRONG_BY_ONE
from core.errors import NotFound
from core.fulfilment.pickup import (
    ASKED_PER_HOUR,
    PickupLater,
    PickupRefused,
    TooManyPickups,
    forget_pickups,
    pickups_due,
    request_pickup,
)
from core.fulfilment.service import NothingDelivered, request_reread
from core.ids import Prefix, public
from core.ports import SendAnswer, SendOutcome
from core.vault.client import PickedUp, VaultCode
from core.vault.pickups import LASTS
from tests.builders import Talker
from tests.support.dialog import queued
from tests.support.exchange import Exchange
from tests.support.sales import LINES, Sale

REFUSED, TOO_OFTEN = VaultCode.PICKUP_REFUSED, VaultCode.TOO_OFTEN
NO_CODE = "0000-0000-00"


def wrong(code: str) -> str:
    """Another code that begins the same."""
    return code[:-2] + ("ZZ" if code[-2:] != "ZZ" else "YY")


def test_a_code_brings_the_cards_into_the_chat_that_types_it(desk: Exchange, other: Talker) -> None:
    sale = desk.delivered()
    desk.counter.a_session(other)

    wish = desk.types(other, desk.code(sale))
    assert queued("pick_up") == 1
    assert desk.carries_out(wish) is True

    ((kind, body),) = desk.told(other)
    assert (kind, body["order"], body["picked_up"]) == ("cards", public(Prefix.ORDER, sale.order), True)
    assert desk.reads(other, sale) == desk.reads(sale.talker, sale) <= set(LINES)
    assert len(body["cards"]) == 2
    assert all(set(card) == {"token", "mask"} for card in body["cards"])
    assert desk.counter.shop.count("pickup_wish") == 0
    assert desk.counter.shop.count("hold") == 1  # nothing was allocated a second time
    assert desk.carries_out(wish) is False


@pytest.mark.parametrize("written", ["{}", " {} ", "ｗ{}"])
def test_a_code_is_read_in_any_case_with_or_without_dashes_and_full_width(
    desk: Exchange, other: Talker, written: str
) -> None:
    sale = desk.delivered()
    code = desk.code(sale)
    forms = {
        "{}": code.lower(),
        " {} ": f" {code.replace('-', '')} ".replace("0", "o").replace("1", "l"),
        "ｗ{}": "".join(chr(ord(sign) + 0xFEE0) for sign in code),
    }

    assert desk.exchanged(desk.types(other, forms[written])) == PickedUp(sale.order, (sale.delivery,))


def test_a_code_is_used_once_and_its_chat_may_read_again(desk: Exchange, other: Talker) -> None:
    sale, third = desk.delivered(), desk.counter.shop.a_shopper()
    code = desk.code(sale)
    assert desk.reads(other, sale) is VaultCode.OTHER_READER

    assert desk.exchange(other, code) == PickedUp(sale.order, (sale.delivery,))
    before = desk.left()
    assert desk.exchange(third, code) is REFUSED
    assert desk.exchange(other, code) == PickedUp(sale.order, (sale.delivery,))

    assert desk.left() == before
    assert len(desk.reads(other, sale)) == 2
    assert desk.reads(third, sale) is VaultCode.OTHER_READER
    assert len(desk.reads(sale.talker, sale)) == 2


def test_the_chat_that_picked_up_asks_for_the_cards_again_by_the_word_and_others_do_not(
    desk: Exchange, other: Talker
) -> None:
    sale, third = desk.delivered(), desk.counter.shop.a_shopper()
    desk.exchange(other, desk.code(sale))
    asked = {"submission_id": "one", "now": datetime.now(UTC)}

    for order in (None, sale.order):
        asked["submission_id"] = f"for {order}"
        assert request_reread(
            actor=other.actor, conversation_id=other.conversation_id, order_id=order, **asked
        ) == 1  # fmt: skip
    with pytest.raises(NothingDelivered):
        request_reread(actor=third.actor, conversation_id=third.conversation_id, order_id=sale.order, **asked)
    desk.reads_again()

    assert [(kind, body["picked_up"]) for kind, body in desk.told(other)] == [("cards", True)] * 2


def test_wrong_codes_are_counted_and_then_no_code_is_looked_at_for_an_hour(desk: Exchange, other: Talker) -> None:
    """Fault 96: five tries, then the right one is refused like any other; until the hour is over."""
    sale = desk.delivered()
    code, before = desk.code(sale), desk.left()

    assert [desk.exchange(other, NO_CODE) for _ in range(WRONG_BY_ONE)] == [REFUSED] * WRONG_BY_ONE
    assert desk.exchange(other, code) is TOO_OFTEN
    assert desk.guesses() == {"identity": WRONG_BY_ONE}
    assert desk.left() == before
    assert desk.exchange(desk.counter.shop.a_shopper(), code) == PickedUp(sale.order, (sale.delivery,))
    desk.counter.shop.sql("UPDATE pickup_guess SET first_at = now() - interval '61 minutes'")
    assert desk.exchange(other, NO_CODE) is REFUSED


def test_new_guests_of_one_network_share_their_tries(desk: Exchange) -> None:
    """Fault 96: a fresh session for every guess does not help."""
    sale, shop = desk.delivered(), desk.counter.shop
    code = desk.code(sale)
    shop.sql("INSERT INTO pickup_guess VALUES ('network:home', %s, now())", [WRONG_BY_NETWORK - 1])

    assert desk.exchange(shop.a_shopper(), NO_CODE, network="home") is REFUSED
    assert desk.exchange(shop.a_shopper(), code, network="home") is TOO_OFTEN
    assert desk.exchange(shop.a_shopper(), code, network="elsewhere") == PickedUp(sale.order, (sale.delivery,))


def test_five_codes_that_begin_like_one_end_it_whoever_types_them(desk: Exchange) -> None:
    """Fault 96: even who has as many accounts as he likes gets five tries at a code."""
    sale, shop = desk.delivered(), desk.counter.shop
    code, before = desk.code(sale), desk.left()

    tries = [desk.exchange(shop.a_shopper(), wrong(code)) for _ in range(5)]
    after = desk.exchange(shop.a_shopper(), code)

    assert [*tries, after] == [REFUSED] * 6
    assert shop.sql("SELECT wrong FROM pickup_code") == [(5,)]
    assert desk.left() == before


def foreign(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """A shopper of another merchant."""
    return desk.counter.shop.a_shopper(merchant=desk.counter.shop.a_party("other")), code


def replaced(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """A later message brought another code."""
    desk.code(sale)
    return desk.counter.shop.a_shopper(), code


def expired(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """The message is older than a week."""
    return desk.counter.shop.a_shopper(), desk.code(sale, age=LASTS + timedelta(seconds=1))


def used(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """Somebody was faster."""
    desk.exchange(desk.counter.shop.a_shopper(), code)
    return desk.counter.shop.a_shopper(), code


def undelivered(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """Nothing of the order was delivered: a code allocates nothing."""
    desk.counter.shop.sql("UPDATE delivery SET state = 'sending', delivered_at = NULL WHERE id = %s", [sale.delivery])
    return desk.counter.shop.a_shopper(), code


def unknown(desk: Exchange, sale: Sale, code: str) -> tuple[Talker, str]:
    """Nobody's code."""
    return desk.counter.shop.a_shopper(), NO_CODE


@pytest.mark.parametrize("why", [foreign, replaced, expired, used, undelivered, unknown])
def test_whatever_is_wrong_with_a_code_the_answer_is_the_same_and_nothing_changes(desk: Exchange, why) -> None:
    sale = desk.delivered()
    talker, code = why(desk, sale, desk.code(sale))
    wish = desk.types(talker, code)
    before = desk.left()

    assert desk.exchanged(wish) is REFUSED
    assert desk.carries_out(wish) is False

    ((kind, body),) = desk.told(talker)
    assert (kind, body["problem"]) == ("pickup_refused", "refused")
    assert set(body) == {"problem", "error"}
    assert desk.left() == before
    assert desk.reads(talker, sale) is VaultCode.OTHER_READER


def test_a_code_whose_message_certainly_did_not_go_is_gone_and_the_one_before_works(
    desk: Exchange, other: Talker
) -> None:
    sale = desk.delivered()
    first = desk.code(sale)
    second = desk.code(sale, answer=SendAnswer(SendOutcome.REFUSED))
    assert desk.exchange(other, second) is REFUSED
    assert desk.exchange(other, first) == PickedUp(sale.order, (sale.delivery,))

    third = desk.code(sale, answer=SendAnswer(SendOutcome.UNKNOWN))
    assert desk.exchange(desk.counter.shop.a_shopper(), third) == PickedUp(sale.order, (sale.delivery,))


def test_what_is_no_code_is_refused_at_once_and_asks_nobody(desk: Exchange, other: Talker) -> None:
    for written in ("", "K7QM", "K7QM-3XWP-4U", "K7QM-3XWP-4T1", "取卡取卡取卡取卡取卡"):
        with pytest.raises(PickupRefused):
            desk.types(other, written)

    assert (queued("pick_up"), desk.guesses(), desk.told(other)) == (0, {}, [])


def test_the_same_message_heard_twice_asks_once_and_ten_an_hour_are_looked_at(desk: Exchange, other: Talker) -> None:
    desk.types(other, NO_CODE, message="m")
    with pytest.raises(ValueError, match="not enough values"):
        desk.types(other, NO_CODE, message="m")
    for _ in range(ASKED_PER_HOUR - 1):
        desk.types(other, NO_CODE)

    with pytest.raises(TooManyPickups):
        desk.types(other, NO_CODE)
    assert queued("pick_up") == ASKED_PER_HOUR


def test_without_the_vaults_public_key_nothing_is_asked(desk: Exchange, other: Talker) -> None:
    with pytest.raises(PickupLater):
        request_pickup(
            actor=other.actor, conversation_id=other.conversation_id, address="web:x", code=NO_CODE, network="",
            vault_public=None, submission_id="m", now=datetime.now(UTC),
        )  # fmt: skip
    assert queued("pick_up") == 0


def test_fault_72_an_absent_vault_uses_no_code_up(desk: Exchange, other: Talker) -> None:
    sale = desk.delivered()
    code = desk.code(sale)
    wish = desk.types(other, code)
    closed, desk.counter.vault.client._desk._vault = desk.counter.vault.client._desk._vault, None
    try:
        assert desk.carries_out(wish) is False
    finally:
        desk.counter.vault.client._desk._vault = closed

    assert [(kind, body["problem"]) for kind, body in desk.told(other)] == [("pickup_refused", "later")]
    assert desk.guesses() == {}
    assert desk.exchange(other, code) == PickedUp(sale.order, (sale.delivery,))


def test_a_worker_that_died_over_a_wish_is_followed_by_another(desk: Exchange, other: Talker) -> None:
    """Fault 1: after the exchange, before the cards were told; the same chat gets the same cards."""
    sale = desk.delivered()
    wish = desk.types(other, desk.code(sale))
    desk.exchanged(wish)  # and then kill -9
    desk.counter.shop.sql("DELETE FROM keystall_task")

    with desk.as_worker():
        assert pickups_due(now=datetime.now(UTC)) == 0
        assert pickups_due(now=datetime.now(UTC) + timedelta(seconds=31)) == 1
    assert desk.carries_out(wish) is True
    assert [kind for kind, _ in desk.told(other)] == ["cards"]


def test_old_wishes_codes_and_counters_go_and_uses_stay(desk: Exchange, other: Talker) -> None:
    sale, shop = desk.delivered(), desk.counter.shop
    desk.exchange(other, desk.code(sale))
    desk.exchange(other, NO_CODE)
    with desk.as_worker():
        assert forget_pickups(now=datetime.now(UTC)) == 0
        assert forget_pickups(now=datetime.now(UTC) + LASTS + timedelta(hours=3)) == 2 + 1 + 1

    assert [shop.count(table) for table in ("pickup_wish", "pickup_code", "pickup_guess", "pickup_use")] == [0, 0, 0, 1]
    assert len(desk.reads(other, sale)) == 2


def test_a_foreign_chat_cannot_be_named(desk: Exchange, other: Talker) -> None:
    with pytest.raises(NotFound):
        request_pickup(
            actor=other.actor, conversation_id=uuid4(), address="web:x", code=NO_CODE, network="",
            vault_public=b"x", submission_id="m", now=datetime.now(UTC),
        )  # fmt: skip
