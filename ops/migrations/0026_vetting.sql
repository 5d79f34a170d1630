-- Imports are no oracle: what can be guessed counts as the same within one SKU of one uploader only, and whoever is not
-- vetted brings no more than so many rows a day.

-- How many bits a secret of this SKU has, where its issuer makes fewer than its length could hold; under 40 can be
-- guessed. It is part of what a fingerprint is made of, so it is said before the first cards come, and stays.
ALTER TABLE sku ADD COLUMN secret_bits integer CHECK (secret_bits BETWEEN 1 AND 1024);
CREATE FUNCTION sku_bits_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM batch WHERE sku_id = OLD.id) THEN
        RAISE EXCEPTION 'cards of this SKU were compared by its bits' USING ERRCODE = '23514', CONSTRAINT = 'sku_bits_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sku_bits_fixed BEFORE UPDATE OF secret_bits ON sku
    FOR EACH ROW WHEN (NEW.secret_bits IS DISTINCT FROM OLD.secret_bits) EXECUTE FUNCTION sku_bits_fixed();

-- Suppliers whom the platform knows; nobody but the vault writes it, so that one inside web cannot vet himself.
CREATE TABLE supplier_vetting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id bigint NOT NULL REFERENCES party,
    reason text NOT NULL,
    vetted_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX supplier_vetting_now ON supplier_vetting (party_id) WHERE ended_at IS NULL;
CREATE TABLE import_quota (
    party_id bigint NOT NULL REFERENCES party,
    day date NOT NULL,                                    -- of the store's zone
    rows integer NOT NULL CHECK (rows >= 0),              -- read for a supplier who is not vetted, dry runs among them
    PRIMARY KEY (party_id, day)
);
GRANT SELECT ON supplier_vetting TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT, UPDATE (ended_at, end_reason) ON supplier_vetting TO keystall_vault;
GRANT SELECT, INSERT, UPDATE (rows) ON import_quota TO keystall_vault;
