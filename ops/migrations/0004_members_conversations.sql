-- Shoppers and what they say.

CREATE TABLE shopper (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL REFERENCES party,
    locale text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'en')),
    paid_orders integer NOT NULL DEFAULT 0 CHECK (paid_orders >= 0),
    created_at timestamptz NOT NULL,
    UNIQUE (id, merchant_id)
);

CREATE TABLE identity (
    id uuid PRIMARY KEY,
    shopper_id uuid NOT NULL,
    merchant_id bigint NOT NULL,
    channel text NOT NULL CHECK (channel IN ('web', 'telegram', 'wechat', 'app')),
    external_id text NOT NULL,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    UNIQUE (merchant_id, channel, external_id),
    UNIQUE (id, shopper_id, merchant_id)
);

CREATE TABLE conversation (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL,
    shopper_id uuid NOT NULL,
    identity_id uuid NOT NULL UNIQUE,
    chat_address text NOT NULL,               -- where the private chat is: web:<identity>, telegram:<bot>:<chat>
    last_heard_at timestamptz,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (identity_id, shopper_id, merchant_id) REFERENCES identity (id, shopper_id, merchant_id),
    UNIQUE (id, merchant_id)
);

CREATE TABLE chat_session (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversation,
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    answer_public_key bytea NOT NULL,         -- derived from the bearer token; what the vault seals answers to
    network text NOT NULL,                    -- a keyed hash of the client's network, for quotas only
    start_seq bigint NOT NULL DEFAULT 0,      -- the conversation's message number when the session began
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32)  -- core.vault.sessions: the vault seals to no other key
);
CREATE INDEX chat_session_conversation ON chat_session (conversation_id);

CREATE TABLE inbox (
    source text NOT NULL,                     -- session:<uuid>, later telegram:<bot>, wechat:<account>
    event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
    conversation_id uuid NOT NULL REFERENCES conversation,
    body_hash bytea NOT NULL,
    sealed_body bytea,                        -- sealed with the inbox key; removed once handled
    sealed_answer bytea,                      -- the screens answered (card tokens only), sealed with the inbox key
    received_at timestamptz NOT NULL,
    handled_at timestamptz,
    PRIMARY KEY (source, event_id)
);
CREATE INDEX inbox_unhandled ON inbox (received_at) WHERE handled_at IS NULL;

CREATE TABLE button (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    conversation_id uuid NOT NULL REFERENCES conversation,
    intent text NOT NULL,                     -- bot.intents.Intent
    params jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX button_expires ON button (expires_at);

CREATE TABLE menu_sent (
    conversation_id uuid PRIMARY KEY REFERENCES conversation,
    options jsonb NOT NULL,                   -- what a bare number means: [{"intent": …, "params": …}, …]
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
