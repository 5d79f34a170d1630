-- The floor: what the installation is, submissions, the queue, the audit, things to tell people.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    kind text NOT NULL CHECK (kind IN ('production', 'demo', 'test')),
    vault_id uuid NOT NULL,
    sandbox_public_key bytea CHECK (octet_length(sandbox_public_key) = 32),  -- Ed25519; the worker signs sandbox notices
    opening_budget_per_hour integer CHECK (opening_budget_per_hour > 0),     -- honoured only where kind <> 'production'
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (kind <> 'production' OR (sandbox_public_key IS NULL AND opening_budget_per_hour IS NULL))
);
COMMENT ON TABLE installation IS 'Written once by the owner when the database is made; every process reads it';

CREATE TABLE currency (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z]{3,5}$'),
    exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 6),
    greatest_minor bigint NOT NULL CHECK (greatest_minor BETWEEN 1 AND 1000000000000000)
);
INSERT INTO currency VALUES
    ('CNY', 2, 1000000000000000), ('USD', 2, 1000000000000000), ('JPY', 0, 1000000000000000),
    ('XTR', 0, 1000000000000000), ('USDT', 6, 1000000000000000);

CREATE TABLE submission (
    merchant_id bigint NOT NULL,
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_hash bytea NOT NULL,
    reference uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, caller, operation, key)
);

-- huey's tables (its own names, made here because the roles that use it create nothing).
CREATE TABLE keystall_task (
    id bigserial PRIMARY KEY,
    queue text NOT NULL,
    data bytea NOT NULL CHECK (octet_length(data) <= 4096),
    priority double precision NOT NULL DEFAULT 0.0,
    queued_at timestamptz NOT NULL DEFAULT now()             -- ours: how long the oldest waits
);
CREATE INDEX keystall_task_queue_priority_id ON keystall_task (queue, priority DESC, id);
CREATE TABLE keystall_schedule (
    id bigserial PRIMARY KEY, queue text NOT NULL, data bytea NOT NULL, timestamp double precision NOT NULL
);
CREATE INDEX keystall_schedule_queue_timestamp ON keystall_schedule (queue, timestamp);
CREATE TABLE keystall_kv (
    queue text NOT NULL, key text NOT NULL, value bytea NOT NULL, PRIMARY KEY (queue, key)
);
CREATE TABLE keystall_counter (
    queue text NOT NULL, key text NOT NULL, value bigint NOT NULL DEFAULT 0, PRIMARY KEY (queue, key)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

CREATE TABLE audit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    party_id bigint,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entry_object ON audit_entry (object_kind, object_id);
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Things to tell people: typed ids, no foreign keys, no secrets. A conversation numbers its own messages.
CREATE TABLE message_counter (
    conversation_id uuid PRIMARY KEY,
    last_seq bigint NOT NULL DEFAULT 0
);
CREATE TABLE message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,                       -- core.messages.MessageKind
    body jsonb NOT NULL DEFAULT '{}',         -- ids and card tokens only (INV-K1)
    created_at timestamptz NOT NULL
);
CREATE INDEX message_conversation ON message (conversation_id, seq);
CREATE TABLE sealed_answer (
    message_id bigint NOT NULL,
    session_id uuid NOT NULL,
    sealed bytea NOT NULL,                    -- cards sealed to the session's key, which only its bearer token yields
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, session_id)
);

-- Counts that may be lost, while Redis is away.
CREATE UNLOGGED TABLE throttle (
    name text NOT NULL,
    period bigint NOT NULL,
    hits integer NOT NULL,
    PRIMARY KEY (name, period)
);
