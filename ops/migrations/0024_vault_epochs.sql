-- Versions of the vault's key, data keys made anew, and databases that were restored from a backup.

CREATE TABLE vault_key (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
    made_at timestamptz NOT NULL,             -- when the vault first had it
    current_since timestamptz,                -- NULL: made, and nothing was sealed with it yet
    replaced_at timestamptz,
    retired_at timestamptz                    -- its private key is not here any more
);
COMMENT ON TABLE vault_key IS 'Which versions there were, and when; the keys themselves are files of the vault';

-- While a batch gets a new data key its cards are sealed with either, and the vault has signed the batch with both.
ALTER TABLE batch_key
    ADD COLUMN dek_made_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN next_sealed_dek bytea,
    ADD COLUMN next_signature bytea,
    ADD CONSTRAINT batch_key_next_is_signed CHECK ((next_sealed_dek IS NULL) = (next_signature IS NULL));
CREATE INDEX batch_key_next ON batch_key (batch_no) WHERE next_sealed_dek IS NOT NULL;
CREATE INDEX batch_key_version ON batch_key (vault_key_id, batch_no);

CREATE TABLE vault_rekey (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    last_card uuid,                           -- the cards up to this one are done, of this walk over all of them
    cards bigint NOT NULL DEFAULT 0 CHECK (cards >= 0),
    broken bigint NOT NULL DEFAULT 0 CHECK (broken >= 0),
    finished_at timestamptz
);
CREATE UNIQUE INDEX vault_rekey_one ON vault_rekey ((true)) WHERE finished_at IS NULL;

-- A signature of a batch is made once; another takes its place only with the data key that it was made for.
CREATE FUNCTION batch_key_signed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.signature IS NOT NULL AND NEW.signature IS DISTINCT FROM OLD.signature
       AND (OLD.next_signature IS NULL OR NEW.signature IS DISTINCT FROM OLD.next_signature
            OR NEW.sealed_dek <> OLD.next_sealed_dek OR NEW.next_sealed_dek IS NOT NULL) THEN
        RAISE EXCEPTION 'a signed batch stays signed' USING ERRCODE = '23514', CONSTRAINT = 'batch_key_signed_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER batch_key_signed_once BEFORE UPDATE OF signature ON batch_key
    FOR EACH ROW WHEN (current_user = 'keystall_vault') EXECUTE FUNCTION batch_key_signed_once();

-- What a card was sealed as never changes, but for the key: and that only while its batch has a second one.
CREATE FUNCTION card_seal_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM card c JOIN batch_key k ON k.batch_no = c.batch_no
                   WHERE c.id = OLD.card_id AND k.next_sealed_dek IS NOT NULL) THEN
        RAISE EXCEPTION 'a sealed card stays as it is' USING ERRCODE = '23514', CONSTRAINT = 'card_seal_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_seal_fixed BEFORE UPDATE OF sealed ON card_seal
    FOR EACH ROW WHEN (current_user = 'keystall_vault') EXECUTE FUNCTION card_seal_fixed();

GRANT SELECT, INSERT, UPDATE ON vault_key, vault_rekey TO keystall_vault;
GRANT UPDATE (sealed) ON card_seal TO keystall_vault;

-- Which backups were made here, so that somebody notices when none are; written by the owner, as is the file.
CREATE TABLE backup_made (
    id uuid PRIMARY KEY,
    made_at timestamptz NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    file text NOT NULL
);
GRANT SELECT ON backup_made TO keystall_shop, keystall_worker, keystall_vault;

-- A restored database is behind what went out. Until somebody has seen to that, the vault opens nothing.
CREATE TABLE vault_epoch (
    id uuid PRIMARY KEY,
    restored_at timestamptz NOT NULL,
    backup_id uuid NOT NULL,
    backup_made_at timestamptz NOT NULL,
    log_bytes bigint NOT NULL CHECK (log_bytes >= 0),  -- how long the opening log was when the backup was made
    log_sha256 text NOT NULL,                          -- of so much of it: whether the log here is the same one
    was_never_whole boolean NOT NULL DEFAULT false,    -- found of a restore that this backup has as not yet released
    log_is_whole boolean,                              -- what the vault found; NULL: it has not looked yet
    log_until timestamptz,                             -- of the log's last entry; NULL: it had none
    marked_at timestamptz,                             -- when it had gone through the log
    released_at timestamptz,
    CHECK ((log_is_whole IS NULL) = (marked_at IS NULL)),
    CHECK (released_at IS NULL OR marked_at IS NOT NULL)
);
CREATE UNIQUE INDEX vault_epoch_one ON vault_epoch ((true)) WHERE released_at IS NULL;

-- Cards that the log says went out after the backup.
CREATE TABLE epoch_opening (
    epoch_id uuid NOT NULL REFERENCES vault_epoch,
    card_id uuid NOT NULL,
    line_id uuid NOT NULL,                    -- for which it was opened; the order may be gone
    opened_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('resumed', 'set_aside', 'gone')),
    PRIMARY KEY (epoch_id, card_id)
);
CREATE INDEX epoch_opening_card ON epoch_opening (card_id);
COMMENT ON COLUMN epoch_opening.outcome IS
    'resumed: of the same line, sent again; set_aside: never sold again; gone: imported after the backup, see lost_card';

-- Cards that were imported and sold after the backup: a file that brings them again brings duplicates.
CREATE TABLE lost_card (
    fingerprint bytea PRIMARY KEY,
    card_id uuid NOT NULL,
    opened_at timestamptz NOT NULL
);

-- Payments that may have come in after the backup, each asked about once more.
CREATE TABLE epoch_payment (
    payment_id uuid PRIMARY KEY REFERENCES payment,
    epoch_id uuid NOT NULL REFERENCES vault_epoch,
    answered_at timestamptz
);
-- Gateways whose own list somebody has compared: money for orders that are gone shows nowhere else.
CREATE TABLE epoch_gateway (
    epoch_id uuid NOT NULL REFERENCES vault_epoch,
    gateway_account_id bigint NOT NULL REFERENCES gateway_account,
    compared_at timestamptz,
    PRIMARY KEY (epoch_id, gateway_account_id)
);

-- What went out before the database was restored is never on sale again, whoever asks.
CREATE FUNCTION card_went_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM epoch_opening WHERE card_id = OLD.id AND outcome = 'set_aside') THEN
        RAISE EXCEPTION 'this card went out before the database was restored'
            USING ERRCODE = '23514', CONSTRAINT = 'card_went_out';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_went_out BEFORE UPDATE OF state ON card
    FOR EACH ROW WHEN (OLD.state = 'quarantined' AND NEW.state NOT IN ('quarantined', 'void'))
    EXECUTE FUNCTION card_went_out();

GRANT SELECT ON vault_epoch, epoch_opening, epoch_gateway, lost_card TO keystall_vault;
GRANT UPDATE (log_is_whole, log_until, marked_at, released_at) ON vault_epoch TO keystall_vault;
GRANT INSERT ON epoch_opening, lost_card TO keystall_vault;
GRANT UPDATE (compared_at) ON epoch_gateway TO keystall_vault;
GRANT SELECT, UPDATE (answered_at) ON epoch_payment TO keystall_vault;
GRANT SELECT, UPDATE (answered_at) ON epoch_payment TO keystall_shop, keystall_worker;
GRANT SELECT (id, restored_at, released_at) ON vault_epoch TO keystall_shop, keystall_worker;
GRANT SELECT (card_id, outcome) ON epoch_opening TO keystall_shop, keystall_worker;
