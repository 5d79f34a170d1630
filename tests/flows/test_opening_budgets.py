"""What a forger with web's login and the order-seal key gets: budgets bound it, and honest sales fit in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.config import Config
from core.ids import new_id
from core.orders.rules import QuantityRefused
from core.vault.client import VaultCode, VaultRefused
from core.vault.seal import SealedLine, SealedOrder, order_seal
from tests.builders import Talker
from tests.support.sales import Counter, Sale, a_counter
from tests.support.vaults import desk_vault

Run = Callable[[str, Any], Any]


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


def a_budget(counter: Counter, cards: int) -> None:
    counter.shop.sql("UPDATE installation SET opening_budget_per_hour = %s", [cards], role="superuser")
    counter.vault.restart()


def a_forged_merchant(run: Run, name: str) -> tuple[int, int]:
    """A merchant that nobody set up, and its listing of the only SKU, for nothing."""
    merchant = run(
        "INSERT INTO party (kind, code, names, created_at) VALUES ('merchant', %s, '{}', now()) RETURNING id", [name]
    )[0][0]
    listing = run(
        "INSERT INTO listing (merchant_id, sku_id, code, price_minor, currency, created_at)"
        " SELECT %s, sku_id, 'Z9', 0, 'CNY', now() FROM listing LIMIT 1 RETURNING id",
        [merchant],
    )[0][0]
    return merchant, listing


def a_forged_shopper(run: Run, merchant: int) -> Talker:
    shopper, identity, conversation = new_id(), new_id(), new_id()
    run("INSERT INTO shopper (id, merchant_id, created_at) VALUES (%s, %s, now())", [shopper, merchant])
    run(
        "INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)"
        " VALUES (%s, %s, %s, 'web', %s, now())",
        [identity, shopper, merchant, str(identity)],
    )
    run(
        "INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, created_at)"
        " VALUES (%s, %s, %s, %s, %s, now())",
        [conversation, merchant, shopper, identity, f"web:{identity}"],
    )
    return Talker(shopper, identity, conversation, merchant)


def forged(counter: Counter, sql: Any, name: str, cards: list[UUID]) -> Sale:
    """An order at such a merchant: rows by web's login, the seal by web's key."""

    def run(statement: str, params: Any) -> Any:
        return sql(statement, params, role="shop")

    merchant, listing = a_forged_merchant(run, name)
    talker = a_forged_shopper(run, merchant)
    sku, order, line = sql("SELECT sku_id FROM listing LIMIT 1")[0][0], new_id(), new_id()
    address = f"web:{talker.identity_id}"
    shopper_of = [merchant, talker.shopper_id, talker.identity_id, talker.conversation_id]
    key = counter.vault.config.secret(counter.vault.config.secrets.seal_key).reveal()
    lines = (SealedLine(line, sku, len(cards), 0),)
    seal = order_seal(key, SealedOrder(order, merchant, talker.identity_id, address, lines, "CNY", 0))
    run(
        "INSERT INTO shop_order (id, merchant_id, shopper_id, identity_id, conversation_id, chat_address, state,"
        " currency, total_minor, stranger, network, risk, seal, access_hash, placed_at, deadline, paid_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'paid', 'CNY', 0, false, 'n', '{}', %s, %s, now(), now(), now())",
        [order, *shopper_of, address, seal, order.bytes * 2],
    )
    run(
        "INSERT INTO order_line (id, order_id, merchant_id, position, listing_id, sku_id, listing_code, names,"
        " quantity, list_price_minor, total_minor, reasons) VALUES (%s, %s, %s, 1, %s, %s, 'Z9', '{}', %s, 0, 0, '[]')",
        [line, order, merchant, listing, sku, len(cards)],
    )
    run("UPDATE card SET state = 'held', line_id = %s WHERE id = ANY (%s)", [line, cards])
    run("UPDATE card SET state = 'claimed' WHERE line_id = %s", [line])
    delivery = run(
        "INSERT INTO delivery (line_id, order_id, state, created_at) VALUES (%s, %s, 'sending', now()) RETURNING id",
        [line, order],
    )[0][0]
    session, token = counter.a_session(talker)
    return Sale(talker, order, line, delivery, new_id(), session, token, 0)


def opened_by(counter: Counter, sales: list[Sale]) -> int:
    """How many cards the vault opens for them, one after the other; each refusal is the budget's and leaves nothing."""
    cards = 0
    for sale in sales:
        before = counter.traces()
        try:
            cards += len(counter.open(sale))
            continue
        except VaultRefused as refused:
            refusal = refused.vault_code
        assert (refusal, counter.traces()) == (VaultCode.OVER_BUDGET, before)
    return cards


def test_fault_106_merchants_that_somebody_wrote_bring_no_budget_of_their_own(counter: Counter, sql: Any) -> None:
    """Fault 106: each new merchant row had a fresh budget, so that any number of cards opened in one moment."""
    a_budget(counter, 2)
    free = [row[0] for row in sql("SELECT id FROM card WHERE state = 'free' ORDER BY id")]

    assert opened_by(counter, [forged(counter, sql, f"evil-{k}", free[2 * k : 2 * k + 2]) for k in range(8)]) == 10
    assert sql("SELECT opened, free FROM pool_budget") == [(10, 10)]


def test_fault_106_what_nobody_paid_for_has_a_small_budget_of_its_own_over_all_merchants(
    counter: Counter, sql: Any
) -> None:
    """Fault 106: a total of 0 needs no evidence, so a price of 0 written before an honest order opened the stock."""
    a_budget(counter, 100)
    sql("UPDATE listing SET price_minor = 0", role="shop")
    sales = [counter.sell(10, notice=False) for _ in range(3)]

    assert opened_by(counter, sales) == 20
    sql("UPDATE listing SET price_minor = 1500", role="shop")
    paid = counter.sell(2)
    assert len(counter.open(paid)) == 2  # what is paid for is not stopped by it
    assert sql("SELECT opened, free FROM pool_budget") == [(22, 20)]


def test_a_free_line_is_never_larger_than_what_may_be_opened_of_it(counter: Counter, sql: Any) -> None:
    sql("UPDATE listing SET price_minor = 0, version = version + 1")

    with pytest.raises(QuantityRefused) as refused:
        counter.shop.place(counter.shop.a_shopper(), counter.listing, 21)
    db.close()

    assert refused.value.params["most"] == 20
    assert sql("SELECT count(*) FROM shop_order") == [(0,)]


@pytest.mark.parametrize(("usual", "opens"), [(0, 5), (3, 8)], ids=["no history", "a usual peak of 3"])
def test_a_pools_budget_is_five_times_the_base_and_grows_with_its_own_usual_peak(
    counter: Counter, sql: Any, usual: int, opens: int
) -> None:
    """In a production store: a marked one's budget is what it was marked with."""
    sql(
        "UPDATE installation SET kind = 'production', sandbox_public_key = NULL, opening_budget_per_hour = NULL",
        role="superuser",
    )
    config = counter.vault.config
    counter.vault.restart(replace(config, vault=replace(config.vault, opening_budget_per_hour=1)))
    sql(
        "INSERT INTO pool_budget SELECT owner_id, sku_id, now() - day * interval '1 day', %s, 0"
        " FROM batch, generate_series(2, 8) day WHERE %s > 0",
        [usual, usual],
    )
    free = [row[0] for row in sql("SELECT id FROM card WHERE state = 'free' ORDER BY id LIMIT 8")]

    assert opened_by(counter, [forged(counter, sql, f"m-{k}", [card]) for k, card in enumerate(free)]) == opens


def test_honest_merchants_sell_one_pool_side_by_side_each_up_to_its_own_budget(counter: Counter, sql: Any) -> None:
    a_budget(counter, 4)
    free = [row[0] for row in sql("SELECT id FROM card WHERE state = 'free' ORDER BY id")]
    others = [forged(counter, sql, f"shop-{k}", free[-4 * k - 4 : len(free) - 4 * k]) for k in range(4)]

    assert opened_by(counter, [*others, counter.sell(4)]) == 20
    assert sql("SELECT opened, free FROM pool_budget") == [(20, 16)]
