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
