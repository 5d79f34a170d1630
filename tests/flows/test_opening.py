"""The vault opens what was ordered, paid and sealed, and nothing else; what leaves it is sealed to who ordered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from core import db
from core.config import Config
from core.custody.desk import TRACES_A_MINUTE
from core.ids import Prefix, public
from core.orders.rules import NothingIsSold
from core.secret import Secret
from core.vault.client import VaultAway, VaultCode, VaultRefused
from core.vault.primitives import SealError
from core.vault.seal import answer_context, generate_keypair, open_answer
from tests.support.sales import LINES, Counter, a_counter, fill_wallet, hold_from_wallet
from tests.support.vaults import VaultProcess, desk_vault, vault_process


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


@pytest.fixture
def served(store_db: Any, sql: Callable[..., Any], config: Config) -> Iterator[Counter]:
    """The same with the vault as a process of its own, behind its socket."""
    with vault_process(config) as vault:
        yield a_counter(vault, sql)


def test_a_paid_order_opens_to_the_lines_of_the_imported_file(served: Counter) -> None:
    sale = served.sell(3)

    cards = served.open(sale)

    assert len({card["secret"] for card in cards}) == 3
    assert {card["secret"] for card in cards} <= set(LINES)


def test_inv_k4_an_opening_leaves_its_audit_row_its_time_and_its_line_in_the_log_on_disk(
    counter: Counter, sql: Any
) -> None:
    sale = counter.sell(2)
    tokens = {card["token"] for card in counter.open(sale)}

    ids = {row[0] for row in sql("SELECT id FROM card WHERE line_id = %s AND opened_at IS NOT NULL", [sale.line])}
    audit = sql(
        "SELECT action, detail FROM audit_entry WHERE object_kind = 'line' AND object_id = %s", [str(sale.line)]
    )
    written = (counter.vault.config.data_dir / "vault" / "openings.log").read_text().splitlines()
    assert {public(Prefix.CARD, card) for card in ids} == tokens
    assert [(action, set(detail["cards"])) for action, detail in audit] == [("cards.opened", {str(i) for i in ids})]
    assert [set(json.loads(line)["cards"]) for line in written] == [{str(card) for card in ids}]
    assert not any(secret in "".join(written) for secret in LINES)


def test_opening_twice_gives_the_same_cards_and_counts_once_against_the_budget(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2)

    assert counter.open(sale) == counter.open(sale)
    assert sql("SELECT opened FROM opening_budget") == [(2,)]
    assert sql("SELECT count(*) FROM audit_entry WHERE action = 'cards.opened'") == [(2,)]


def test_reading_again_is_an_act_of_its_own_with_its_own_audit_row(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2)
    first = counter.open(sale)
    sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE line_id = %s", [sale.line])
    sql("UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %s", [sale.delivery])

    assert counter.open(sale) == first
    assert counter.vault.client.open_delivery(sale.delivery).read_again
    assert sql("SELECT count(*) FROM audit_entry WHERE action = 'cards.read_again'") == [(2,)]


def test_cards_are_sealed_to_the_sessions_of_the_identity_that_ordered_and_to_no_other(
    counter: Counter, sql: Any
) -> None:
    sale, stranger = counter.sell(1), counter.shop.a_shopper()
    other, other_token = counter.a_session(stranger)
    second, second_token = counter.a_session(sale.talker)
    ended, _ = counter.a_session(sale.talker)
    sql("UPDATE chat_session SET expires_at = now() - interval '1 second' WHERE id = %s", [ended])

    sealed = counter.vault.client.open_delivery(sale.delivery).sealed

    assert set(sealed) == {sale.session, second}
    with pytest.raises(SealError):
        open_answer(other_token, sealed[second], answer_context(delivery=sale.delivery, session=second))
    assert other not in sealed
    assert open_answer(second_token, sealed[second], answer_context(delivery=sale.delivery, session=second))


TAMPERINGS: dict[str, tuple[str, VaultCode]] = {
    "the total lowered": (
        "UPDATE shop_order SET total_minor = 0, paid_minor = 0 WHERE id = %(order)s",
        VaultCode.ORDER_ALTERED,
    ),
    "another chat": (
        "UPDATE shop_order SET chat_address = 'web:attacker' WHERE id = %(order)s",
        VaultCode.ORDER_ALTERED,
    ),
    "another order's seal": (
        "UPDATE shop_order SET seal = sha256('x') WHERE id = %(order)s",
        VaultCode.ORDER_ALTERED,
    ),
    "a line made cheap": (
        "UPDATE order_line SET list_price_minor = 1, total_minor = quantity WHERE order_id = %(order)s",
        VaultCode.ORDER_ALTERED,
    ),
    "a higher quantity": (
        "UPDATE order_line SET quantity = 40, discount_minor = list_price_minor * 38 WHERE order_id = %(order)s",
        VaultCode.ORDER_ALTERED,
    ),
    "one more card pointed at the line": (
        "UPDATE card SET state = 'held', line_id = %(line)s WHERE id = (SELECT id FROM card WHERE state = 'free'"
        " LIMIT 1);"
        "UPDATE card SET state = 'claimed' WHERE line_id = %(line)s AND state = 'held'",
        VaultCode.CARDS_ALTERED,
    ),
    "a card taken away": (
        "UPDATE card SET state = 'free', line_id = NULL"
        " WHERE id = (SELECT id FROM card WHERE line_id = %(line)s LIMIT 1)",
        VaultCode.CARDS_ALTERED,
    ),
    "never paid": ("UPDATE shop_order SET state = 'awaiting_payment' WHERE id = %(order)s", VaultCode.UNPAID),
    "no notice": ("DELETE FROM payment_event", VaultCode.UNPAID),
    "a notice with another body": ("UPDATE payment_event SET body = body || ' '", VaultCode.UNPAID),
    "a notice of another account": ("UPDATE gateway_account SET opaque_id = 'another-account-0002'", VaultCode.UNPAID),
    "nobody sends it": ("UPDATE delivery SET state = 'ready' WHERE id = %(delivery)s", VaultCode.NOT_SENDING),
    "its gate is closed": ("UPDATE order_line SET gate = 'review' WHERE id = %(line)s", VaultCode.NOT_SENDING),
    "said to be delivered": (
        "UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %(delivery)s",
        VaultCode.CARDS_ALTERED,
    ),
    "its batch is recalled": ("UPDATE batch SET state = 'recalled'", VaultCode.BATCH_STOPPED),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_fault_106_a_writer_in_the_database_opens_nothing(counter: Counter, sql: Any, name: str) -> None:
    sale = counter.sell(2)
    statements, code = TAMPERINGS[name]
    for statement in statements.split(";"):
        named = {"order": str(sale.order), "line": str(sale.line), "delivery": str(sale.delivery)}
        sql(statement, named, role="superuser")

    assert counter.refused(sale) is code


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 2999},
        {"currency": "USDT"},
        {"kind": "refunded"},
        {"payment": "00000000-0000-7000-8000-000000000005"},
    ],
    ids=["too little", "another currency", "a refund", "another payment"],
)
def test_an_authentic_notice_of_something_else_proves_nothing(counter: Counter, changes: dict[str, Any]) -> None:
    sale = counter.sell(2, notice=False)
    counter.note(sale.payment, sale.order, 3000, **changes)

    assert counter.refused(sale) is VaultCode.UNPAID


def test_a_notice_that_paid_one_order_never_pays_a_second(counter: Counter, sql: Any) -> None:
    first, second = counter.sell(2), counter.sell(2, notice=False)
    counter.open(first)
    sql("UPDATE payment SET order_id = %s WHERE id = %s", [second.order, first.payment], role="superuser")

    assert counter.refused(second) is VaultCode.UNPAID


def test_a_free_order_opens_without_a_notice(counter: Counter, sql: Any) -> None:
    sql("UPDATE listing SET price_minor = 0, version = version + 1")
    sale = counter.sell(1, notice=False)

    assert len(counter.open(sale)) == 1


def test_above_the_budget_of_the_hour_nothing_opens_and_the_next_hour_does(counter: Counter, sql: Any) -> None:
    sql("UPDATE installation SET opening_budget_per_hour = 3", role="superuser")
    counter.vault.restart()
    first, second = counter.sell(2), counter.sell(2)
    counter.open(first)

    assert counter.refused(second) is VaultCode.OVER_BUDGET
    sql("UPDATE opening_budget SET hour = hour - interval '1 hour'")
    assert len(counter.open(second)) == 2


def test_fault_68_a_card_that_carries_another_cards_seal_is_set_aside(counter: Counter, sql: Any) -> None:
    sale, innocent = counter.sell(2), counter.sell(1)
    broken, other = (row[0] for row in sql("SELECT id FROM card WHERE line_id = %s", [sale.line]))
    free = sql("SELECT id FROM card WHERE state = 'free' LIMIT 1")[0][0]
    sql(
        "UPDATE card_seal SET sealed = (SELECT sealed FROM card_seal WHERE card_id = %s) WHERE card_id = %s",
        [free, broken],
    )

    assert counter.refused(sale) is VaultCode.BROKEN_CARD
    assert sql("SELECT id FROM card WHERE state = 'quarantined'") == [(broken,)]
    assert sql("SELECT kind, card_id FROM stock_event") == [("broken_seal", broken)]
    assert sql("SELECT state FROM card WHERE id = %s", [other]) == [("claimed",)]
    assert len(counter.open(innocent)) == 1


def test_fault_69_a_broken_batch_key_stops_its_batch(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2)
    sql("UPDATE batch_key SET sealed_dek = set_byte(sealed_dek, 700, get_byte(sealed_dek, 700) # 1)")

    assert counter.refused(sale) is VaultCode.BROKEN_CARD
    assert sql("SELECT state, reason FROM batch") == [("locked", "broken_seal")]


def test_an_unsigned_batch_never_opens(counter: Counter, sql: Any) -> None:
    sale = counter.sell(1)
    sql("UPDATE batch_key SET signature = NULL")

    assert counter.refused(sale) is VaultCode.BROKEN_CARD


def test_wallet_money_counts_only_when_notices_filled_the_wallet(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2, notice=False)
    sql("DELETE FROM payment")
    hold_from_wallet(counter, sale)

    assert counter.refused(sale) is VaultCode.UNPAID
    top_up = counter.pay(sale.talker, None, 5000, booked="wallet")
    assert counter.refused(sale) is VaultCode.UNPAID  # the books do not say that it came into this wallet
    fill_wallet(counter, sale.talker, top_up)
    assert len(counter.open(sale)) == 2


@pytest.mark.parametrize(
    ("key", "content", "says"),
    [
        ("private_key", None, "missing"),
        ("private_key", generate_keypair()[0], "does not belong"),
        ("private_key", b"no key at all, only some bytes", "holds something else"),
        ("fingerprint_key", bytes(range(32)), "not the one of its last start"),
        ("sign_key", bytes(range(32)), "not the one of its last start"),
    ],
    ids=["missing", "another's", "no key", "wrong fingerprint key", "wrong signing key"],
)
def test_fault_70_without_its_keys_the_vault_says_why_and_nothing_is_sold(
    counter: Counter, config: Config, key: str, content: bytes | None, says: str
) -> None:
    sale, file = counter.sell(1), config.data_dir / "other.key"
    if content is not None:
        file.write_bytes(content)
    counter.vault.restart(replace(config, vault=replace(config.vault, **{key: f"file:{file}"})))

    reason = counter.vault.client.status().reason
    assert reason is not None
    assert says in reason
    assert counter.refused(sale) is VaultCode.CLOSED
    with pytest.raises(NothingIsSold):
        counter.shop.place(counter.shop.a_shopper(), counter.listing)
    db.close()
    counter.vault.restart(config)
    assert counter.vault.client.status().reason is None
    assert len(counter.open(sale)) == 1


def test_fault_72_an_absent_vault_is_said_to_be_away_and_opens_when_it_is_back(served: Counter) -> None:
    sale, vault = served.sell(1), served.vault
    assert isinstance(vault, VaultProcess)
    vault.supervisor.stop()

    with pytest.raises(VaultAway):
        vault.client.open_delivery(sale.delivery)
    vault.restart()
    assert len(served.open(sale)) == 1


def test_a_secret_is_traced_to_its_card_and_not_fast_enough_for_guessing(counter: Counter) -> None:
    sale = counter.sell(1)
    (card,) = counter.open(sale)

    found = counter.vault.client.trace_secret(Secret(f" {card['secret']} "))

    assert [public(Prefix.CARD, one) for one in found] == [card["token"]]
    for _ in range(TRACES_A_MINUTE - 1):
        assert counter.vault.client.trace_secret(Secret("never imported")) == []
    with pytest.raises(VaultRefused) as refused:
        counter.vault.client.trace_secret(Secret(card["secret"]))
    assert refused.value.vault_code is VaultCode.TOO_OFTEN


def test_the_answer_holds_no_secret_in_clear(counter: Counter) -> None:
    sale = counter.sell(2)

    opened = counter.vault.client.open_delivery(sale.delivery)

    assert not any(secret.encode() in repr(opened).encode() for secret in LINES)
