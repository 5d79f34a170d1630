-- Pick-up codes: who is told by a text message or a letter gets an order's cards once, in any chat of the merchant.

-- Minted by the worker as it sends it. Keyed hashes: whoever reads the table cannot try the code out. The proof stands
-- over all but the tries, so nobody makes a code, moves one to another order or lengthens it by writing here; and the
-- vault looks whether the address was confirmed, by somebody who may read the order.
CREATE TABLE pickup_code (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES shop_order,
    part_hash bytea NOT NULL CHECK (octet_length(part_hash) = 32),  -- of the first signs, by which it is found
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > made_at),
    contact_id uuid NOT NULL,                 -- the address that it was sent to, as that was confirmed
    contact_identity_id uuid NOT NULL,
    contact_chat text NOT NULL,
    contact_hash bytea NOT NULL CHECK (octet_length(contact_hash) = 32),
    contact_confirmed_at timestamptz NOT NULL,
    contact_seal bytea NOT NULL CHECK (octet_length(contact_seal) = 32),
    wrong smallint NOT NULL DEFAULT 0 CHECK (wrong BETWEEN 0 AND 5),  -- tries that began like it; the vault counts
    proof bytea NOT NULL CHECK (octet_length(proof) = 32)
);
CREATE INDEX pickup_code_part ON pickup_code (part_hash);
CREATE INDEX pickup_code_order ON pickup_code (order_id);
CREATE INDEX pickup_code_expires ON pickup_code (expires_at);

-- Somebody typed a code in a chat. Sealed to the vault, in a context that names this row and this chat; deleted when
-- it was looked at.
CREATE TABLE pickup_wish (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversation,
    sealed_code bytea NOT NULL CHECK (octet_length(sealed_code) BETWEEN 1000 AND 2000),
    asked_at timestamptz NOT NULL
);
CREATE INDEX pickup_wish_asked ON pickup_wish (asked_at);

-- A code was exchanged, once and for ever, whether its own row is still there or not. Written and sealed by the vault.
CREATE TABLE pickup_use (
    code_id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES shop_order,
    conversation_id uuid NOT NULL REFERENCES conversation,
    identity_id uuid NOT NULL,
    chat_address text NOT NULL,
    used_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32)
);
CREATE INDEX pickup_use_order ON pickup_use (order_id);
CREATE INDEX pickup_use_conversation ON pickup_use (conversation_id);

-- Wrong codes of one account or one network, counted by the vault, so that nobody tries them out.
CREATE TABLE pickup_guess (
    asker text PRIMARY KEY CHECK (length(asker) BETWEEN 1 AND 200),
    wrong integer NOT NULL CHECK (wrong >= 0),
    first_at timestamptz NOT NULL
);
CREATE INDEX pickup_guess_first ON pickup_guess (first_at);

-- shop adds wishes and sees who has used a code for which order; it reads no code, no wish and no guess.
GRANT INSERT (id, conversation_id, sealed_code, asked_at) ON pickup_wish TO keystall_shop;
GRANT SELECT (order_id, conversation_id) ON pickup_use TO keystall_shop, keystall_worker;
GRANT INSERT (id, order_id, part_hash, code_hash, made_at, expires_at, contact_id, contact_identity_id, contact_chat,
    contact_hash, contact_confirmed_at, contact_seal, proof) ON pickup_code TO keystall_worker;
GRANT SELECT (id, order_id, expires_at) ON pickup_code TO keystall_worker;
GRANT SELECT (id, conversation_id, asked_at) ON pickup_wish TO keystall_worker;
GRANT SELECT (asker, first_at) ON pickup_guess TO keystall_worker;
GRANT DELETE ON pickup_code, pickup_wish, pickup_guess TO keystall_worker;
GRANT SELECT ON pickup_code, pickup_wish, pickup_use, pickup_guess TO keystall_vault;
GRANT UPDATE (wrong) ON pickup_code TO keystall_vault;
GRANT INSERT ON pickup_use, pickup_guess TO keystall_vault;
GRANT UPDATE (wrong, first_at) ON pickup_guess TO keystall_vault;
