-- Goods that merchants set up by themselves: issuers of their own, sheets with their undo, prices that follow a cost.

-- A merchant that redeems its cards itself is their issuer. Cards are told apart within an issuer: under one of its own
-- a merchant can neither contest the cards of others nor see whether they are there (docs/adr/0043).
ALTER TABLE issuer ADD COLUMN owner_id bigint UNIQUE REFERENCES party;  -- none: a brand that all may sell
CREATE TRIGGER issuer_owner_fixed BEFORE UPDATE OF owner_id ON issuer
    FOR EACH ROW WHEN (OLD.owner_id IS DISTINCT FROM NEW.owner_id) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sku_issuer_fixed BEFORE UPDATE OF issuer_id ON sku
    FOR EACH ROW WHEN (OLD.issuer_id <> NEW.issuer_id) EXECUTE FUNCTION refuse_change();

CREATE FUNCTION sku_reaches_issuer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM issuer i JOIN product p ON p.id = NEW.product_id
        WHERE i.id = NEW.issuer_id AND (i.owner_id IS NULL OR i.owner_id = p.owner_id)
    ) THEN
        RAISE EXCEPTION 'a SKU has a shared issuer, or one of its own merchant'
            USING ERRCODE = '23514', CONSTRAINT = 'sku_reaches_issuer';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sku_reaches_issuer BEFORE INSERT ON sku FOR EACH ROW EXECUTE FUNCTION sku_reaches_issuer();

-- Put away for good; its code stays taken, its orders stay as they are.
ALTER TABLE listing
    ADD COLUMN archived_at timestamptz,
    ADD CONSTRAINT listing_archived CHECK (archived_at IS NULL OR NOT on_sale);

-- A sheet of goods: looked at, then applied, then perhaps undone. `before` is what it changed, as it was.
CREATE TABLE goods_sheet (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL REFERENCES party,
    staff_id uuid NOT NULL REFERENCES staff,
    file_name text NOT NULL CHECK (length(file_name) <= 200),
    rows jsonb NOT NULL,                                  -- core.catalog.sheets.rows.SheetRow
    before jsonb,
    created_at timestamptz NOT NULL,
    applied_at timestamptz,
    undone_at timestamptz,
    CHECK ((before IS NULL) = (applied_at IS NULL)),
    CHECK (undone_at IS NULL OR applied_at IS NOT NULL)
);
CREATE INDEX goods_sheet_merchant ON goods_sheet (merchant_id, id DESC);

-- A price that follows its cost: the rule by which it was made last.
CREATE TABLE markup (
    listing_id bigint PRIMARY KEY REFERENCES listing,
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 0 AND 1000000),  -- on top of the cost
    ending text NOT NULL CHECK (ending IN ('exact', '00', '50', '90', '99')),  -- core.supply.markup.Ending
    cost_micro bigint NOT NULL CHECK (cost_micro BETWEEN 0 AND 1000000000000000),
    set_at timestamptz NOT NULL
);

GRANT SELECT ON goods_sheet, markup TO keystall_shop, keystall_worker;
GRANT INSERT ON goods_sheet, markup TO keystall_shop;
GRANT UPDATE (before, applied_at, undone_at) ON goods_sheet TO keystall_shop;
GRANT UPDATE (basis_points, ending, cost_micro, set_at) ON markup TO keystall_shop;

CREATE FUNCTION platform_party() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    RETURN (SELECT id FROM party WHERE kind = 'platform');

-- Whether a party deals with a product of another merchant: it offers a variant of it, or brought cards.
CREATE FUNCTION panel_deals_with(bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    RETURN EXISTS (SELECT 1 FROM sku s JOIN offer o ON o.sku_id = s.id
                   WHERE s.product_id = $1 AND panel_party() IN (o.seller_id, o.buyer_id))
        OR EXISTS (SELECT 1 FROM sku s JOIN batch b ON b.sku_id = s.id
                   WHERE s.product_id = $1 AND panel_party() IN (b.owner_id, b.supplier_id));

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('issuer', 'owner_id IS NULL OR owner_id = panel_party()'),
            ('product', 'owner_id IN (panel_party(), platform_party()) OR panel_deals_with(id)'),
            ('sku', 'EXISTS (SELECT 1 FROM product p WHERE p.id = product_id)'),
            ('buyer_field', 'EXISTS (SELECT 1 FROM sku s WHERE s.id = sku_id)'),
            ('restock', 'party_id = panel_party()'),
            ('import_job', 'EXISTS (SELECT 1 FROM batch b WHERE b.id = batch_id)'),
            ('goods_sheet', 'merchant_id = panel_party()'),
            ('markup', 'EXISTS (SELECT 1 FROM listing l WHERE l.id = listing_id)')
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
GRANT SELECT ON issuer, buyer_field, goods_sheet, markup TO keystall_panel;
GRANT SELECT (id, staff_id, party_id, sku_id, conversation_id, state, added, duplicates, refused, problem, asked_at,
              ended_at) ON restock TO keystall_panel;
GRANT SELECT (id, batch_id, state, restock_id, rows_done, rows_about) ON import_job TO keystall_panel;
