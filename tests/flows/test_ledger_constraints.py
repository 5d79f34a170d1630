"""What no statement can do to the books, whoever sends it (INV-M1, INV-M4, INV-M5, INV-M6, INV-M9)."""

from __future__ import annotations

import psycopg
import pytest

from core.ids import new_id
from core.ledger.rules import AccountKind, TransferCode
from core.ledger.service import NewTransfer, open_account, post, reverse
from tests.builders import NOON, Shop

NEW_TRANSFER = "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at) VALUES"
NEW_HOLD = (
    "INSERT INTO money_hold (id, account_id, held_in_id, order_id, amount, captured, released, state, created_at,"
    " settled_at) VALUES (gen_random_uuid(), {wallet}, {held}, gen_random_uuid(), 100,"
)
REST = "'top_up', gen_random_uuid(), now())"

BREAKS = {
    "INV-M1 an amount of nothing": (f"{NEW_TRANSFER} ({{wallet}}, {{world}}, 0, 'CNY', {REST}", "transfer_amount"),
    "INV-M1 a negative amount": (f"{NEW_TRANSFER} ({{wallet}}, {{world}}, -1, 'CNY', {REST}", "transfer_amount"),
    "INV-M9 an amount beyond every bound": (
        f"{NEW_TRANSFER} ({{wallet}}, {{world}}, 1000000000000001, 'CNY', {REST}",
        "transfer_amount",
    ),
    "INV-M9 an amount that is not a number": (
        f"{NEW_TRANSFER} ({{wallet}}, {{world}}, 'NaN'::numeric, 'CNY', {REST}",
        None,
    ),
    "INV-M1 one account twice": (f"{NEW_TRANSFER} ({{wallet}}, {{wallet}}, 1, 'CNY', {REST}", "transfer_two_accounts"),
    "INV-M1 another currency": (f"{NEW_TRANSFER} ({{wallet}}, {{world}}, 1, 'JPY', {REST}", "transfer_debit_currency"),
    "INV-M9 two currencies": (f"{NEW_TRANSFER} ({{wallet}}, {{yen}}, 1, 'CNY', {REST}", "transfer_credit_currency"),
    "INV-M1 an account of nobody": (f"{NEW_TRANSFER} ({{wallet}}, 0, 1, 'CNY', {REST}", "transfer_credit_currency"),
    "INV-M6 a changed transfer": ("UPDATE transfer SET amount = 1", "transfer_append_only"),
    "INV-M6 a deleted transfer": ("DELETE FROM transfer", "transfer_append_only"),
    "INV-M6 a changed reversal": ("UPDATE reversal SET reason = ''", "reversal_append_only"),
    "INV-M6 a deleted reversal": ("DELETE FROM reversal", "reversal_append_only"),
    "INV-M6 a reversal of something else": (
        "INSERT INTO reversal SELECT min(id), max(id) - 1, 'not its mirror' FROM transfer",
        "reversal_is_whole",
    ),
    "INV-M6 a second reversal": ("INSERT INTO reversal SELECT transfer_id, 1, 'again' FROM reversal", None),
    "INV-M4 a balance below its floor": ("UPDATE account SET balance = -1 WHERE bounded", "account_floor"),
    "INV-M4 a wallet with credit": ("UPDATE account SET floor = -1 WHERE kind = 'wallet'", "account_credit"),
    "INV-M5 a wallet with money aside": ("UPDATE account SET aside = 1 WHERE kind = 'wallet'", "account_aside"),
    "INV-M4 a bounded account that stores nothing": (
        "UPDATE account SET balance = NULL WHERE bounded",
        "account_bounded_stores",
    ),
    "INV-M4 an unbounded account that stores something": (
        "UPDATE account SET balance = 0 WHERE NOT bounded",
        "account_bounded_stores",
    ),
    "INV-M9 a balance beyond every bound": (
        "UPDATE account SET balance = 1000000000000001 WHERE bounded",
        "account_balance_check",
    ),
    "INV-M5 more captured than held": (f"{NEW_HOLD} 101, 0, 'captured', now(), now())", "money_hold_settled_once"),
    "INV-M5 less settled than held": (f"{NEW_HOLD} 50, 49, 'released', now(), now())", "money_hold_settled_once"),
    "INV-M5 captured and released": (f"{NEW_HOLD} 100, 100, 'captured', now(), now())", "money_hold_settled_once"),
    "INV-M5 open and used": (f"{NEW_HOLD} 1, 0, 'open', now(), NULL)", "money_hold_settled_once"),
    "INV-M5 settled at no time": (f"{NEW_HOLD} 100, 0, 'captured', now(), NULL)", "money_hold_settled_once"),
}


@pytest.mark.parametrize("break_it", sorted(BREAKS))
def test_no_statement_breaks_the_books(shop: Shop, break_it: str) -> None:
    """INV-M1, INV-M4, INV-M5, INV-M6: the database itself refuses."""
    accounts = {
        "wallet": open_account(kind=AccountKind.WALLET, holder="shopper:1", counterparty="party:1", currency="CNY"),
        "held": open_account(kind=AccountKind.WALLET_HOLD, holder="shopper:1", counterparty="party:1", currency="CNY"),
        "world": open_account(kind=AccountKind.WORLD, holder="source:test", counterparty="party:1", currency="CNY"),
        "yen": open_account(kind=AccountKind.WORLD, holder="source:test", counterparty="party:1", currency="JPY"),
    }
    for amount in (500, 1):
        top_up = NewTransfer(accounts["world"], accounts["wallet"], amount, "CNY", TransferCode.TOP_UP, new_id())
        post(transfers=[top_up], now=NOON)
    reverse(transfer_id=shop.sql("SELECT max(id) FROM transfer")[0][0], reason="typed twice", now=NOON)
    statement, wanted = BREAKS[break_it]
    before = shop.fingerprint()

    with pytest.raises(psycopg.DatabaseError) as caught:
        shop.sql(statement.format(**accounts))

    assert wanted is None or caught.value.diag.constraint_name == wanted
    assert shop.fingerprint() == before


def test_no_role_of_the_store_may_change_the_books_beside_balances(shop: Shop) -> None:
    """INV-M6: transfers are not theirs to change."""
    for role in ("shop", "worker"):
        for statement in (
            "UPDATE transfer SET amount = amount",
            "DELETE FROM transfer",
            "DELETE FROM reversal",
            "UPDATE account SET floor = -1",
            "INSERT INTO account (kind, holder, currency, bounded, balance, floor)"
            " VALUES ('trade', 'party:1', 'CNY', true, 0, -1)",
            "UPDATE account SET bounded = false",
            "DELETE FROM account",
            "TRUNCATE transfer",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                shop.sql(statement, role=role)


CHOSEN = {
    "transfer": "(id, debit_id, credit_id, amount, currency, code, reference, at) OVERRIDING SYSTEM VALUE"
    " SELECT {number}, debit_id, credit_id, 1, currency, code, reference, at FROM transfer",
    "account": "(id, kind, holder, currency, bounded) OVERRIDING SYSTEM VALUE"
    " VALUES ({number}, 'world', 'source:chosen', 'CNY', false)",
}


@pytest.mark.parametrize("role", ["shop", "worker", "vault"])
@pytest.mark.parametrize("table", CHOSEN)
def test_whoever_adds_to_the_books_does_not_choose_the_number(shop: Shop, table: str, role: str) -> None:
    """INV-M3: one far ahead would put honest ones behind the last checkpoint; one behind it would be in no period."""
    ids = [
        open_account(kind=AccountKind.WORLD, holder=f"source:{name}", counterparty="party:1", currency="CNY")
        for name in ("a", "b")
    ]
    post(transfers=[NewTransfer(*ids, 5, "CNY", TransferCode.TOP_UP, new_id())], now=NOON)
    before = shop.sql(f"SELECT * FROM {table} ORDER BY id")

    for number in (-5, 9_000_000_000_000_000_000):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.sql(f"INSERT INTO {table} {CHOSEN[table].format(number=number)}", role=role)

    assert shop.sql(f"SELECT * FROM {table} ORDER BY id") == before


def test_every_money_column_is_a_whole_number(shop: Shop) -> None:
    """INV-M9: no column could hold a float."""
    rows = shop.sql(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND (column_name ~ '(_minor|_micro)$'"
        " OR column_name IN ('amount', 'balance', 'floor', 'captured', 'released', 'returned', 'aside'))"
    )

    assert len(rows) > 20
    assert {row[2] for row in rows} == {"bigint"}
