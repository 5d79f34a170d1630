"""INV-T2: a reference leads to a row of the same owner or to a shared one, whatever raw SQL tries."""

from dataclasses import dataclass

import psycopg
import pytest

from tests.builders import NOON, Shop, Sql, Talker


@dataclass
class TwoShops:
    shop: Shop
    mine: Talker
    theirs: Talker
    order: object  # of mine
    their_listing: int
    their_account: int


@pytest.fixture
def two(store_db: object, sql: Sql) -> TwoShops:
    shop = Shop(sql)
    other = shop.a_party("other")
    mine, theirs = shop.a_shopper(), shop.a_shopper(merchant=other)
    listing = shop.a_listing("A1")
    shop.a_batch("A1", 2)
    order = shop.place(mine, listing, now=NOON).order_id
    their_listing = shop.a_listing("A1", merchant=other)
    account = sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        " VALUES ('0123456789abcdef', 'sandbox', %s, 'CNY', '{}', now()) RETURNING id",
        [other],
    )[0][0]
    return TwoShops(shop, mine, theirs, order, their_listing, account)


def broken(two: TwoShops, statement: str, params: list[object]) -> str:
    """The constraint that a raw statement breaks; nothing is changed by it."""
    before = two.shop.fingerprint()
    with pytest.raises(psycopg.errors.IntegrityError) as refused:
        two.shop.sql(statement, params)
    assert two.shop.fingerprint() == before
    return refused.value.diag.constraint_name or ""


def test_inv_t2_an_identity_belongs_to_a_shopper_of_its_merchant(two: TwoShops) -> None:
    statement = (
        "INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)"
        " VALUES (gen_random_uuid(), %s, %s, 'web', 'x', now())"
    )
    assert "shopper_id" in broken(two, statement, [two.theirs.shopper_id, two.shop.merchant])


def test_inv_t2_a_conversation_joins_an_identity_its_shopper_and_their_merchant(two: TwoShops) -> None:
    fresh = two.shop.a_shopper().conversation_id

    for column, value in (("merchant_id", two.theirs.merchant_id), ("shopper_id", two.theirs.shopper_id)):
        constraint = broken(two, f"UPDATE conversation SET {column} = %s WHERE id = %s", [value, fresh])
        assert constraint == "conversation_identity_id_shopper_id_merchant_id_fkey"


def test_inv_t2_an_order_stays_with_the_chat_and_the_shopper_who_placed_it(two: TwoShops) -> None:
    for column, value in (
        ("conversation_id", two.theirs.conversation_id),
        ("identity_id", two.theirs.identity_id),
        ("shopper_id", two.theirs.shopper_id),
        ("merchant_id", two.theirs.merchant_id),
    ):
        assert broken(two, f"UPDATE shop_order SET {column} = %s WHERE id = %s", [value, two.order])


def test_inv_t2_a_line_sells_a_listing_of_its_own_merchant(two: TwoShops) -> None:
    constraint = broken(
        two, "UPDATE order_line SET listing_id = %s WHERE order_id = %s", [two.their_listing, two.order]
    )
    assert "listing_id" in constraint


def test_inv_t2_a_payment_goes_to_an_account_of_the_orders_merchant(two: TwoShops) -> None:
    statement = (
        "INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency,"
        " state, created_at, expires_at) VALUES (gen_random_uuid(), %s, %s, %s, 'gateway', %s, 1000, 'CNY', 'created',"
        " now(), now())"
    )
    row = [two.order, two.shop.merchant, two.mine.shopper_id, two.their_account]
    assert "gateway_account_id" in broken(two, statement, row)
    assert "order_id" in broken(
        two, statement, [two.order, two.theirs.merchant_id, two.theirs.shopper_id, two.their_account]
    )


def test_inv_t2_a_card_goes_to_a_line_of_its_own_sku(two: TwoShops) -> None:
    two.shop.a_batch("B1", 1)
    line = two.shop.sql("SELECT id FROM order_line WHERE order_id = %s", [two.order])[0][0]

    constraint = broken(
        two,
        "UPDATE card SET state = 'held', line_id = %s WHERE sku_id = %s AND state = 'free'",
        [line, two.shop.a_sku("B1")],
    )
    assert constraint == "card_line_sku"


def test_inv_t2_a_card_lies_in_a_batch_of_its_owner_and_sku(two: TwoShops) -> None:
    statement = (
        "INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)"
        " SELECT gen_random_uuid(), no, %s, %s, 'free', 'A' FROM batch LIMIT 1"
    )
    assert "batch_no" in broken(two, statement, [two.theirs.merchant_id, two.shop.a_sku("A1")])
    assert "batch_no" in broken(two, statement, [two.shop.merchant, two.shop.a_sku("B1")])


def test_inv_t2_a_listing_leads_to_a_shared_sku_or_an_own_one(two: TwoShops) -> None:
    product = two.shop.sql(
        "INSERT INTO product (owner_id, code, kind, category, names, created_at)"
        " VALUES (%s, 'theirs', 'card_key', 'video', '{}', now()) RETURNING id",
        [two.theirs.merchant_id],
    )[0][0]
    private = two.shop.a_sku("Z9", product_id=product)
    mine = [two.shop.merchant, private]
    statement = (
        "INSERT INTO listing (merchant_id, sku_id, code, price_minor, currency, created_at)"
        " VALUES (%s, %s, 'Z9', 1, 'CNY', now())"
    )

    assert broken(two, statement, mine) == "listing_reaches_sku"
    assert broken(two, "UPDATE listing SET sku_id = %s WHERE merchant_id = %s", mine[::-1]) == "listing_reaches_sku"
    assert broken(two, "UPDATE listing SET merchant_id = %s", [two.shop.platform])
    assert broken(two, "UPDATE product SET owner_id = %s WHERE id = %s", [two.shop.merchant, product])
    two.shop.sql(statement, [two.theirs.merchant_id, private])


def test_inv_t2_a_refund_names_money_that_arrived(two: TwoShops) -> None:
    statement = (
        "INSERT INTO refund (id, merchant_id, event_id, to_wallet, amount_minor, currency, state, reason, created_at)"
        " VALUES (gen_random_uuid(), %s, gen_random_uuid(), false, 1, 'CNY', 'requested', 'x', now())"
    )
    assert "event_id" in broken(two, statement, [two.shop.merchant])
