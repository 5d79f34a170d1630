-- Restocking: who of the staff is bound to which private chat, and the files that came by it or by the panel.

-- A one-time code that binds a chat. Keyed: whoever reads or writes the table can neither tell nor make one.
CREATE TABLE staff_code (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at timestamptz                       -- used, or replaced by another
);
CREATE UNIQUE INDEX staff_code_open ON staff_code (staff_id, party_id) WHERE used_at IS NULL;

-- The private chat in which a member of staff acts for a party. Sealed with the order-seal key, the chat's own address
-- included: a row that somebody else wrote, or another chat put in its place, binds nobody.
CREATE TABLE staff_chat (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,
    conversation_id uuid NOT NULL REFERENCES conversation,
    chat_address text NOT NULL,               -- as the platform named it in the message that brought the code
    bound_at timestamptz NOT NULL,
    ended_at timestamptz CHECK (ended_at >= bound_at),
    seal bytea NOT NULL CHECK (octet_length(seal) = 32)
);
CREATE UNIQUE INDEX staff_chat_conversation ON staff_chat (conversation_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX staff_chat_staff ON staff_chat (staff_id, party_id) WHERE ended_at IS NULL;

-- One file, or lines as a file, with cards. Everything the vault needs to know of it stands under the seal.
CREATE TABLE restock (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,      -- whose pool the cards join
    sku_id bigint NOT NULL REFERENCES sku,
    unit_cost_micro bigint NOT NULL CHECK (unit_cost_micro BETWEEN 0 AND 1000000000000000),
    upload_id uuid NOT NULL UNIQUE REFERENCES upload,
    conversation_id uuid REFERENCES conversation,   -- none: by the panel, which nobody is told of
    submission text NOT NULL,                       -- the message or form that brought it: heard twice, asked once
    secret_column text CHECK (length(secret_column) BETWEEN 1 AND 200),  -- of the file, where a person named one
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'refused')),  -- core.conversations.restocking
    added integer,
    duplicates integer,
    refused integer,
    problem text,
    asked_at timestamptz NOT NULL,
    ended_at timestamptz,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    UNIQUE (conversation_id, submission),
    CONSTRAINT restock_ends CHECK (CASE state
        WHEN 'asked' THEN num_nonnulls(ended_at, added, duplicates, refused, problem) = 0
        WHEN 'done' THEN num_nonnulls(ended_at, added, duplicates, refused) = 4
        ELSE num_nonnulls(ended_at, problem) = 2 AND num_nonnulls(added, duplicates, refused) = 0 END)
);
CREATE UNIQUE INDEX restock_form ON restock (staff_id, submission) WHERE conversation_id IS NULL;
CREATE INDEX restock_staff ON restock (staff_id, asked_at);
CREATE INDEX restock_asked ON restock (asked_at) WHERE state = 'asked';

-- The import of a restock, at most one ever; written by the vault, which counts its quota by it.
ALTER TABLE import_job ADD COLUMN restock_id uuid UNIQUE REFERENCES restock;

GRANT SELECT ON staff_code, staff_chat, restock TO keystall_shop, keystall_worker;
GRANT SELECT ON staff_chat, restock TO keystall_vault;
GRANT SELECT (id, disabled_at) ON staff TO keystall_vault;
GRANT INSERT ON staff_code, staff_chat, restock TO keystall_shop;
GRANT UPDATE (used_at) ON staff_code TO keystall_shop;
GRANT UPDATE (ended_at) ON staff_chat TO keystall_shop;
GRANT UPDATE (state, added, duplicates, refused, problem, ended_at) ON restock TO keystall_worker;
