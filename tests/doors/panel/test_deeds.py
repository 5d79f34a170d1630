"""The audit in words: every deed, thing and figure has some, in both languages, and a page says them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from admin.panel import WORDS
from admin.platform.deeds import DEEDS
from admin.platform.things import THINGS
from bot.texts import read_sentences
from core.parties.rules import Role
from tests.builders import Shop
from tests.doors.panel.deeds import written_deeds, written_kinds
from tests.support.panel import Browser
from tests.support.seated import a_seat

LOG_ONLY = {"cards.not_opened"}
"""Not in the audit: the vault's log says so where what was written just before did not happen."""


def test_every_deed_of_the_source_has_words_and_none_is_left_over() -> None:
    assert written_deeds() - LOG_ONLY == set(DEEDS)


def test_every_kind_of_thing_has_words() -> None:
    assert written_kinds() <= set(THINGS)


@pytest.mark.parametrize("sayings", [DEEDS, THINGS])
def test_words_name_one_code_in_both_languages(sayings: Mapping[str, str]) -> None:
    """What is chosen by its words in the filter is one thing."""
    chinese = read_sentences(WORDS / "zh_CN.po")
    assert len(set(sayings.values())) == len(sayings)
    assert len({chinese[one] for one in sayings.values()}) == len(sayings)
    assert not {one for one in sayings.values() if chinese[one] == one}


def test_an_entry_says_who_did_what_to_whom(panel: Callable[[], Browser], shop: Shop) -> None:
    desk = panel()
    person = a_seat(desk, shop, shop.platform, Role.PLATFORM_OWNER, name="Fang Li")
    brand = shop.a_party("brand1", "supplier")
    desk.post(f"/parties/{brand}/suspend", {"reason": "Complaints"})
    ((number,),) = shop.sql("SELECT id FROM audit_entry WHERE action = 'party.suspended'")

    for asked in ("suspended a party", "party.suspended", "暂停了商户或供货商&lang=zh-CN"):
        listed = desk.get(f"/audit/?action={asked}").get_data(as_text=True)
        for said in (f'href="/audit/{number}"', f'href="/parties/{brand}"', "Fang Li", "party.suspended"):
            assert said in listed, (asked, said)
    page = desk.get(f"/audit/{number}?lang=en").get_data(as_text=True)
    for said in ("Fang Li", f"{person.hex}@demo.test", "suspended a party", "party.suspended", "Complaints"):
        assert said in page
    kinds = desk.get("/audit/?kind=party&action=suspended a party").get_data(as_text=True)
    assert f'href="/audit/{number}"' in kinds
