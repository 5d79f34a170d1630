"""A link is worth little to who floods with it: few questions to the platform, and one browser where none is asked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from core.conversations import logins
from core.conversations.logins import MOST_LOGINS, TooManyLogins, begin_login
from core.conversations.pages import claim_link, may_open, mint_link
from core.db import connection
from core.work import PRIORITY, Work
from tests.builders import NOON, Shop, Talker
from tests.support.chats import an_account, somebody


@pytest.fixture
def follower(shop: Shop) -> Talker:
    return somebody(shop, an_account(shop, "wechat", "wx1"), "o-me")


def test_a_conversation_has_five_logins_in_ten_minutes(shop: Shop, follower: Talker) -> None:
    for number in range(MOST_LOGINS):
        begin_login(conversation_id=follower.conversation_id, state=f"s{number}", code="c", now=NOON)

    with pytest.raises(TooManyLogins):
        begin_login(conversation_id=follower.conversation_id, state="more", code="c", now=NOON)

    assert (shop.count("page_login"), shop.count("keystall_task")) == (5, 5)
    later = NOON + timedelta(minutes=10)
    begin_login(conversation_id=follower.conversation_id, state="later", code="c", now=later)
    assert shop.count("page_login") == 6


def test_another_conversation_has_its_own_five(shop: Shop) -> None:
    account = an_account(shop, "wechat", "wx1")
    one, other = somebody(shop, account, "o-one"), somebody(shop, account, "o-other")
    for number in range(MOST_LOGINS):
        begin_login(conversation_id=one.conversation_id, state=f"s{number}", code="c", now=NOON)

    begin_login(conversation_id=other.conversation_id, state="other", code="c", now=NOON)

    assert shop.count("page_login") == 6


@pytest.mark.parametrize("is_locked", [True, False])
def test_as_many_as_come_at_once_are_counted(
    shop: Shop, follower: Talker, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    """Without the turn (the control) all of them count before any is written."""
    enqueue = logins.enqueue

    def slowly(*given: Any) -> None:
        time.sleep(0.05)
        enqueue(*given)

    monkeypatch.setattr(logins, "enqueue", slowly)
    if not is_locked:
        monkeypatch.setattr(logins, "TURN", "SELECT %s")

    def ask(number: int) -> bool:
        with connection():
            try:
                begin_login(conversation_id=follower.conversation_id, state=f"s{number}", code="c", now=NOON)
            except TooManyLogins:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:  # as many as have connections
        for number in range(MOST_LOGINS - 1):
            ask(number + 100)
        let_in = sum(pool.map(ask, range(4)))

    assert (let_in == 1) is is_locked
    assert shop.count("page_login") == MOST_LOGINS - 1 + let_in


def test_who_asks_the_platform_waits_behind_what_is_due(shop: Shop) -> None:
    assert PRIORITY[Work.WECHAT_LOGIN] < PRIORITY[Work.SEND]


def test_a_link_is_the_first_browsers_that_claims_it(shop: Shop, follower: Talker) -> None:
    named = {"conversation_id": follower.conversation_id, "kind": "wallet", "params": {}, "now": NOON}
    token, other = mint_link(**named), mint_link(**named)

    before = [may_open(token=token, browser=one) for one in ("first", "second", "")]
    claims = [claim_link(token=token, browser=one) for one in ("first", "second", "first", "")]

    assert before == [True, True, True]
    assert claims == [True, False, True, False]
    assert [may_open(token=token, browser=one) for one in ("first", "second", "")] == [True, False, False]
    assert may_open(token=other, browser="second")
    assert shop.count("page_browser") == 1


def test_a_claim_goes_with_its_link(shop: Shop, follower: Talker) -> None:
    token = mint_link(conversation_id=follower.conversation_id, kind="wallet", params={}, now=NOON)
    claim_link(token=token, browser="first")

    shop.sql("DELETE FROM button")

    assert shop.count("page_browser") == 0
    assert claim_link(token=token, browser="second")
    assert shop.count("page_browser") == 0
