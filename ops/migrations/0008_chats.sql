-- Bots and official accounts of merchants, their credentials, and messages that we carry to a chat platform ourselves.

CREATE TABLE chat_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    opaque_id text NOT NULL UNIQUE CHECK (length(opaque_id) >= 16),  -- stands in the address of its callbacks
    channel text NOT NULL CHECK (channel IN ('telegram', 'wechat')),
    merchant_id bigint NOT NULL REFERENCES party,
    external_id text NOT NULL CHECK (external_id ~ '^[A-Za-z0-9_]{1,64}$'),  -- the bot's number, the app id
    username text NOT NULL DEFAULT '',        -- @name of a bot, gh_… of an official account
    names jsonb NOT NULL,                     -- {"zh-CN": …, "en": …}
    enabled boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',     -- nothing secret
    created_at timestamptz NOT NULL,
    UNIQUE (channel, external_id),
    UNIQUE (id, merchant_id)
);
CREATE INDEX chat_account_merchant ON chat_account (merchant_id);

-- Secrets of chat and gateway accounts, each sealed with the key of the processes that use it.
CREATE TABLE credential (
    account_kind text NOT NULL CHECK (account_kind IN ('chat', 'gateway', 'supplier')),
    account_id bigint NOT NULL,
    name text NOT NULL,                       -- token, webhook_secret, aes_key, app_secret, …
    opened_by text NOT NULL CHECK (opened_by IN ('verify', 'bot', 'act')),  -- core.connections.credentials.Holder
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_kind, account_id, name)
);

ALTER TABLE conversation
    ADD COLUMN chat_account_id bigint,
    ADD FOREIGN KEY (chat_account_id, merchant_id) REFERENCES chat_account (id, merchant_id),
    ADD CONSTRAINT conversation_account CHECK ((chat_account_id IS NULL) = (chat_address LIKE 'web:%'));

-- The one message of a chat that is edited in place.
CREATE TABLE living_message (
    conversation_id uuid PRIMARY KEY REFERENCES conversation,
    external_ref text NOT NULL,
    is_newest boolean NOT NULL DEFAULT true,  -- nothing was written below it since
    at timestamptz NOT NULL
);

-- Messages that another process than the one that took them in handles, in order per chat.
ALTER TABLE inbox
    ADD COLUMN arrival bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN waits boolean NOT NULL DEFAULT false,
    ADD COLUMN urgent boolean NOT NULL DEFAULT false,  -- not behind the others of its chat
    ADD COLUMN taken_until timestamptz,
    ADD COLUMN tries integer NOT NULL DEFAULT 0;
CREATE INDEX inbox_waiting ON inbox (conversation_id, arrival)
    WHERE waits AND handled_at IS NULL AND sealed_body IS NOT NULL;
CREATE INDEX inbox_queue ON inbox (source, arrival) INCLUDE (conversation_id)
    WHERE waits AND handled_at IS NULL AND sealed_body IS NOT NULL AND NOT urgent;
CREATE INDEX inbox_urgent ON inbox (source, arrival)
    WHERE waits AND handled_at IS NULL AND sealed_body IS NOT NULL AND urgent;
CREATE INDEX inbox_taken ON inbox (source, conversation_id, taken_until)
    WHERE waits AND handled_at IS NULL AND sealed_body IS NOT NULL AND NOT urgent AND taken_until IS NOT NULL;

-- What cleaning looks for.
CREATE INDEX inbox_bodies ON inbox (received_at) WHERE sealed_body IS NOT NULL;
CREATE INDEX inbox_ended ON inbox (received_at) WHERE sealed_body IS NULL;
CREATE INDEX chat_session_expires ON chat_session (expires_at);

-- One person at all bots of a merchant: core.conversations.chats.external_id.
CREATE INDEX identity_person ON identity (merchant_id, channel, split_part(external_id, ':', 1));

-- Where a conversation's unasked messages are carried to; NULL: its reader fetches them.
ALTER TABLE message_counter
    ADD COLUMN chat_address text,
    ADD COLUMN pen_until timestamptz;         -- while one sender writes in the chat

CREATE TABLE outgoing (
    message_id bigint PRIMARY KEY,
    conversation_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'sent', 'waiting', 'refused')),  -- core.messages.OutgoingState
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    otherwise_at timestamptz                  -- when it is told by another way, as its chat does not take it
);
CREATE INDEX outgoing_open ON outgoing (conversation_id, message_id) WHERE state <> 'sent';
CREATE INDEX outgoing_otherwise ON outgoing (otherwise_at) WHERE otherwise_at IS NOT NULL;
CREATE INDEX outgoing_due ON outgoing (due_at) WHERE state = 'ready';
CREATE INDEX outgoing_ended ON outgoing (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE send_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL,
    message_id bigint,                        -- none while the cards of a delivery are sent for the first time
    order_id uuid,
    way text NOT NULL,                        -- telegram, wechat, chat, email, sms
    outcome text NOT NULL,                    -- core.ports.SendOutcome
    problem text NOT NULL DEFAULT '',
    external_ref text,
    at timestamptz NOT NULL
);
CREATE INDEX send_attempt_order ON send_attempt (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX send_attempt_message ON send_attempt (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX send_attempt_at ON send_attempt (at);

-- A platform told us to be quiet: nothing is sent in this scope until then.
CREATE TABLE send_pause (
    scope text PRIMARY KEY,                   -- telegram:<account> or telegram:<account>:<chat>
    until timestamptz NOT NULL
);

-- 取卡: one wish to read a delivered line again in one chat; gone once it is answered.
CREATE TABLE reading (
    id uuid PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES delivery,
    conversation_id uuid NOT NULL REFERENCES conversation,
    asked_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL               -- when a sweep has it tried again
);
CREATE INDEX reading_asked ON reading (asked_at);
CREATE INDEX reading_due ON reading (due_at);

GRANT SELECT ON chat_account, credential, living_message, outgoing, send_attempt, send_pause, reading
    TO keystall_shop, keystall_worker;
GRANT SELECT ON chat_account, reading TO keystall_vault;
GRANT INSERT, UPDATE ON chat_account, credential TO keystall_shop;
GRANT INSERT, UPDATE, DELETE ON living_message, send_pause TO keystall_shop, keystall_worker;
GRANT INSERT, UPDATE ON outgoing TO keystall_shop, keystall_worker;
GRANT INSERT ON send_attempt, reading TO keystall_shop, keystall_worker;
GRANT UPDATE, DELETE ON reading TO keystall_shop, keystall_worker;
GRANT DELETE ON outgoing, send_attempt TO keystall_worker;
