"""Protections of orders, deliveries, messages that come twice, and references between owners."""

from tests.mutations.mutation import Mutation

ORDERS = "ops/migrations/0005_orders_payments.sql"
STOCK = "ops/migrations/0003_catalog_stock.sql"
SETTLE = "core/orders/settle.py"

MUTATIONS = [
    Mutation(
        rows=("INV-O1",),
        removed="an order that is paid already is not settled again",
        file=SETTLE,
        old="    if order.state not in {OrderState.AWAITING_PAYMENT, OrderState.EXPIRED, OrderState.CANCELLED}:",
        new="    if False:",
        test="tests/flows/test_order_life.py::test_inv_o1_an_order_takes_no_step_that_is_not_drawn",
    ),
    Mutation(
        rows=("INV-O2", "27"),
        removed="what was paid is compared with the total, by the notice and by the settlement",
        file=SETTLE,
        old="    if paid != order.total:",
        new="    if False:",
        test="tests/flows/test_settling.py",
    ),
    Mutation(
        rows=("INV-O3", "INV-S4"),
        removed="every ordered card is claimed, or the settlement is given up",
        file=SETTLE,
        old="    if count != 1 or not held == claimed == ordered:",
        new="    if False:",
        test="tests/flows/test_settling.py",
    ),
    Mutation(
        rows=("INV-O5",),
        removed="a submission's content is compared with the first one's",
        file="core/submission.py",
        old="    if bytes(first_hash) != digest:",
        new="    if False:",
        test="tests/flows/test_orders.py::test_the_same_submission_with_other_content_is_refused_and_changes_nothing",
    ),
    Mutation(
        rows=("INV-O8",),
        removed="the fee is the one of the time of ordering",
        file="core/orders/shares.py",
        old="seller.fee_basis_points",
        new="0",
        test="tests/flows/test_order_life.py::test_inv_o8_price_chain_and_fee_stay_as_they_were_when_the_order_was_placed",
    ),
    Mutation(
        rows=("INV-O9", "INV-O7"),
        removed="deliveries whose sender died are found again",
        file="core/orders/lost.py",
        old="        return enqueue_missing(Work.DELIVER, [row[0] for row in rows])",
        new="        return len(rows)",
        test="tests/faults/test_crashes.py",
    ),
    Mutation(
        rows=("INV-S3",),
        removed="cards are never deleted",
        file=STOCK,
        old="CREATE TRIGGER card_never_deleted BEFORE DELETE ON card FOR EACH ROW EXECUTE FUNCTION refuse_change();",
        new="",
        test="tests/flows/test_stock_constraints.py::test_cards_and_transfers_are_never_deleted",
    ),
    Mutation(
        rows=("INV-S7",),
        removed="a supplier's card is taken once, in whatever state the first one is",
        file=STOCK,
        old=",\n    CONSTRAINT card_seal_uploader UNIQUE (uploader_id, issuer_id, fingerprint)",
        new="",
        test="tests/flows/test_import.py",
    ),
    Mutation(
        rows=("INV-T2",),
        removed="a card lies in a batch of its owner and SKU",
        file=STOCK,
        old="    FOREIGN KEY (batch_no, owner_id, sku_id) REFERENCES batch (no, owner_id, sku_id),\n",
        new="",
        test="tests/flows/test_references.py::test_inv_t2_a_card_lies_in_a_batch_of_its_owner_and_sku",
    ),
    Mutation(
        rows=("7",),
        removed="that a transaction whose statement failed is not told as committed",
        file="core/waking.py",
        old="    if connection.info.transaction_status == TransactionStatus.INERROR:",
        new="    if False:",
        test="tests/flows/test_waking.py::test_fault_7_a_transaction_that_failed_is_never_told_as_committed",
    ),
    Mutation(
        rows=("INV-O9", "17"),
        removed="that a store which stood still is given time before an order counts as stuck",
        file="core/fulfilment/checks.py",
        old="CASE WHEN count(*) = 50 THEN min(at) END",
        new="max(at)",
        test="tests/flows/test_verify.py",
    ),
]
