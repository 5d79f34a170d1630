-- What a merchant sets up by itself: the front of its shop, and what its connections answered when they were tried.

-- How a shop greets; a merchant without a row has the store's own words.
CREATE TABLE shop_front (
    merchant_id bigint PRIMARY KEY REFERENCES party,
    greeting jsonb NOT NULL DEFAULT '{}',     -- {"zh-CN": …, "en": …}: how a conversation begins
    notice jsonb NOT NULL DEFAULT '{}',       -- what shoppers should know now; empty: nothing
    contact text NOT NULL DEFAULT '',         -- where a person answers
    locale text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'en')),  -- for whom no other language is known
    changed_at timestamptz NOT NULL,
    set_up_at timestamptz                     -- when somebody went through the set-up to its end
);

-- The last time that a connection was tried: asked by a person, answered by the worker.
CREATE TABLE connection_check (
    id uuid PRIMARY KEY,
    account_kind text NOT NULL CHECK (account_kind IN ('chat', 'gateway')),
    account_id bigint NOT NULL,
    merchant_id bigint NOT NULL REFERENCES party,
    asked_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'ok', 'look', 'broken')),
    found jsonb NOT NULL DEFAULT '[]',        -- core.connections.checks.Found
    heard_at timestamptz,                     -- when something came in by it last
    UNIQUE (account_kind, account_id)
);

ALTER TABLE chat_account ADD COLUMN left_at timestamptz;     -- disconnected: its secrets are gone
ALTER TABLE gateway_account ADD COLUMN left_at timestamptz;

-- What web seals to and cannot open: the public halves of bot_key and act_key (core.connections.handed_in).
ALTER TABLE installation
    ADD COLUMN bot_public_key bytea CHECK (octet_length(bot_public_key) = 1224),
    ADD COLUMN act_public_key bytea CHECK (octet_length(act_public_key) = 1224);

GRANT SELECT ON shop_front, connection_check TO keystall_shop, keystall_worker;
GRANT INSERT, UPDATE ON shop_front, connection_check TO keystall_shop;
GRANT UPDATE (finished_at, outcome, found, heard_at) ON connection_check TO keystall_worker;
GRANT DELETE ON credential TO keystall_shop;

-- The panel reads names, states and since when a secret is set; never what is sealed.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('shop_front', 'merchant_id = panel_party()'),
            ('connection_check', 'merchant_id = panel_party()'),
            ('chat_account', 'merchant_id = panel_party()'),
            ('gateway_account', 'merchant_id = panel_party()'),
            ('credential', 'CASE account_kind'
                           ' WHEN ''chat'' THEN EXISTS (SELECT 1 FROM chat_account a WHERE a.id = account_id)'
                           ' WHEN ''gateway'' THEN EXISTS (SELECT 1 FROM gateway_account a WHERE a.id = account_id)'
                           ' ELSE false END')
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

GRANT SELECT ON shop_front, connection_check TO keystall_panel;
GRANT SELECT (id, channel, merchant_id, external_id, username, names, enabled, opaque_id, created_at, left_at)
    ON chat_account TO keystall_panel;
GRANT SELECT (id, gateway, merchant_id, currency, names, enabled, settings, created_at, left_at) ON gateway_account
    TO keystall_panel;
GRANT SELECT (account_kind, account_id, name, created_at) ON credential TO keystall_panel;
