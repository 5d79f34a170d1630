"""Protections of what suppliers bring over the network: the once, the unknown, the count, and the way out."""

from tests.mutations.mutation import Mutation

REQUESTS = "ops/migrations/0028_supplier_requests.sql"
RULES = "core/supply/rules.py"
SUPPLIED = "core/fulfilment/supplied.py"
EGRESS = "channels/egress.py"
ORDERS = "tests/flows/supply/test_supplied_orders.py"
UNKNOWN = "tests/flows/supply/test_supplier_unknown.py"
STOCK = "tests/flows/supply/test_supplier_stock.py"
VAULT = "tests/flows/supply/test_supplied_vault.py"
WAY = "tests/unit/test_egress.py"

MUTATIONS = [
    Mutation(
        rows=("INV-O4", "90"),
        removed="that no certain answer of a supplier is no no",
        file=RULES,
        old="    return state if was_accepted else SupplierRequestState.UNKNOWN",
        new="    return SupplierRequestState.REJECTED",
        test=f"{UNKNOWN}::test_inv_o4_what_is_unknown_for_hours_is_neither_paid_back_nor_bought_again",
    ),
    Mutation(
        rows=("INV-O4", "90"),
        removed="that a request is bought once and then only asked about",
        file="core/fulfilment/supplying.py",
        old="    return supplier.buy(taken.wish) if taken.is_new else supplier.query(taken.id)",
        new="    return supplier.buy(taken.wish)",
        test=f"{UNKNOWN}::test_fault_90_a_supplier_that_times_out_after_accepting_is_asked_and_never_bought_from_again",
    ),
    Mutation(
        rows=("INV-O4", "90"),
        removed="the time in which a request may still be on its way, before `no such order` is a no",
        file=RULES,
        old="not was_accepted and now - sent_at >= IN_FLIGHT",
        new="not was_accepted",
        test=f"{UNKNOWN}"
        "::test_fault_90_a_worker_that_died_between_writing_and_calling_has_the_request_asked_about_only",
    ),
    Mutation(
        rows=("INV-O4",),
        removed="that what a supplier accepted is no no when it knows of none later",
        file=RULES,
        old="outcome is SupplyOutcome.ABSENT and not was_accepted and",
        new="outcome is SupplyOutcome.ABSENT and",
        test=f"{UNKNOWN}::test_inv_o4_what_was_accepted_and_never_ends_is_told_and_ended_by_a_person_only",
    ),
    Mutation(
        rows=("INV-O4",),
        removed="the question behind a refused purchase",
        file="channels/supply/kasushou.py",
        old="        if found.outcome is SupplyOutcome.ABSENT:\n            return",
        new="        if True:\n            return",
        test="tests/unit/test_kasushou.py::test_a_refused_purchase_is_a_no_only_where_the_supplier_knows_no_such_order",
    ),
    Mutation(
        rows=("INV-O4", "100"),
        removed="that a line which a restore holds back counts as paid for its request",
        file="core/custody/imports/supplied.py",
        old="            AND (l.gate = 'supply' OR (l.gate, l.gate_reason) = ('review', 'went_out_before'))",
        new="            AND l.gate = 'supply'",
        test=f"{UNKNOWN}::test_fault_100_what_a_restore_holds_back_takes_nothing_from_the_other_lines_of_its_request",
    ),
    Mutation(
        rows=("91",),
        removed="the patience with keys that are filled in one by one",
        file=RULES,
        old="        is_early = shown < wanted and",
        new="        is_early = shown < 1 and",
        test=f"{ORDERS}::test_fault_91_keys_that_are_filled_in_one_by_one_are_waited_for_and_all_delivered",
    ),
    Mutation(
        rows=("INV-O4",),
        removed="that web's password says nothing of a supplier's request",
        file=REQUESTS,
        old="GRANT INSERT ON supplier_request TO keystall_worker;",
        new="GRANT INSERT ON supplier_request TO keystall_worker;"
        " GRANT UPDATE (state) ON supplier_request TO keystall_shop;",
        test=f"{UNKNOWN}::test_inv_o4_a_person_who_asked_the_supplier_ends_an_unknown_request_and_no_other",
    ),
    Mutation(
        rows=("89",),
        removed="that site-local addresses are private",
        file=EGRESS,
        old="        if address.is_site_local:",
        new="        if False:",
        test=f"{WAY}::test_fault_89_addresses_that_are_not_public_are_refused",
    ),
    Mutation(
        rows=("INV-O4", "INV-O1"),
        removed="the trigger that holds the steps of a supplier's request",
        file=REQUESTS,
        old="    IF NEW.state <> OLD.state AND NOT (CASE OLD.state",
        new="    IF false AND NOT (CASE OLD.state",
        test=f"{UNKNOWN}::test_the_database_allows_the_steps_that_are_drawn_and_no_other",
    ),
    Mutation(
        rows=("INV-O4",),
        removed="the trigger by which a line has one request for ever",
        file=REQUESTS,
        old="    IF OLD.request_id IS NOT NULL AND (NEW.request_id, NEW.good_id)",
        new="    IF false AND (NEW.request_id, NEW.good_id)",
        test=f"{UNKNOWN}::test_inv_o4_the_database_sends_no_request_again_and_gives_no_line_two",
    ),
    Mutation(
        rows=("91",),
        removed="the money back for each line without a good key",
        file=SUPPLIED,
        old="    for line_id, delivery_id in left:",
        new="    for line_id, delivery_id in left[:0]:",
        test=f"{ORDERS}::test_fault_91_fewer_keys_than_were_bought_are_delivered_and_the_rest_goes_back",
    ),
    Mutation(
        rows=("91", "67"),
        removed="that only keys that are new and uncontested are claimed",
        file=SUPPLIED,
        old="WHERE batch_no = %(batch)s AND state = 'free' ORDER BY pos",
        new="WHERE batch_no = %(batch)s ORDER BY pos",
        more=((SUPPLIED, "WHERE card.id = x.id AND card.state = 'free'", "WHERE card.id = x.id"),),
        test=f"{ORDERS}::test_a_key_that_another_party_brought_before_is_kept_aside_and_paid_back",
    ),
    Mutation(
        rows=("91", "INV-S2"),
        removed="the lock of a supplied batch until its lines have their cards",
        file="core/custody/imports/importing.py",
        old="            if job.request:\n                execute",
        new="            if False:\n                execute",
        test=f"{VAULT}::test_the_vault_brings_in_once_what_a_request_brought_and_locks_it_for_its_lines",
    ),
    Mutation(
        rows=("91", "INV-O2"),
        removed="that the vault imports for a request only what its paid lines wait for",
        file="core/custody/imports/supplied.py",
        old="    if not is_paid:",
        new="    if False:",
        test=f"{VAULT}::test_the_vault_imports_nothing_for_a_request_that_does_not_stand",
    ),
    Mutation(
        rows=("92",),
        removed="the pause of goods whose supplier does not bring what it sold",
        file=SUPPLIED,
        old="why=why, at_once=True",
        new="why=why, at_once=False",
        test=f"{STOCK}::test_fault_92_a_supplier_whose_stock_lies_is_paused_and_the_money_goes_back",
    ),
    Mutation(
        rows=("92",),
        removed="the pause of goods whose supplier says nothing any more",
        file=RULES,
        old="FAILURES_ALLOWED = 3",
        new="FAILURES_ALLOWED = 99",
        test=f"{STOCK}::test_fault_92_a_supplier_that_falls_silent_is_promised_no_longer",
    ),
    Mutation(
        rows=("92",),
        removed="the time for which paused goods are not believed",
        file="core/supply/network.py",
        old='{"cooled": now - COOLING, "now": now}',
        new='{"cooled": now, "now": now}',
        test=f"{STOCK}::test_fault_92_paused_goods_are_believed_again_after_a_while",
    ),
    Mutation(
        rows=("92", "INV-S5"),
        removed="what is promised already, in what a supplier's goods are sold by",
        file=REQUESTS,
        old="WHERE s.good_id = g.id AND s.ended_at IS NULL))::int AS cards",
        new="WHERE false))::int AS cards",
        test=f"{ORDERS}::test_what_waits_for_a_supplier_is_promised_to_nobody_else",
    ),
    Mutation(
        rows=("92",),
        removed="the locks under which the last one of a supplier is promised",
        file="core/supply/quota.py",
        old="ORDER BY g.id FOR NO KEY UPDATE OF g",
        new="ORDER BY g.id",
        more=(("core/orders/place.py", "        stock.lock_share(sku_id=listing.sku_id)", "        pass"),),
        test="tests/races/test_supply_races.py::test_fault_92_the_last_one_of_a_supplier_is_promised_once",
    ),
    Mutation(
        rows=("93",),
        removed="that an order counts only with our own number",
        file="channels/supply/kasushou.py",
        old=' and one.get("external_orderno") == number]',
        new="]",
        test="tests/unit/test_kasushou.py"
        "::test_fault_93_an_order_counts_only_with_our_own_number_and_a_state_that_is_known",
    ),
    Mutation(
        rows=("89",),
        removed="that every address of a supplier's name must be public",
        file=EGRESS,
        old="not all(is_allowed(",
        new="not any(is_allowed(",
        test=f"{WAY}::test_fault_89_a_name_with_one_address_that_is_not_public_is_refused",
    ),
    Mutation(
        rows=("89",),
        removed="the connection to the very address that was looked at",
        file=EGRESS,
        old="self._inner.connect_tcp(self._address, port",
        new="self._inner.connect_tcp(host, port",
        test=f"{WAY}::test_fault_89_a_name_that_changes_its_mind_is_asked_once_and_connected_to_where_it_was_checked",
    ),
    Mutation(
        rows=("89",),
        removed="the look behind addresses that hide another one",
        file=EGRESS,
        old="        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]",
        new="        hidden = None",
        test=f"{WAY}::test_fault_89_addresses_that_are_not_public_are_refused",
    ),
    Mutation(
        rows=("94",),
        removed="the most bytes of a supplier's answer",
        file=EGRESS,
        old="        if self._limits.left < 0:",
        new="        if False:",
        test=f"{WAY}::test_fault_94_an_answer_without_an_end_is_cut_off",
    ),
    Mutation(
        rows=("94",),
        removed="the end of a supplier's answer at its time, however slowly it comes",
        file=EGRESS,
        old="        read = self._inner.read(max_bytes, timeout=self._limits.seconds())",
        new="        read = self._inner.read(max_bytes, timeout=timeout)",
        test=f"{WAY}::test_fault_94_bytes_that_come_one_by_one_end_with_the_time",
    ),
    Mutation(
        rows=("INV-O4", "100"),
        removed="that a restored store buys nothing again whose card went out after the backup",
        file="core/custody/restored/epochs.py",
        old="      AND (gate = 'supply' OR (gate IN",
        new="      AND (false OR (gate IN",
        test="tests/flows/backups/test_restore_supplied.py"
        "::test_fault_100_a_line_whose_supplied_card_went_out_after_the_backup_waits_for_a_person",
    ),
]
