-- Who is signed in to the panel, and the second factor that the vault alone can check.

-- The secret of a session is in its cookie; here is its hash. A session that proved more gets another secret: what was
-- known before opens nothing then. It ends by itself 30 minutes after it was last seen, and 12 hours after it began.
CREATE TABLE staff_session (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,  -- for which party this person acts in it
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    browser text NOT NULL CHECK (length(browser) <= 80),  -- as its owner knows it again: Chrome, Windows
    network text NOT NULL CHECK (length(network) <= 64),  -- the address it came from, its last part left out
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    second_at timestamptz,  -- when a second factor was proved in it last
    ended_at timestamptz,
    CHECK (ends_at > created_at),
    CHECK (second_at IS NULL OR second_at >= created_at)
);
CREATE INDEX staff_session_open ON staff_session (staff_id, seen_at) WHERE ended_at IS NULL;

-- Wrong passwords per address and per network; kept apart from what may be lost, since a guesser would wait for that.
CREATE TABLE sign_in_try (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),  -- a hash of "address …" or "network …"
    wrong integer NOT NULL CHECK (wrong > 0),
    since timestamptz NOT NULL,
    blocked_until timestamptz
);

-- Time-based one-time passwords (RFC 6238). The seed is sealed to the vault, which alone writes here: who has the
-- database cannot give a person another seed, and a code is used once.
CREATE TABLE staff_totp (
    staff_id uuid PRIMARY KEY REFERENCES staff,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL,
    confirmed_at timestamptz,  -- since when it is asked for: a first right code was shown
    last_step bigint NOT NULL DEFAULT 0,
    wrong integer NOT NULL DEFAULT 0 CHECK (wrong >= 0),
    blocked_until timestamptz
);

GRANT SELECT, INSERT ON staff_session TO keystall_shop;
GRANT UPDATE (party_id, secret_hash, seen_at, second_at, ended_at) ON staff_session TO keystall_shop;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_try TO keystall_shop;
GRANT SELECT, DELETE ON staff_session, sign_in_try TO keystall_worker;
GRANT SELECT (staff_id, made_at, confirmed_at) ON staff_totp TO keystall_shop;
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_totp TO keystall_vault;
REVOKE ALL ON staff_session, sign_in_try FROM keystall_vault;
