-- What each role may do. No role owns a table, truncates, or makes triggers; sealed columns belong to the vault alone.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO keystall_shop, keystall_panel, keystall_worker, keystall_vault, keystall_direct;

-- shop (web, bot) and worker run the use cases.
GRANT SELECT ON installation, currency, submission, audit_entry, message_counter, message, sealed_answer,
    party, staff, staff_role, account, transfer, reversal, money_hold, gateway_account,
    issuer, product, sku, listing, upload, batch, batch_mark, card, import_job, import_refusal, stock_event,
    offer, source, shopper, identity, conversation, chat_session, inbox, button, menu_sent,
    shop_order, order_line, line_share, hold, delivery, payment, payment_event, refund
    TO keystall_shop, keystall_worker;
GRANT INSERT ON submission, audit_entry, message_counter, message, account, transfer, reversal, money_hold,
    shopper, identity, conversation, chat_session, inbox, button, menu_sent,
    shop_order, order_line, line_share, hold, delivery, payment, payment_event, refund, stock_event, keystall_task
    TO keystall_shop, keystall_worker;
GRANT INSERT ON sealed_answer, batch_mark TO keystall_worker;
GRANT UPDATE (last_heard_at) ON conversation TO keystall_shop, keystall_worker;  -- whose chat it is stays
GRANT UPDATE (shopper_id) ON identity TO keystall_shop, keystall_worker;
GRANT UPDATE ON message_counter, shopper, inbox, menu_sent,
    shop_order, hold, delivery, payment TO keystall_shop, keystall_worker;
GRANT UPDATE (state, attempts, lease_until, ended_at, reconciled_at) ON refund
    TO keystall_shop, keystall_worker;  -- whose money goes where stays
GRANT UPDATE (account_id, held_in_id, state, captured, released, settled_at) ON money_hold
    TO keystall_shop, keystall_worker;  -- the order that it is for stays
GRANT UPDATE (balance) ON account TO keystall_shop, keystall_worker;
GRANT UPDATE (order_id, payment_id, decide_by, resolved_at, resolution, reconciled_at, booked_to, reason) ON payment_event
    TO keystall_shop, keystall_worker;
GRANT UPDATE (gate, gate_reason) ON order_line TO keystall_shop, keystall_worker;
GRANT UPDATE (state, line_id, pos, delivered_at) ON card TO keystall_shop, keystall_worker;
GRANT UPDATE (state, reason) ON batch TO keystall_shop, keystall_worker;
GRANT UPDATE ON batch_mark TO keystall_worker;
GRANT UPDATE (handled_at) ON stock_event TO keystall_worker;
GRANT UPDATE (expires_at) ON button TO keystall_shop, keystall_worker;
GRANT DELETE ON button, inbox, menu_sent TO keystall_shop, keystall_worker;
GRANT DELETE ON sealed_answer, submission, upload, upload_chunk TO keystall_worker;
GRANT INSERT ON upload, upload_chunk TO keystall_shop;
GRANT UPDATE (complete, chunks, size) ON upload TO keystall_shop;
GRANT USAGE ON SEQUENCE card_pos, keystall_task_id_seq TO keystall_shop, keystall_worker;
GRANT SELECT ON schema_migration TO keystall_shop, keystall_panel, keystall_worker, keystall_vault;

GRANT SELECT, INSERT, UPDATE ON throttle TO keystall_shop, keystall_worker;
GRANT DELETE ON throttle TO keystall_worker;

-- Parties set up their own shop through use cases of the shop role.
GRANT INSERT, UPDATE ON product, sku, listing, offer, gateway_account, issuer TO keystall_shop;
GRANT INSERT, UPDATE, DELETE ON source TO keystall_shop;
GRANT INSERT, UPDATE ON party, staff TO keystall_shop;
GRANT INSERT, DELETE ON staff_role TO keystall_shop;
GRANT SELECT ON keystall_task TO keystall_shop;

-- worker: the queue, and the sandbox's own side.
GRANT SELECT, DELETE ON keystall_task, keystall_schedule TO keystall_worker;
GRANT UPDATE (priority) ON keystall_task TO keystall_worker;  -- FOR UPDATE SKIP LOCKED asks for it
GRANT SELECT, INSERT, UPDATE, DELETE ON keystall_kv, keystall_counter TO keystall_worker;
GRANT SELECT, INSERT ON sandbox_charge, sandbox_refund TO keystall_worker;
GRANT UPDATE (paid_at) ON sandbox_charge TO keystall_worker;

-- vault: reads what it checks; writes sealed columns, batches, its import jobs, audit and budget.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO keystall_vault;
GRANT INSERT, UPDATE ON batch, batch_key, batch_mark, import_job, opening_budget, pool_budget, reading_budget TO keystall_vault;
GRANT INSERT ON card, card_seal, import_refusal, stock_event, audit_entry, account, transfer TO keystall_vault;
GRANT UPDATE (state, line_id, opened_at, contested) ON card TO keystall_vault;
GRANT UPDATE (gate, gate_reason) ON order_line TO keystall_vault;
GRANT UPDATE (contested) ON card_seal TO keystall_vault;
GRANT UPDATE (last_problem) ON delivery TO keystall_vault;  -- FOR NO KEY UPDATE asks for it
GRANT INSERT ON evidence_use, wallet_use, vault_mark TO keystall_vault;
GRANT INSERT, UPDATE ON vault_state TO keystall_vault;
GRANT SELECT ON vault_state TO keystall_shop, keystall_worker;
GRANT UPDATE (used_for) ON evidence_use TO keystall_vault;
GRANT UPDATE (amount) ON wallet_use TO keystall_vault;
GRANT DELETE ON upload_chunk TO keystall_vault;
GRANT USAGE ON SEQUENCE card_pos TO keystall_vault;
REVOKE ALL ON staff FROM keystall_vault;

-- direct: only listens.
-- panel: gets its rights with the panel.
