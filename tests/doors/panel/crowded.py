"""Many of everything that the panel lists: what a `World` has of it once, copied in the database."""

from __future__ import annotations

from core.parties.rules import PartyKind
from tests.builders import Shop
from tests.doors.panel.foreign import NO_OBJECTS, OBJECTS, SUPPLIERS, World

COPIES = 24

ONCE = (
    "INSERT INTO party (kind, code, names, status, created_at)"
    " VALUES ('merchant', 'asks', '{\"en\": \"Asks\"}', 'applied', now())",
    "INSERT INTO party_application (party_id, contact, email, sells, network_hash, applied_at)"
    " SELECT id, 'Li', 'li@asks.test', 'cards', sha256('x'), now() FROM party WHERE code = 'asks'",
    "INSERT INTO alert (id, kind, subject, first_at, last_at)"
    " VALUES (gen_random_uuid(), 'vault_away', 'vault', now(), now())",
    "INSERT INTO stock_event (kind, card_id, batch_no, detail, created_at) SELECT 'contested', gen_random_uuid(), b.no,"
    " jsonb_build_object('first', (SELECT id FROM card LIMIT 1)), now() FROM batch b ORDER BY b.no DESC LIMIT 1",
    "INSERT INTO refund (id, merchant_id, order_id, to_wallet, amount_minor, currency, state, reason, created_at)"
    " SELECT gen_random_uuid(), merchant_id, id, false, 100, 'CNY', 'requested', 'goods', now() FROM shop_order",
    "INSERT INTO import_job (id, upload_id, batch_id, state, created_at) SELECT gen_random_uuid(), u.id, b.id, 'done',"
    " now() FROM upload u, batch b ORDER BY b.no LIMIT 1",
    "INSERT INTO import_job (id, upload_id, batch_id, state, created_at) SELECT gen_random_uuid(), u.id, b.id, 'done',"
    " now() FROM upload u, batch b ORDER BY b.no DESC LIMIT 1",
    "UPDATE goods_sheet SET before = '[]', applied_at = now()",
    "INSERT INTO report_order SELECT id, current_date, 'web', 'CNY', 1, 1, 100, 0, 10 FROM party WHERE code = 'demo'",
    "INSERT INTO report_sale SELECT merchant_id, current_date, id, 'web', 'own', 0, 'CNY', sku_id, 1, 1, 100, 0, 100,"
    " 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 1 FROM listing WHERE code = 'A1'",
    "INSERT INTO account (kind, holder, counterparty, currency, bounded, balance, floor)"
    " SELECT 'wallet', 'shopper:' || s.id, 'party:' || s.merchant_id, 'CNY', true, 0, 0 FROM shopper s",
    "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at) SELECT t.debit_id, a.id, 100,"
    " 'CNY', 'topup', gen_random_uuid(), now() FROM account a, transfer t WHERE a.kind = 'wallet'",
    "INSERT INTO report_hop SELECT o.seller_id, current_date, o.buyer_id, o.buyer_id, o.sku_id, 'CNY', 1, 1, 100, 0, 0,"
    " 1, 0, 0 FROM offer o JOIN sku k ON k.id = o.sku_id WHERE k.code = 'C1'",
)
"""One of what no `World` has."""

MORE_CARDS = f"""
INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)
SELECT gen_random_uuid(), no, owner_id, sku_id, 'free', 'A9A9-****' FROM batch, generate_series(1, {3 * COPIES})
WHERE id = %s
"""
FIRST = "r.order_id = (SELECT id FROM shop_order ORDER BY id LIMIT 1)"
ID, NUMBER = {"id": "gen_random_uuid()"}, {"id": "(SELECT max(id) FROM {table}) + row_number() OVER ()"}
MANY: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("product", "r.code = 'own'", {**NUMBER, "code": "r.code || n"}),
    ("sku", "r.code IN ('OWN1', 'A1', 'C1')", {**NUMBER, "code": "r.code || n"}),
    (
        "listing",
        "r.code = 'OWN1'",
        {**NUMBER, "code": "r.code || n", "sku_id": "(SELECT id FROM sku WHERE code = 'OWN1' || n)"},
    ),
    ("offer", "r.sku_id = (SELECT id FROM sku WHERE code = 'C1')",
     {**NUMBER, "sku_id": "(SELECT id FROM sku WHERE code = 'C1' || n)"}),
    ("batch", "true",
     {**ID, "no": "1000 * r.no + n", "sku_id": "(SELECT id FROM sku WHERE code = 'A1' || n)"}),
    ("import_job", "true", ID),
    ("stock_event", "true", {**NUMBER, "batch_no": "1000 * r.batch_no + n"}),
    ("party", "r.code IN ('demo', 'brand1', 'asks')",
     {"id": "1000 * r.id + n", "code": "r.code || n", "is_default": "false"}),
    ("party_application", "true", {"party_id": "1000 * r.party_id + n"}),
    ("staff", "r.name = 'Fang'", {**ID, "email": "n || r.email", "name": "'Copy ' || n || r.id"}),
    ("staff_session", "true", {**ID, "secret_hash": "sha256((n || r.id::text)::bytea)"}),
    ("chat_account", "true", {**NUMBER, "opaque_id": "r.opaque_id || n", "external_id": "r.external_id || n"}),
    ("gateway_account", "true", {**NUMBER, "opaque_id": "r.opaque_id || n"}),
    ("payment_event", "true", {**ID, "external_id": "r.external_id || n"}),
    ("order_line", FIRST, {**ID, "position": "r.position + n"}),
    ("shop_order", FIRST.replace("r.order_id", "r.id"), {**ID, "access_hash": "sha256((n || r.id::text)::bytea)"}),
    ("refund", "true", ID),
    ("alert", "true", {**ID, "subject": "r.subject || n"}),
    ("brought_file", "true", {**ID, "submission": "r.submission || n"}),
    ("api_key", "true", {**ID, "secret_hash": "sha256((n || r.id::text)::bytea)"}),
    ("transfer", "true", NUMBER),
    ("trade_topup", "true",
     {**ID, "reference": "r.reference || n",
      "transfer_id": "(SELECT id FROM transfer ORDER BY id OFFSET 1 + n LIMIT 1)"}),
    ("payout", "true", {**ID, "period": "r.period - n"}),
    ("goods_sheet", "true", ID),
    ("audit_entry", "r.action = 'party.created'", NUMBER),
    ("report_sale", "true", {"listing_id": "(SELECT id FROM listing WHERE code = 'OWN1' || n)"}),
    ("report_hop", "true", {"sku_id": "(SELECT id FROM sku WHERE code = 'C1' || n)"}),
)  # fmt: skip
"""Tables in the order in which they name each other: which rows are copied, and what a copy has of its own."""

AFTER = (
    "INSERT INTO staff_role (staff_id, party_id, role) SELECT s.id, r.party_id, r.role FROM staff s JOIN staff_role r"
    " ON s.name LIKE 'Copy %' || r.staff_id",
    "INSERT INTO delivery (line_id, order_id, state, created_at) SELECT id, order_id, 'ready', now() - interval '1 h'"
    " FROM order_line",
)


def one_of_each(shop: Shop, world: World, kind: PartyKind) -> dict[str, str]:
    """Every object of both parties, and of whatever else is listed; those that pages name for this kind of party."""
    made = {name: str(make(world)) for name, make in OBJECTS.items()}
    of_suppliers = {name: str(make(world)) for name, make in SUPPLIERS.items()}
    for statement in ONCE:
        shop.sql(statement)
    return {**NO_OBJECTS, **made, **(of_suppliers if kind is PartyKind.SUPPLIER else {})}


def many_of_each(shop: Shop, world: World) -> None:
    """`COPIES` more of everything: of orders both by the shopper of the one that was there and by others."""
    shop.sql(MORE_CARDS, [world.batch])
    for _ in range(COPIES):
        shop.place(shop.a_shopper(), world.listing)
    for table, which, own in MANY:
        _copy(shop, table, which, own)
    for statement in AFTER:
        shop.sql(statement)


def _copy(shop: Shop, table: str, which: str, own: dict[str, str]) -> None:
    generated = {
        name
        for (name,) in shop.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'ALWAYS'",
            [table],
        )
    }
    names = [
        name
        for (name,) in shop.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            [table],
        )
        if name not in generated
    ]
    values = ", ".join(own[name].format(table=table) if name in own else f"r.{name}" for name in names)
    shop.sql(
        f"INSERT INTO {table} ({', '.join(names)}) OVERRIDING SYSTEM VALUE"
        f" SELECT {values} FROM {table} r, generate_series(1, {COPIES}) n WHERE {which}"
    )
