-- What a buyer has to tell for goods that a person sees to (代充), and the tasks of those persons.

CREATE TABLE buyer_field (
    sku_id bigint NOT NULL REFERENCES sku,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,29}$'),
    position smallint NOT NULL,
    labels jsonb NOT NULL,                    -- {"zh-CN": …, "en": …}
    format text NOT NULL CHECK (format IN ('digits', 'phone', 'account', 'text')),
    is_secret boolean NOT NULL,
    PRIMARY KEY (sku_id, name),
    UNIQUE (sku_id, position)
);

-- What was given for a line. A secret one is sealed to the vault's public key at the door, in a context that names
-- order, line and field: who reads or moves the row can do nothing with it, the door that sealed it included.
CREATE TABLE line_field (
    line_id uuid NOT NULL REFERENCES order_line,
    name text NOT NULL,
    text text CHECK (length(text) BETWEEN 1 AND 200),
    sealed bytea CHECK (octet_length(sealed) BETWEEN 1000 AND 4000),
    given_at timestamptz NOT NULL,
    wiped_at timestamptz CHECK (wiped_at >= given_at),
    PRIMARY KEY (line_id, name),
    CHECK ((text IS NULL) <> (sealed IS NULL) OR wiped_at IS NOT NULL),
    CHECK (wiped_at IS NULL OR sealed IS NULL)
);
CREATE INDEX line_field_sealed ON line_field (given_at) WHERE sealed IS NOT NULL;

-- A line that a person sees to. Made when somebody takes it; one line has one task, which one person holds.
CREATE TABLE task (
    id uuid PRIMARY KEY,
    line_id uuid NOT NULL UNIQUE REFERENCES order_line,
    order_id uuid NOT NULL REFERENCES shop_order,
    merchant_id bigint NOT NULL REFERENCES party,
    staff_id uuid REFERENCES staff,           -- who holds it; nobody after it was given back
    taken_at timestamptz,
    opened_at timestamptz,                    -- the vault showed its secret fields to who holds it, once
    done_at timestamptz,
    CHECK ((staff_id IS NULL) = (taken_at IS NULL)),
    CHECK (opened_at IS NULL OR staff_id IS NOT NULL),
    CHECK (done_at IS NULL OR staff_id IS NOT NULL)
);
CREATE INDEX task_done ON task (done_at) WHERE done_at IS NOT NULL;

-- shop writes what is sealed and never reads it again; only the vault does.
GRANT SELECT ON buyer_field TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT, UPDATE, DELETE ON buyer_field TO keystall_shop;
GRANT INSERT ON line_field TO keystall_shop;
GRANT UPDATE (text, sealed, given_at) ON line_field TO keystall_shop;
GRANT SELECT (line_id, name, text, given_at, wiped_at) ON line_field TO keystall_shop;
GRANT SELECT (line_id, name, given_at, wiped_at) ON line_field TO keystall_worker;
GRANT UPDATE (text, sealed, wiped_at) ON line_field TO keystall_worker;
GRANT SELECT ON line_field, task TO keystall_vault;
GRANT UPDATE (opened_at) ON task TO keystall_vault;
GRANT SELECT ON task TO keystall_shop, keystall_worker;
GRANT INSERT ON task TO keystall_shop;
GRANT UPDATE (staff_id, taken_at, opened_at, done_at) ON task TO keystall_shop;
