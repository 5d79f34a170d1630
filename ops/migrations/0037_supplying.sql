-- Who asks to be let in, what a party sees of its own hop, keys of other systems, and payouts that the vault lets go.

-- An application stays, whatever was decided: what it said is read by the platform alone.
CREATE TABLE party_application (
    party_id bigint PRIMARY KEY REFERENCES party,
    contact text NOT NULL CHECK (length(contact) BETWEEN 1 AND 120),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 320),
    sells text NOT NULL CHECK (length(sells) BETWEEN 1 AND 2000),
    network_hash bytea NOT NULL CHECK (octet_length(network_hash) = 32),
    staff_id uuid REFERENCES staff,                       -- none: the address had a login before, which gets no role by this
    applied_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid REFERENCES staff,
    reason text CHECK (length(reason) BETWEEN 1 AND 500)
);
CREATE INDEX party_application_network ON party_application (network_hash, applied_at);
CREATE INDEX party_applied ON party (id) WHERE status = 'applied';
GRANT SELECT, INSERT ON party_application TO keystall_shop;
GRANT UPDATE (decided_at, decided_by, reason) ON party_application TO keystall_shop;

-- Keys of other systems: the secret is shown once, here is its SHA-256. What a key may do is in `scopes`.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    party_id bigint NOT NULL REFERENCES party,
    called text NOT NULL CHECK (length(called) BETWEEN 1 AND 60),
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    ending text NOT NULL CHECK (length(ending) = 4),      -- the last signs of the secret, to know it again
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 20),
    networks cidr[] NOT NULL DEFAULT '{}',                -- from where it counts; empty: from anywhere
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_on date,                                         -- the last day on which it was used
    revoked_at timestamptz,
    revoked_by uuid REFERENCES staff,
    CHECK (expires_at > made_at),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX api_key_party ON api_key (party_id, made_at);
CREATE FUNCTION api_key_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL AND (NEW.revoked_at, NEW.revoked_by) IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by) THEN
        RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = '23514', CONSTRAINT = 'api_key_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER api_key_ends_once BEFORE UPDATE ON api_key FOR EACH ROW EXECUTE FUNCTION api_key_ends_once();
GRANT SELECT, INSERT ON api_key TO keystall_shop;
GRANT UPDATE (used_on, revoked_at, revoked_by) ON api_key TO keystall_shop;

-- The own hop (INV-T4): offers, trade accounts and what went through them, with their two parties' names; no shopper,
-- no price but the hop's own.
CREATE INDEX trade_hold_sold ON trade_hold (account_id, settled_at) INCLUDE (offer_id, amount, returned)
    WHERE state = 'captured';
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('offer', 'panel_party() IN (seller_id, buyer_id)'),
            ('trade_account', 'panel_party() IN (creditor_id, debtor_id)'),
            ('trade_hold', 'account_id IN (SELECT t.account_id FROM trade_account t)'),
            ('payout', 'panel_party() IN (party_id, debtor_id)'),
            ('api_key', 'party_id = panel_party()'),
            ('party_application', 'party_id = panel_party()')
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
CREATE POLICY panel_hop ON party FOR SELECT TO keystall_panel
    USING (id IN (SELECT o.seller_id FROM offer o UNION ALL SELECT o.buyer_id FROM offer o));
GRANT SELECT ON offer, trade_account, currency TO keystall_panel;
GRANT SELECT (hold_id, position, account_id, offer_id, amount, returned, state, settled_at) ON trade_hold TO keystall_panel;
GRANT SELECT (id, party_id, debtor_id, kind, period, currency, amount, state, made_by, requested_at, approved_by,
              approved_at, sent_by, sent_at, ended_by, ended_at, bank_reference, reason) ON payout TO keystall_panel;
GRANT SELECT (id, party_id, called, ending, scopes, networks, made_by, made_at, expires_at, used_on, revoked_at)
    ON api_key TO keystall_panel;
GRANT SELECT (party_id, contact, email, sells, staff_id, applied_at, decided_at, decided_by, reason)
    ON party_application TO keystall_panel;

-- Payouts and bank details: beside the owner's hand, the vault alone writes them, once it has seen the second factor of
-- the person who acts (core.custody.staff.payouts). Web asks, and has no right to any of this.
GRANT INSERT ON bank_details, payout, settled_money, submission TO keystall_vault;
GRANT UPDATE (state, approved_by, approved_at, sent_by, sent_at, ended_by, ended_at, bank_reference, reason) ON payout
    TO keystall_vault;
GRANT UPDATE (released, released_to_others) ON settled_money TO keystall_vault;
GRANT UPDATE (balance) ON account TO keystall_vault;
