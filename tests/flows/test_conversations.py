"""Sessions, buttons and menus: tokens are kept as hashes, and mean nothing in another conversation."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core.actor import Actor, ActorKind
from core.conversations.service import (
    MenuOption,
    NewSession,
    StaleButton,
    StaleMenu,
    access_conversation,
    answer_keys,
    find_conversation,
    mint_buttons,
    open_session,
    read_button,
    read_menu,
    remember_menu,
    session_by_token,
)
from core.errors import Invalid, NotFound
from core.messages.service import MessageKind, last_seq, messages_after, sealed_answers, store_sealed, tell
from core.vault.seal import answer_public_key
from tests.builders import NOON, Shop, Sql

DAY = timedelta(days=1)


@pytest.fixture
def shop(store_db: object, sql: Sql) -> Shop:
    shop = Shop(sql)
    _ = shop.merchant
    shop.a_party("other")
    return shop


def opened(shop: Shop, merchant: str = "demo", locale: str = "zh-CN") -> NewSession:
    return open_session(
        seal_key=shop.keys.seal, merchant_id=shop.a_party(merchant), network="net", locale=locale, now=NOON
    )


def test_a_guest_is_known_again_by_the_token(shop: Shop) -> None:
    new = opened(shop, locale="en")

    session = session_by_token(token=new.token, now=NOON + 179 * DAY)

    assert (session.id, session.conversation_id) == (new.session_id, new.conversation_id)
    assert (session.merchant_id, session.merchant_code) == (shop.merchant, "demo")
    assert (session.locale, session.network, session.start_seq) == ("en", "net", 0)
    assert session.chat_address == f"web:{session.identity_id}"
    assert session.actor == Actor(ActorKind.SHOPPER, id=session.shopper_id, party_id=shop.merchant)


def test_the_database_never_sees_the_token(shop: Shop) -> None:
    new = opened(shop)

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", new.token)
    assert new.token not in repr(new)
    assert new.token not in str(shop.sql("SELECT s::text FROM chat_session s"))
    assert answer_keys(conversation_id=new.conversation_id, now=NOON) == {new.session_id: answer_public_key(new.token)}


@pytest.mark.parametrize("token", ["", "x", "é" * 43, "a\0b", "A" * 43, "A" * 44])
def test_an_unknown_token_is_not_found(shop: Shop, token: str) -> None:
    opened(shop)

    with pytest.raises(NotFound):
        session_by_token(token=token, now=NOON)


def test_a_token_ends_after_180_days_and_with_its_merchant(shop: Shop) -> None:
    new = opened(shop)

    with pytest.raises(NotFound):
        session_by_token(token=new.token, now=NOON + 180 * DAY)
    assert answer_keys(conversation_id=new.conversation_id, now=NOON + 180 * DAY) == {}
    shop.sql("UPDATE party SET status = 'suspended' WHERE code = 'demo'")
    with pytest.raises(NotFound):
        session_by_token(token=new.token, now=NOON)


def test_an_unknown_language_opens_nothing(shop: Shop) -> None:
    before = shop.fingerprint()

    with pytest.raises(Invalid):
        opened(shop, locale="fr")
    assert shop.fingerprint() == before


def test_inv_t1_a_foreign_conversation_looks_like_a_missing_one(shop: Shop) -> None:
    mine, theirs = opened(shop), opened(shop, "other")
    me = session_by_token(token=mine.token, now=NOON).actor
    forged = replace(session_by_token(token=theirs.token, now=NOON).actor, party_id=shop.merchant)

    for actor in (me, forged, Actor(ActorKind.STAFF, id=uuid4(), party_id=shop.merchant)):
        with pytest.raises(NotFound) as foreign:
            access_conversation(actor=actor, conversation_id=theirs.conversation_id)
        with pytest.raises(NotFound) as missing:
            access_conversation(actor=actor, conversation_id=uuid4())
        assert str(foreign.value) == str(missing.value)
    assert access_conversation(actor=me, conversation_id=mine.conversation_id) == find_conversation(
        conversation_id=mine.conversation_id
    )


def test_a_button_means_the_same_ten_times_until_it_expires(shop: Shop) -> None:
    chat = opened(shop).conversation_id

    buy, home = mint_buttons(conversation_id=chat, intents=[("place", {"code": "A1", "n": 2}), ("home", {})], now=NOON)

    assert [read_button(conversation_id=chat, token=buy, now=NOON) for _ in range(10)] == [
        ("place", {"code": "A1", "n": 2})
    ] * 10
    assert read_button(conversation_id=chat, token=home, now=NOON + 6 * DAY) == ("home", {})
    with pytest.raises(StaleButton):
        read_button(conversation_id=chat, token=buy, now=NOON + 7 * DAY)
    assert buy not in str(shop.sql("SELECT b::text FROM button b"))


def test_fault_40_a_button_of_someone_else_or_an_invented_one_is_stale(shop: Shop) -> None:
    mine, theirs = opened(shop).conversation_id, opened(shop).conversation_id
    (token,) = mint_buttons(conversation_id=theirs, intents=[("place", {"code": "A1"})], now=NOON)

    for tried in (token, token[:-1], token + "A", "", "place:A1:1", "a\0b", "é" * 22, "x" * 100):
        with pytest.raises(StaleButton):
            read_button(conversation_id=mine, token=tried, now=NOON)


def test_a_message_drawn_again_keeps_its_buttons_and_takes_none_from_others(shop: Shop) -> None:
    mine, theirs = opened(shop).conversation_id, opened(shop).conversation_id
    token = "t" * 32
    draw = {"intents": [("order", {"id": "x"})], "tokens": [token]}
    mint_buttons(conversation_id=mine, now=NOON, **draw)  # type: ignore[arg-type]

    mint_buttons(conversation_id=mine, now=NOON + 6 * DAY, **draw)  # type: ignore[arg-type]
    mint_buttons(conversation_id=theirs, now=NOON + 6 * DAY, **draw)  # type: ignore[arg-type]

    assert read_button(conversation_id=mine, token=token, now=NOON + 10 * DAY) == ("order", {"id": "x"})
    with pytest.raises(StaleButton):
        read_button(conversation_id=theirs, token=token, now=NOON)
    assert mint_buttons(conversation_id=mine, intents=[], now=NOON) == []


def test_a_number_answers_the_last_menu_only(shop: Shop) -> None:
    chat = opened(shop).conversation_id
    remember_menu(conversation_id=chat, options=[MenuOption(1, "product", {"id": 7}), MenuOption(0, "home")], now=NOON)
    assert read_menu(conversation_id=chat, number=1, now=NOON) == MenuOption(1, "product", {"id": 7})

    remember_menu(conversation_id=chat, options=[MenuOption(2, "product", {"id": 8})], now=NOON)

    for late in (0, 1, 3, -1):
        with pytest.raises(StaleMenu):
            read_menu(conversation_id=chat, number=late, now=NOON)
    assert read_menu(conversation_id=chat, number=2, now=NOON).params == {"id": 8}
    with pytest.raises(StaleMenu):
        read_menu(conversation_id=chat, number=2, now=NOON + DAY)
    with pytest.raises(StaleMenu):
        read_menu(conversation_id=opened(shop).conversation_id, number=2, now=NOON)


def test_a_question_takes_any_number_beside_its_menu(shop: Shop) -> None:
    chat = opened(shop).conversation_id

    remember_menu(
        conversation_id=chat, options=[MenuOption(0, "home"), MenuOption(None, "quantity", {"code": "A1"})], now=NOON
    )

    assert read_menu(conversation_id=chat, number=0, now=NOON).intent == "home"
    assert read_menu(conversation_id=chat, number=12, now=NOON) == MenuOption(None, "quantity", {"code": "A1"})


def told(chat: UUID, order: str, now_offset: int = 0) -> int:
    return tell(
        conversation_id=chat, kind=MessageKind.PAID, body={"order": order}, now=NOON + timedelta(seconds=now_offset)
    )


def test_a_conversation_numbers_its_own_messages(shop: Shop) -> None:
    mine, theirs = opened(shop).conversation_id, opened(shop).conversation_id

    told(mine, "ord_a"), told(theirs, "ord_b"), told(mine, "ord_c", 1)

    assert [(m.seq, m.kind, m.body["order"]) for m in messages_after(conversation_id=mine, after=0)] == [
        (1, MessageKind.PAID, "ord_a"),
        (2, MessageKind.PAID, "ord_c"),
    ]
    assert [m.seq for m in messages_after(conversation_id=mine, after=1)] == [2]
    assert [m.seq for m in messages_after(conversation_id=mine, after=0, limit=1)] == [1]
    assert (last_seq(conversation_id=mine), last_seq(conversation_id=uuid4())) == (2, 0)


def test_sealed_answers_are_read_by_the_session_they_were_sealed_to(shop: Shop) -> None:
    chat = opened(shop).conversation_id
    message, session, other = told(chat, "ord_a"), uuid4(), uuid4()

    shop.sql("GRANT INSERT ON sealed_answer TO keystall_shop")  # the worker's right; one connection serves this test
    store_sealed(message_id=message, sealed={session: b"one", other: b"two"}, now=NOON)
    store_sealed(message_id=message, sealed={session: b"again"}, now=NOON)
    store_sealed(message_id=message, sealed={}, now=NOON)

    assert sealed_answers(message_ids=[message, 10**9], session_id=session) == {message: b"one"}
    assert sealed_answers(message_ids=[message], session_id=uuid4()) == {}
