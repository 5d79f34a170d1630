"""Pick-up codes as signs: how they are made, written, read back, and told apart from other words."""

from uuid import UUID

import pytest

from bot.intents import Intent
from bot.letters import Pickup
from bot.words import understand
from core.fulfilment.pickup_codes import MintedPickup
from core.vault.pickups import LENGTH, PART, SIGNS, code_hash, new_code, part_hash, read_code, shown


def test_a_code_is_50_random_bits_in_signs_that_nobody_mistakes():
    codes = {new_code().reveal() for _ in range(2000)}

    assert len(codes) == 2000
    assert {len(code) for code in codes} == {LENGTH} == {10}
    assert len(SIGNS) == len(set(SIGNS)) == 32
    assert set("".join(code.decode() for code in codes)) == set(SIGNS)
    assert not set("ILOU") & set(SIGNS)


def test_a_code_is_shown_in_groups_and_read_back():
    code = new_code()

    assert [len(part) for part in shown(code).split("-")] == [4, 4, 2]
    assert read_code(shown(code)).reveal() == code.reveal()
    assert read_code("oi1l-O0zy-ab").reveal() == b"011100ZYAB"
    assert read_code("Ｋ７ＱＭ－３ＸＷＰ－４Ｔ").reveal() == b"K7QM3XWP4T"
    assert [read_code(one) for one in ("", "K7QM-3XWP-4", "K7QM-3XWP-4TT", "K7QM-3XWP-4U", "K7QM/3XWP/4T")] == [
        None
    ] * 5


def test_the_hashes_are_keyed_and_of_one_merchant():
    code, key = new_code(), b"k" * 32
    hashes = {
        code_hash(key, merchant=1, code=code),
        code_hash(key, merchant=2, code=code),
        code_hash(b"l" * 32, merchant=1, code=code),
        part_hash(key, merchant=1, code=code),
        part_hash(key, merchant=2, code=code),
    }

    assert len(hashes) == 5
    other = read_code(code.reveal().decode()[:PART] + "000000")
    assert part_hash(key, merchant=1, code=other) == part_hash(key, merchant=1, code=code)


@pytest.mark.parametrize(
    "said",
    ["取卡 K7QM-3XWP-4T", "取卡K7QM-3XWP-4T", "取卡：k7qm3xwp4t", "取卡 Ｋ７ＱＭ－３ＸＷＰ－４Ｔ", "cards K7QM 3XWP 4T",
     "CARDS k7qm-3xwp-4t", "/cards K7QM-3XWP-4T", "取卡 K7QM-3XWP-4", "取卡 K7QM-3XWP-4TT", "取卡 KQMN-XWPT-TT。"],
)  # fmt: skip
def test_cards_with_a_code_is_a_pick_up(said):
    assert understand(said).intent is Intent.PICK_UP


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("取卡", Intent.CARDS),
        ("cards", Intent.CARDS),
        ("取卡 ord_agomygraabyabaaaaaaaaaaaae", Intent.CARDS),
        ("取卡 K7", Intent.UNKNOWN),
        ("cards of a steam gift", Intent.UNKNOWN),
        ("取卡 腾讯视频", Intent.UNKNOWN),
        ("绑定 K7QD-2MXA", Intent.BIND),
        ("买 A1 2", Intent.CONFIRM),
    ],
)
def test_other_words_are_none(said, intent):
    assert understand(said).intent is intent


def test_a_code_is_in_no_repr():
    code = new_code()
    minted, pickup = MintedPickup(UUID(int=1), code, 7), Pickup(shown(code), 7)

    for one in (code, minted, pickup):
        assert shown(code) not in repr(one)
        assert code.reveal().decode() not in repr(one)
