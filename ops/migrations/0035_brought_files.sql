-- Files that staff bring by the panel: sealed while they arrive, looked at by the vault, then imported, or left; and
-- what the platform wishes about contested cards, which the vault carries out.

-- Everything the vault needs to know of a file stands under the seal, as of a restock.
CREATE TABLE brought_file (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,            -- whose pool its cards would join
    sku_id bigint NOT NULL REFERENCES sku,
    upload_id uuid NOT NULL REFERENCES upload,            -- looked at again under another column, it is a row of its own
    secret_column text CHECK (length(secret_column) BETWEEN 1 AND 200),  -- where a person named one
    submission text NOT NULL,                             -- the form that brought it: sent twice, here once
    brought_at timestamptz NOT NULL,
    restock_id uuid UNIQUE REFERENCES restock,            -- once somebody has confirmed it
    left_at timestamptz,                                  -- nobody wants it any more
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    UNIQUE (staff_id, submission),
    CHECK (restock_id IS NULL OR left_at IS NULL)
);
CREATE INDEX brought_file_party ON brought_file (party_id, id DESC);
CREATE INDEX brought_file_staff ON brought_file (staff_id, brought_at);

-- What an import of it would do: counts, shapes, and what is wrong; never a value. The vault alone writes it.
CREATE TABLE file_look (
    file_id uuid PRIMARY KEY REFERENCES brought_file,
    state text NOT NULL CHECK (state IN ('looking', 'looked', 'refused')),  -- core.conversations.brought_files
    rows_done integer NOT NULL DEFAULT 0 CHECK (rows_done >= 0),
    rows_about integer NOT NULL DEFAULT 0 CHECK (rows_about >= 0),
    added integer NOT NULL DEFAULT 0,
    duplicates integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    found jsonb NOT NULL DEFAULT '{}',                    -- core.vault.looks.Found
    problem text,
    began_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'looking') = (ended_at IS NULL)),
    CHECK ((state = 'refused') = (problem IS NOT NULL))
);
CREATE INDEX file_look_open ON file_look (moved_at) WHERE state = 'looking';

-- Which party took a batch off sale, none: the store itself; its owner does not undo what others did.
ALTER TABLE batch ADD COLUMN locked_by bigint REFERENCES party;

-- Somebody takes an import back: the vault does it.
ALTER TABLE restock ADD COLUMN cancel_asked_at timestamptz;

-- What the platform has decided about the contested cards of a batch, until the vault has carried it out.
CREATE TABLE contested_wish (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    batch_id uuid NOT NULL REFERENCES batch,
    given_to text NOT NULL CHECK (given_to IN ('earlier', 'later')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    asked_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'refused')),
    decided integer,
    held integer,
    sold integer,
    ended_at timestamptz,
    CHECK ((state = 'asked') = (ended_at IS NULL)),
    CHECK ((state = 'done') = (num_nonnulls(decided, held, sold) = 3))
);
CREATE UNIQUE INDEX contested_wish_open ON contested_wish (batch_id) WHERE state = 'asked';

GRANT SELECT ON brought_file, file_look, contested_wish TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON brought_file, contested_wish TO keystall_shop;
GRANT UPDATE (restock_id, left_at) ON brought_file TO keystall_shop;
GRANT UPDATE (cancel_asked_at) ON restock TO keystall_shop;
GRANT UPDATE (locked_by) ON batch TO keystall_shop, keystall_worker;
GRANT INSERT, UPDATE ON file_look TO keystall_vault;
GRANT UPDATE (state, decided, held, sold, ended_at) ON contested_wish TO keystall_worker;

-- What the panel reads of it: rows of the own party; contested cards are the platform's alone.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('brought_file', 'party_id = panel_party()'),
            ('file_look', 'EXISTS (SELECT 1 FROM brought_file f WHERE f.id = file_id)'),
            ('import_refusal', 'EXISTS (SELECT 1 FROM import_job j JOIN batch b ON b.id = j.batch_id WHERE j.id = job_id)'),
            ('contested_wish', 'false')
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
GRANT SELECT (id, staff_id, party_id, sku_id, upload_id, secret_column, brought_at, restock_id, left_at) ON brought_file
    TO keystall_panel;
GRANT SELECT ON file_look, import_refusal TO keystall_panel;
GRANT SELECT (id, staff_id, batch_id, given_to, reason, asked_at, state, decided, held, sold, ended_at) ON contested_wish
    TO keystall_panel;
GRANT SELECT (id, file_name, size, created_at) ON upload TO keystall_panel;
GRANT SELECT (id, restock_id, batch_id, state, rows_done, rows_about, added, duplicates, refused, error, created_at,
              moved_at, finished_at) ON import_job TO keystall_panel;
GRANT SELECT (locked_by) ON batch TO keystall_panel;
GRANT SELECT (id, party_id, staff_id, state, added, duplicates, refused, problem, asked_at, ended_at, cancel_asked_at) ON restock
    TO keystall_panel;
