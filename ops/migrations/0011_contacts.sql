-- Addresses outside the chats where shoppers want to hear from the shop, and what an operator must be told.

-- Sealed with the order-seal key: the vault exchanges no pick-up code that went to an address which was only written.
CREATE TABLE contact (
    id uuid PRIMARY KEY,
    shopper_id uuid NOT NULL,
    merchant_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('email', 'phone')),  -- core.members.contacts.ContactKind
    address text NOT NULL CHECK (length(address) BETWEEN 3 AND 254),  -- personal: shop and worker read it, nobody else
    identity_id uuid NOT NULL,                -- who confirmed it, and in which private chat
    chat_address text NOT NULL,
    confirmed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),  -- over all but the shopper: core.vault.contacts
    FOREIGN KEY (shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    FOREIGN KEY (identity_id, merchant_id) REFERENCES identity (id, merchant_id),
    UNIQUE (shopper_id, kind)
);

-- One wish to confirm an address. The worker mints the code as it sends it; only its hash is kept.
CREATE TABLE contact_code (
    id uuid PRIMARY KEY,
    shopper_id uuid NOT NULL,
    merchant_id bigint NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversation,
    kind text NOT NULL CHECK (kind IN ('email', 'phone')),
    address text NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
    code_hash bytea CHECK (octet_length(code_hash) = 32),
    tries_left smallint NOT NULL DEFAULT 3 CHECK (tries_left BETWEEN 0 AND 3),
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > asked_at),
    used_at timestamptz,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),  -- over its chat and the address
    network text NOT NULL DEFAULT '',         -- a keyed hash of where it was asked from; empty where none is seen
    FOREIGN KEY (shopper_id, merchant_id) REFERENCES shopper (id, merchant_id)
);
CREATE INDEX contact_identity ON contact (identity_id);
CREATE INDEX contact_code_shopper ON contact_code (shopper_id, asked_at);
CREATE INDEX contact_code_address ON contact_code (address, asked_at);
CREATE INDEX contact_code_merchant ON contact_code (merchant_id, asked_at);
CREATE INDEX contact_code_unsent ON contact_code (asked_at) WHERE code_hash IS NULL;

-- What a person must see. A second one about the same thing counts on the first until that was told.
CREATE TABLE alert (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('line_refunded',   -- core.messages.alerts.AlertKind
        'forged_work', 'delivery_held', 'vault_away', 'channel_misconfigured', 'channel_blocked', 'message_refused',
        'event_lost', 'refund_unknown', 'audit_broken', 'cards_contested', 'supplier_trouble')),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),  -- what it is about: an id, never a person
    detail jsonb NOT NULL DEFAULT '{}',       -- ids, codes and figures
    seen integer NOT NULL DEFAULT 1 CHECK (seen > 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    taken_until timestamptz,                  -- while a worker tells it
    told_at timestamptz
);
CREATE UNIQUE INDEX alert_open ON alert (kind, subject) WHERE told_at IS NULL;
CREATE INDEX alert_told ON alert (kind, told_at);
CREATE INDEX alert_first ON alert (first_at);

GRANT SELECT ON contact, contact_code, alert TO keystall_shop, keystall_worker;
GRANT INSERT, DELETE ON contact TO keystall_shop;
GRANT UPDATE (id, shopper_id, identity_id, chat_address, address, confirmed_at, seal) ON contact TO keystall_shop;
GRANT INSERT ON contact_code TO keystall_shop;
GRANT UPDATE (tries_left, used_at) ON contact_code TO keystall_shop;
GRANT UPDATE (code_hash) ON contact_code TO keystall_worker;
GRANT DELETE ON contact, contact_code TO keystall_worker;
GRANT INSERT ON alert TO keystall_shop, keystall_worker;
GRANT UPDATE (seen, last_at, detail) ON alert TO keystall_shop, keystall_worker;
GRANT UPDATE (taken_until, told_at) ON alert TO keystall_worker;
GRANT DELETE ON alert TO keystall_worker;
