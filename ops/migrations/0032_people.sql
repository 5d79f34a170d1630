-- Logins that owners make for their people, roles as they come and go, and a second factor that gives way to another.

ALTER TABLE staff
    ADD COLUMN must_change boolean NOT NULL DEFAULT false,  -- somebody else chose the password: its person sets another
    ADD COLUMN handed_over_at timestamptz;  -- when somebody else chose the password or took the second factor away last

-- Roles given and taken in the panel, for good: who was given a say over money an hour ago is not yet somebody else
-- when a payout wants two people, and who lost it an hour ago is not yet gone (books.md). Without an entry a role is old.
CREATE TABLE role_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,
    role text NOT NULL,  -- core.parties.Role
    is_given boolean NOT NULL,
    changed_by uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX role_change_party ON role_change (party_id, at);

-- The next seed waits beside the one that counts until a first right code of it was shown.
ALTER TABLE staff_totp ADD COLUMN next_sealed bytea;

GRANT SELECT, INSERT ON role_change TO keystall_shop;
GRANT SELECT ON role_change TO keystall_vault;  -- it asks who was there before when a payout is approved
GRANT SELECT (handed_over_at) ON staff TO keystall_vault;

-- The panel shows people of the party that somebody acts for: no hash, no seed.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('staff_role', 'party_id = panel_party()'),
            ('staff', 'EXISTS (SELECT 1 FROM staff_role r WHERE r.staff_id = staff.id)'),
            ('staff_totp', 'EXISTS (SELECT 1 FROM staff_role r WHERE r.staff_id = staff_totp.staff_id)')
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
GRANT SELECT ON staff_role TO keystall_panel;
GRANT SELECT (id, email, name, created_at, disabled_at, must_change) ON staff TO keystall_panel;
GRANT SELECT (staff_id, confirmed_at) ON staff_totp TO keystall_panel;
