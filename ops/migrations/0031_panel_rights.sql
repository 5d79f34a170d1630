-- What the panel reads: rows of the party that somebody acts for, columns that its pages show, and nothing to write.
-- A net under a forgotten filter, not a wall: whoever has the panel's password may name another party.

-- The party of this transaction; nobody where none was named (an empty string is not NULL after SET LOCAL).
CREATE FUNCTION panel_party() RETURNS bigint LANGUAGE sql STABLE
    RETURN nullif(current_setting('keystall.party', true), '')::bigint;

-- Whether this transaction looks for the platform, which sees all parties.
CREATE FUNCTION panel_sees_all() RETURNS boolean LANGUAGE sql STABLE
    RETURN coalesce(current_setting('keystall.sees', true), '') = 'all';

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('shop_order', 'merchant_id = panel_party()'),
            ('order_line', 'merchant_id = panel_party()'),
            ('listing', 'merchant_id = panel_party()'),
            ('batch', 'panel_party() IN (owner_id, supplier_id)'),
            ('audit_entry', 'party_id = panel_party()'),
            ('party', 'id = panel_party()'),
            ('delivery', 'EXISTS (SELECT 1 FROM shop_order o WHERE o.id = order_id)'),
            ('batch_mark', 'EXISTS (SELECT 1 FROM batch b WHERE b.no = batch_no)')
        ) AS t (name, own)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', found.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', found.name);
        EXECUTE format('CREATE POLICY use_cases ON %I TO keystall_shop, keystall_worker, keystall_vault, keystall_direct, '
                       '%I USING (true) WITH CHECK (true)', found.name, current_user);
        EXECUTE format('CREATE POLICY panel ON %I FOR SELECT TO keystall_panel USING (panel_sees_all() OR %s)',
                       found.name, found.own);
    END LOOP;
END
$$;

GRANT SELECT (id, merchant_id, shopper_id, state, currency, total_minor, paid_minor, refunded_minor, stranger, placed_at,
              deadline, paid_at, ended_at) ON shop_order TO keystall_panel;
GRANT SELECT (id, order_id, merchant_id, position, listing_id, sku_id, listing_code, names, quantity, list_price_minor,
              discount_minor, total_minor, gate, gate_reason) ON order_line TO keystall_panel;
GRANT SELECT (id, line_id, order_id, state, attempts, last_problem, created_at, delivered_at) ON delivery
    TO keystall_panel;
GRANT SELECT ON listing, party TO keystall_panel;
GRANT SELECT (id, no, owner_id, supplier_id, sku_id, terms, unit_cost_micro, state, reason, source_name, card_count,
              expires_on, created_at, finished_at) ON batch TO keystall_panel;
GRANT SELECT ON batch_mark, audit_entry, sku, product, source TO keystall_panel;

-- A list begins with the newest and reads a page of it, however many there are.
CREATE INDEX shop_order_merchant ON shop_order (merchant_id, id DESC);
CREATE INDEX audit_entry_party ON audit_entry (party_id, id DESC);
CREATE INDEX batch_owner ON batch (owner_id, no DESC);
