"""Which secrets can be guessed: those of fewer than 2⁴⁰ of their shape."""

from __future__ import annotations

import pytest

from core.custody.imports.fingerprint import CardRule, Place, fingerprint, is_guessable

KEY = b"k" * 32
RULE = CardRule(trim=True, case_sensitive=True, with_number=False)
HERE, THERE = Place(1, 7), Place(1, 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("999999999999", True),  # 10**12 are fewer than 2**40
        ("9999999999999", False),
        ("9999-9999 9999", True),  # what stands between the groups is no secret
        ("ABCDEFGH", True),  # 26**8
        ("ABCDEFGHJ", False),
        ("ABCD1234", False),  # 36**8
        ("ABC1234", True),
        ("aBcDeF7", False),  # 62**7
        ("aBcDeF", True),
        ("卡密卡密卡", True),  # 100**5
        ("卡密卡密卡密", True),
        ("卡密卡密卡密卡", False),
        ("", True),
        ("-- --", True),
    ],
)
def test_a_secret_can_be_guessed_where_its_shape_holds_fewer_than_40_bits(text: str, expected: bool) -> None:
    assert is_guessable(text) is expected


def printed(secret: str, place: Place, rule: CardRule = RULE, number: str = "N1") -> bytes:
    return fingerprint(KEY, {"secret": secret, "number": number}, rule, place)


def test_a_guessable_secret_is_another_one_at_each_supplier_and_sku() -> None:
    assert len({printed("481516", place) for place in (HERE, THERE, Place(2, 7))}) == 3
    assert printed("481516", HERE) == printed(" 481516 ", HERE)


def test_any_other_secret_is_the_same_everywhere() -> None:
    assert printed("KXWQ-48151-62342", HERE) == printed("KXWQ-48151-62342", THERE)


def test_a_number_on_the_outside_makes_nothing_harder_to_guess() -> None:
    rule = CardRule(trim=True, case_sensitive=True, with_number=True)

    assert printed("481516", HERE, rule, "6225880123456789") != printed("481516", THERE, rule, "6225880123456789")


def test_a_sku_that_says_so_binds_long_secrets_too() -> None:
    rule = CardRule(trim=True, case_sensitive=True, with_number=False, is_guessable=True)

    assert printed("KXWQ-48151-62342", HERE, rule) != printed("KXWQ-48151-62342", THERE, rule)
