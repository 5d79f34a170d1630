-- Of who supplies whom, and of files, the panel reads rows of the own party too: `source` names the whole way to a pool,
-- which is no secret of the store from itself, but one of each party of the chain from the next but one (INV-T3).

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('source', 'merchant_id = panel_party()'),
            ('upload', 'EXISTS (SELECT 1 FROM brought_file f WHERE f.upload_id = upload.id)')
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
REVOKE SELECT ON source FROM keystall_panel;
GRANT SELECT (merchant_id, sku_id) ON source TO keystall_panel;
