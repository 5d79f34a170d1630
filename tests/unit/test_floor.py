"""The floor: ids, money, secrets, work rows, the clock."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids, money, work
from core.clock import DatabaseClock
from core.errors import HTTP_STATUS, Invalid, NotFound, RefusalCode
from core.money import GREATEST, CurrencyMismatch, Money
from core.secret import Secret

SOME_ID = b"0196f000-0000-7000-8000-000000000001"


def test_public_ids_read_back_and_name_their_kind() -> None:
    value = ids.new_id()

    assert value.version == 7
    assert ids.parse(ids.Prefix.ORDER, ids.public(ids.Prefix.ORDER, value)) == value
    with pytest.raises(NotFound):
        ids.parse(ids.Prefix.PAYMENT, ids.public(ids.Prefix.ORDER, value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord_",
        "ord_" + "a" * 25,
        "ord_" + "a" * 27,
        "ord_" + "A" * 26,
        "ord_" + "1" * 26,
        "ord_" + "é" * 26,
        "ord_" + "a" * 25 + "\x00",
        "ord_" + "b" * 26,
    ],
)
def test_a_malformed_id_is_answered_like_a_missing_one(text: str) -> None:
    with pytest.raises(NotFound):
        ids.parse(ids.Prefix.ORDER, text)


def test_ids_minted_later_sort_later_by_the_millisecond() -> None:
    minted = [ids.new_id() for _ in range(1000)]

    assert len(set(minted)) == 1000
    assert [value.int >> 80 for value in minted] == sorted(value.int >> 80 for value in minted)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-5", "1e30", "1.005", "", ".", "１", " 1", "1,5", "+1", "0x1"])
def test_inv_m9_no_odd_number_becomes_money(text: str) -> None:
    with pytest.raises(Invalid):
        money.from_decimal(text, "CNY")


def test_inv_m9_money_is_whole_minor_units_of_one_currency() -> None:
    assert money.from_decimal("10.50", "CNY") == Money(1050, "CNY")
    assert Money(5, "CNY").decimal() == "0.05"
    assert Money(-1050, "CNY").decimal() == "-10.50"
    assert Money(7, "JPY").decimal() == "7"
    with pytest.raises(TypeError):
        Money(1.5, "CNY")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(True, "CNY")
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(Invalid):
        money.from_decimal(str(GREATEST), "CNY")


@given(st.integers(0, GREATEST), st.sampled_from(sorted(money.EXPONENT)))
def test_amounts_are_written_and_read_back_exactly(minor: int, currency: str) -> None:
    assert money.from_decimal(Money(minor, currency).decimal(), currency) == Money(minor, currency)


def test_unit_costs_are_rounded_once_half_to_even() -> None:
    assert money.minor_from_micro(money.micro_from_decimal("0.335") * 3, "CNY") == 100  # 1.005 → 1.00
    assert money.minor_from_micro(money.micro_from_decimal("0.345") * 3, "CNY") == 104  # 1.035 → 1.04
    assert money.minor_from_micro(1_000_000, "JPY") == 1
    with pytest.raises(Invalid):
        money.micro_from_decimal("0.0000001")


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("XK7-CANARY")

    shown = f"{secret} {secret!r} {[secret]} {{secret}}"
    assert "CANARY" not in shown
    assert secret == Secret(b"XK7-CANARY")
    assert secret != Secret("other")
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)


def test_every_refusal_has_a_status() -> None:
    assert set(HTTP_STATUS) == set(RefusalCode)


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x80\x04N.",
        b"[]",
        b'"deliver"',
        b'{"kind":"deliver"}',
        b'{"kind":"shell","ref":"' + SOME_ID + b'"}',
        b'{"kind":"deliver","ref":"1"}',
        b'{"kind":"deliver","ref":1}',
        b'{"kind":"deliver","ref":"' + b"x" * 36 + b'"}',
        b'{"kind":"deliver","ref":"' + SOME_ID + b'","args":[]}',
    ],
)
def test_a_queue_row_of_any_other_shape_is_forged(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"row|Work|UUID"):
        work.decode(row)


@given(st.sampled_from(work.Work), st.uuids())
def test_a_queue_row_reads_back(kind: work.Work, reference: UUID) -> None:
    assert work.decode(work.encode(kind, reference)) == (kind, reference)


def test_fault_17_the_clock_follows_the_database_and_not_the_machine() -> None:
    said = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    asked = []
    clock = DatabaseClock(lambda: asked.append(1) or said)

    first, second = clock.now(), clock.now()

    assert len(asked) == 1
    assert timedelta(0) <= first - said < timedelta(seconds=5)
    assert second >= first
