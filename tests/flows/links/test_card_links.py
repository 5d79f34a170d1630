"""Links of card pages: whom the vault makes them for, what it opens and counts; everything else looks alike."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import db
from core.custody.openings.checks import OpeningRefused
from core.fulfilment.card_pages import GONE, Press, ask_press, forget_presses, press_answer, presses_due
from core.vault.client import VaultCode, VaultRefused
from core.vault.links import OPENINGS
from tests.builders import Talker
from tests.support.chats import an_account, somebody
from tests.support.dialog import queued
from tests.support.exchange import Exchange
from tests.support.links import LinkPage, link_for, mailed, page, refused
from tests.support.pickups import confirmed
from tests.support.sales import LINES, Sale


@pytest.fixture
def sale(desk: Exchange, buyer: Talker) -> Sale:
    return desk.delivered(2, talker=buyer)


def openings(desk: Exchange) -> list[Any]:
    """What openings leave: rows, audit entries, the merchant's budget of the hour, lines of the log on disk."""
    sql = desk.counter.shop.sql
    log = (desk.config.data_dir / "vault" / "openings.log").read_text()
    return [
        sql("SELECT count(*)::int FROM card_link_opening")[0][0],
        sql("SELECT count(*)::int FROM audit_entry WHERE action = 'cards.link_opened'")[0][0],
        sql("SELECT coalesce(sum(cards), 0)::int FROM reading_budget")[0][0],
        log.count("cards.link_opened"),
    ]


def test_a_press_opens_the_cards_in_the_page_and_nobody_between_can_read_them(desk: Exchange, sale: Sale) -> None:
    """INV-K4: the audit entry and the line in the vault's log are there with the answer."""
    link = link_for(desk, sale)
    shown, press = page(desk, link), uuid4()

    answer = shown.press(press)

    chat = desk.counter.vault.client.open_delivery(sale.delivery, plain=True).plain
    assert shown.opened(press, answer) == [card.fields["secret"].reveal().decode() for card in chat]
    assert (answer["left"], answer["locale"], answer["goods"]) == (OPENINGS - 1, "zh-CN", "商品 A1")
    assert openings(desk) == [1, 1, 4, 1]  # two cards opened by the page, two read by the chat above
    kept = [str(desk.counter.shop.sql(f"SELECT * FROM {table}")) for table in ("card_link", "link_press")]
    assert not any(line in row for line in LINES for row in kept)
    assert not any(link.key.reveal().hex() in row or repr(link.key.reveal()) in row for row in kept)


def test_a_repeat_of_the_message_carries_the_same_link_and_another_occasion_another(desk: Exchange, sale: Sale) -> None:
    first, again, asked_for = link_for(desk, sale), link_for(desk, sale), link_for(desk, sale, occasion=uuid4())

    assert (first.path(), first.address) == (again.path(), again.address)
    assert asked_for.id != first.id
    assert asked_for.key.reveal() != first.key.reveal()
    assert desk.counter.shop.count("card_link") == 2
    assert first.path().startswith(f"/k/{first.id}#")
    assert repr(first).count(first.path().partition("#")[2]) == 0


def test_it_opens_five_times_and_then_looks_as_if_it_had_never_been(desk: Exchange, sale: Sale) -> None:
    shown = page(desk, link_for(desk, sale))

    for _ in range(OPENINGS):
        assert shown.read() is not None
    before = openings(desk)

    assert before[:2] == [OPENINGS, OPENINGS]
    assert shown.press() == GONE == page_of_nowhere(desk).press()
    assert openings(desk) == before


def page_of_nowhere(desk: Exchange) -> LinkPage:
    return LinkPage(desk, uuid4(), b"k" * 32)


def test_one_press_is_one_opening_however_often_it_is_sent(desk: Exchange, sale: Sale) -> None:
    shown, press = page(desk, link_for(desk, sale)), uuid4()
    first = shown.press(press)
    desk.counter.shop.sql("UPDATE link_press SET answer = NULL, answered_at = NULL")  # the worker died before it told

    again = shown.press(press)

    assert shown.opened(press, first) == shown.opened(press, again)
    assert (first["left"], again["left"]) == (OPENINGS - 1, OPENINGS - 1)
    assert openings(desk)[:2] == [1, 1]


def test_presses_at_the_same_moment_open_it_five_times_in_all(desk: Exchange, sale: Sale) -> None:
    """The count is a constraint too: a sixth row of a link cannot be written."""
    link = link_for(desk, sale)
    shown = page(desk, link)
    asked = [shown.ask().id for _ in range(8)]
    answers: list[str] = []
    links = desk.counter.vault.at_the_desk._desk._links  # type: ignore[attr-defined]
    db.connect(desk.urls["vault"], size=10)

    def opened(press: UUID) -> None:
        with db.connection():
            try:
                links.open(press)
                answers.append("opened")
            except OpeningRefused as refusal:
                answers.append(refusal.code.value)

    threads = [threading.Thread(target=opened, args=(one,)) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.connect(desk.urls["shop"], size=4)

    assert sorted(answers) == ["link_gone"] * 3 + ["opened"] * OPENINGS
    assert openings(desk)[:2] == [OPENINGS, OPENINGS]
    with pytest.raises(Exception, match="card_link_opening_n_check"):
        desk.counter.shop.sql("INSERT INTO card_link_opening VALUES (%s, 6, %s, now())", [link.id, uuid4()])


def test_fault_102_a_press_without_the_links_key_opens_and_uses_up_nothing(desk: Exchange, sale: Sale) -> None:
    """Fault 102: the fragment was dropped or replaced on the way; the link still opens where it is whole."""
    link = link_for(desk, sale)
    before = openings(desk)

    assert page(desk, link, key=b"another key that is 32 bytes long").press() == GONE
    assert openings(desk) == before
    assert page(desk, link).read() is not None


def test_an_answer_opens_with_its_own_links_key_and_for_its_own_press(desk: Exchange, sale: Sale) -> None:
    """INV-K2: another link's key, another press or one bit flipped opens nothing."""
    first, second, press = link_for(desk, sale), link_for(desk, sale, occasion=uuid4()), uuid4()
    shown = page(desk, first)
    answer = shown.press(press)

    assert page(desk, second).is_closed_to(press, answer)
    assert shown.is_closed_to(uuid4(), answer)
    flipped = {**answer, "sealed": ("A" if answer["sealed"][0] != "A" else "B") + answer["sealed"][1:]}
    assert shown.is_closed_to(press, flipped)


@pytest.mark.parametrize("way", ["a day", "recalled", "locked", "paid back", "void", "returned"])
def test_a_link_whose_time_is_over_or_whose_cards_were_taken_back_opens_nothing(
    desk: Exchange, sale: Sale, way: str
) -> None:
    link, sql = link_for(desk, sale), desk.counter.shop.sql
    before = openings(desk)
    match way:
        case "a day":
            aged = "UPDATE card_link SET made_at = made_at - interval '25 h', expires_at = expires_at - interval '25 h'"
            sql(aged)
        case "recalled" | "locked":
            sql("UPDATE batch SET state = 'locked', reason = 'test'")
            if way == "recalled":
                sql("UPDATE batch SET state = 'recalled'")
        case "paid back":
            sql("UPDATE shop_order SET refunded_minor = paid_minor WHERE id = %s", [sale.order])
        case "void":
            sql("UPDATE card SET state = 'void' WHERE line_id = %s", [sale.line])
        case _:
            sql("UPDATE shop_order SET state = 'returned', ended_at = now() WHERE id = %s", [sale.order])

    assert page(desk, link).press() == GONE
    assert openings(desk) == before


def test_fault_106_a_link_that_somebody_altered_is_none(desk: Exchange, sale: Sale) -> None:
    """Fault 106: moved to another delivery or made to last longer, it is no longer what the vault sealed."""
    other = desk.delivered(1, talker=somebody(desk.counter.shop, an_account(desk.counter.shop, number="7000002"), "9"))
    link, sql = link_for(desk, sale), desk.counter.shop.sql
    before = openings(desk)

    sql("UPDATE card_link SET delivery_id = %s", [other.delivery])
    assert page(desk, link).press() == GONE
    sql("UPDATE card_link SET delivery_id = %s, expires_at = expires_at - interval '1 second'", [sale.delivery])
    assert page(desk, link).press() == GONE
    assert openings(desk) == before


def test_a_link_is_made_for_who_may_read_and_after_the_cards_were_opened(desk: Exchange, buyer: Talker) -> None:
    fresh = desk.counter.sell(1, talker=buyer)
    stranger = somebody(desk.counter.shop, an_account(desk.counter.shop, number="7000003"), "666")

    assert refused(desk, fresh) is VaultCode.NOT_SENDING  # nothing of it was opened yet
    desk.counter.vault.client.open_delivery(fresh.delivery)
    assert refused(desk, fresh) is None
    assert refused(desk, fresh, reader=stranger.conversation_id) is VaultCode.OTHER_READER
    assert desk.counter.shop.count("card_link") == 1


def test_a_letters_link_goes_only_where_somebody_who_may_read_confirmed_the_address(
    desk: Exchange, sale: Sale, sql: Any
) -> None:
    """Whoever writes an address into the tables gets no link there: the vault looks at its seal."""
    confirmed(desk.counter.shop, sale.talker, email="me@example.com")
    assert page(desk, mailed(desk, sale, sale.talker.shopper_id)).read() is not None

    sql("UPDATE contact SET address = 'thief@example.com'")
    with pytest.raises(VaultRefused) as moved:
        mailed(desk, sale, sale.talker.shopper_id)
    stranger = somebody(desk.counter.shop, an_account(desk.counter.shop, number="7000003"), "666")
    confirmed(desk.counter.shop, stranger, email="thief@example.com")
    with pytest.raises(VaultRefused) as foreign:
        mailed(desk, sale, stranger.shopper_id)

    assert (moved.value.vault_code, foreign.value.vault_code) == (VaultCode.OTHER_READER, VaultCode.OTHER_READER)
    assert desk.counter.shop.count("card_link") == 1


def test_the_doors_role_sees_no_link_and_makes_none(desk: Exchange, sale: Sale, sql: Any) -> None:
    link_for(desk, sale)
    for statement in (
        "SELECT * FROM card_link",
        "SELECT * FROM card_link_opening",
        "UPDATE link_press SET answer = '{}'",
        "INSERT INTO card_link_opening VALUES (gen_random_uuid(), 1, gen_random_uuid(), now())",
        "DELETE FROM card_link_opening",
    ):
        with pytest.raises(Exception, match="permission denied"):
            sql(statement, role="shop")
    with pytest.raises(Exception, match="permission denied"):
        sql("DELETE FROM card_link_opening", role="vault")
    with pytest.raises(Exception, match="permission denied"):
        sql("UPDATE card_link SET expires_at = expires_at", role="vault")


def test_a_press_that_nobody_answered_is_found_again_and_forgotten_after_its_time(desk: Exchange, sale: Sale) -> None:
    shown = page(desk, link_for(desk, sale))
    asked = shown.ask()
    desk.counter.shop.sql("DELETE FROM keystall_task")
    with desk.as_worker():
        assert presses_due(now=shown.now + timedelta(seconds=1)) == 0
        assert presses_due(now=shown.now + timedelta(seconds=6)) == 1
    assert queued("open_link") == 1
    assert press_answer(press_id=asked.id) is None
    assert ask_press(press=Press(asked.id, uuid4(), b"x" * 32), now=shown.now) is False  # somebody else's number
    with desk.as_worker():
        assert forget_presses(now=shown.now + timedelta(minutes=11)) == 1
