"""The currency table and every amount's bounds: what code and database say is the same (books.md, Currencies)."""

from __future__ import annotations

import re

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.money import EXPONENT, GREATEST, MICRO, Money, from_decimal, micro_from_decimal, minor_from_micro
from tests.builders import Shop, Sql

NO_BOUND_OF_THEIR_OWN = {
    ("account", "floor"),  # below the balance, which has one
    ("account", "aside"),  # at most the room of the account
    ("checkpoint_balance", "balance"),  # a sum, of any number of amounts
    ("money_hold", "captured"),  # captured + released = amount, which has one
    ("money_hold", "released"),
    ("payment", "refunded_minor"),  # at most the amount
    ("shop_order", "refunded_minor"),  # at most what was paid
    ("payment", "rate_minor"),  # at most 10⁹
    ("report_hop", "returned"),  # a sum, of a day
    ("trade_hold", "captured"),  # captured + released = amount
    ("trade_hold", "released"),
    ("trade_hold", "returned"),  # at most what was captured
}
"""Money columns that another column bounds."""


def test_the_table_says_what_the_code_counts_with(sql: Sql) -> None:
    """INV-M9: CNY 2, JPY 0, Stars 0, USDT 6 digits; no single amount above 10^15 minor units."""
    rows = {code: (exponent, greatest) for code, exponent, greatest in sql("SELECT * FROM currency")}

    assert rows == {code: (exponent, GREATEST) for code, exponent in EXPONENT.items()}
    assert {code: EXPONENT[code] for code in ("CNY", "JPY", "XTR", "USDT")} == {"CNY": 2, "JPY": 0, "XTR": 0, "USDT": 6}
    assert GREATEST == 10**15


@pytest.mark.parametrize(
    "row", ["('cny', 2, 1)", "('ABCDEF', 2, 1)", "('EUR', 7, 1)", "('EUR', -1, 1)", "('EUR', 2, 0)",
            "('EUR', 2, 1000000000000001)", "('CNY', 3, 1)"]
)  # fmt: skip
def test_the_table_takes_no_other_kind_of_currency(sql: Sql, row: str) -> None:
    before = sql("SELECT * FROM currency ORDER BY code")

    with pytest.raises(psycopg.IntegrityError):
        sql(f"INSERT INTO currency VALUES {row}")

    assert sql("SELECT * FROM currency ORDER BY code") == before


def test_every_amount_is_bounded_by_the_database(sql: Sql) -> None:
    """INV-M9: no column of money takes more than 10^15, so that no sum that is made of them overflows."""
    columns = sql(
        "SELECT table_name::text, column_name::text"
        " FROM information_schema.columns NATURAL JOIN information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        " AND data_type = 'bigint' AND (column_name ~ '(_minor|_micro)$'"
        " OR column_name IN ('amount', 'balance', 'floor', 'aside', 'captured', 'released', 'returned'))"
    )
    checks = sql(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
        " AND connamespace = 'public'::regnamespace"
    )
    bounded = {
        (table, column)
        for table, text in checks
        for column in re.findall(r"\(?(\w+) <= '?1000000000000000'?(?:::bigint)?\)", text)
    }

    assert len(columns) > 25
    assert sorted(set(columns) - bounded - NO_BOUND_OF_THEIR_OWN) == []


@pytest.mark.parametrize("currency", sorted(EXPONENT))
def test_an_amount_beyond_the_greatest_is_refused_by_the_books(shop: Shop, currency: str) -> None:
    ids = [
        shop.sql(
            "INSERT INTO account (kind, holder, currency, bounded) VALUES ('world', %s, %s, false) RETURNING id",
            [holder, currency],
        )[0][0]
        for holder in ("source:a", "source:b")
    ]
    post = (
        "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
        " VALUES (%s, %s, %s, %s, 'sale', gen_random_uuid(), now())"
    )

    shop.sql(post, [*ids, GREATEST, currency])
    for amount in (GREATEST + 1, 0, -1):
        with pytest.raises(psycopg.errors.CheckViolation):
            shop.sql(post, [*ids, amount, currency])

    assert shop.sql("SELECT amount FROM transfer") == [(GREATEST,)]


@given(st.sampled_from(sorted(EXPONENT)), st.integers(0, GREATEST), st.integers(1, 9))
def test_a_gateways_decimal_is_read_to_the_digit_and_no_further(currency: str, minor: int, digit: int) -> None:
    """INV-M9: one digit more than the currency has is no amount, not one that is rounded."""
    text = Money(minor, currency).decimal()
    longer = text + ("" if "." in text else ".") + str(digit)

    assert from_decimal(text, currency) == Money(minor, currency)
    with pytest.raises(Invalid):
        from_decimal(longer, currency)


@given(st.sampled_from(sorted(EXPONENT)), st.lists(st.integers(0, 10**12), min_size=1, max_size=50))
def test_unit_costs_are_rounded_once_a_line(currency: str, micros: list[int]) -> None:
    """A line's cost is off by at most half a minor unit, however many cards it has."""
    whole = minor_from_micro(sum(micros), currency)

    assert abs(whole * MICRO - sum(micros) * 10 ** EXPONENT[currency]) <= MICRO // 2


@pytest.mark.parametrize("text", ["0.0000001", "1e3", "-1", "NaN", "Infinity", "１", "", ".", "1.2.3", "1_000"])
def test_no_odd_text_is_a_unit_cost(text: str) -> None:
    with pytest.raises(Invalid):
        micro_from_decimal(text)
