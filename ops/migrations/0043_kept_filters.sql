-- Filters of the panel's lists that a person keeps under a name of their own, at one party.

CREATE TABLE kept_filter (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,
    listed text NOT NULL CHECK (listed ~ '^[a-z]{1,20}$'),   -- core.parties.kept_filters.KEYS
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 40),
    -- As it stands in an address after the question mark: never an address itself.
    cut text NOT NULL CHECK (octet_length(cut) <= 300 AND cut ~ '^[a-z]+=[A-Za-z0-9%+._~=&-]+$'),
    kept_at timestamptz NOT NULL,
    UNIQUE (staff_id, party_id, listed, name)
);
GRANT SELECT, INSERT, DELETE ON kept_filter TO keystall_shop;

-- The person of this transaction; nobody where none was named (an empty string is not NULL after SET LOCAL).
CREATE FUNCTION panel_person() RETURNS uuid LANGUAGE sql STABLE
    RETURN nullif(current_setting('keystall.person', true), '')::uuid;

-- What somebody keeps is for nobody else: the platform, which sees all parties, does not see this.
ALTER TABLE kept_filter ENABLE ROW LEVEL SECURITY;
ALTER TABLE kept_filter FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY use_cases ON kept_filter TO keystall_shop, keystall_worker, keystall_vault, '
                   'keystall_direct, %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY panel ON kept_filter FOR SELECT TO keystall_panel
    USING (staff_id = panel_person() AND party_id = panel_party());
GRANT SELECT (id, staff_id, party_id, listed, name, cut) ON kept_filter TO keystall_panel;
