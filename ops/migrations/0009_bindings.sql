-- One shopper across channels: accounts bound by a code that was confirmed on both sides, and let go again.

-- A shopper who became a part of another keeps the row, for the books and the audit, and nothing else.
ALTER TABLE shopper
    ADD COLUMN merged_into uuid,
    ADD CONSTRAINT shopper_merged_into FOREIGN KEY (merged_into, merchant_id) REFERENCES shopper (id, merchant_id),
    ADD CONSTRAINT shopper_merged_elsewhere CHECK (merged_into <> id);

-- An identity takes its conversation and its orders along.
ALTER TABLE identity ADD UNIQUE (id, merchant_id);
CREATE INDEX identity_shopper ON identity (shopper_id);
CREATE INDEX conversation_shopper ON conversation (shopper_id);
ALTER TABLE conversation
    DROP CONSTRAINT conversation_identity_id_shopper_id_merchant_id_fkey,
    ADD CONSTRAINT conversation_identity_id_shopper_id_merchant_id_fkey FOREIGN KEY (identity_id, shopper_id, merchant_id)
        REFERENCES identity (id, shopper_id, merchant_id) ON UPDATE CASCADE;
ALTER TABLE shop_order
    DROP CONSTRAINT shop_order_identity_id_shopper_id_merchant_id_fkey,
    ADD CONSTRAINT shop_order_identity_id_shopper_id_merchant_id_fkey FOREIGN KEY (identity_id, shopper_id, merchant_id)
        REFERENCES identity (id, shopper_id, merchant_id) ON UPDATE CASCADE;

-- Nothing new refers to a merged shopper. The lock waits for a merge that is under way.
CREATE FUNCTION shopper_is_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM shopper WHERE id = NEW.shopper_id AND merged_into IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this shopper is a part of another' USING ERRCODE = '23514', CONSTRAINT = 'shopper_is_one';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER identity_shopper_is_one BEFORE INSERT OR UPDATE OF shopper_id ON identity
    FOR EACH ROW EXECUTE FUNCTION shopper_is_one();
CREATE TRIGGER payment_shopper_is_one BEFORE INSERT OR UPDATE OF shopper_id ON payment
    FOR EACH ROW EXECUTE FUNCTION shopper_is_one();

-- Two accounts that belong to one shopper since `bound_at`. Sealed with the order-seal key: the vault follows no other.
CREATE TABLE binding (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL,
    kept_shopper_id uuid NOT NULL,
    merged_shopper_id uuid UNIQUE,            -- none where both accounts had the same shopper before
    kept_identity_id uuid NOT NULL,
    kept_address text NOT NULL,               -- the private chat of that identity
    merged_identity_id uuid NOT NULL,
    merged_address text NOT NULL,
    bound_at timestamptz NOT NULL,
    ended_at timestamptz,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    FOREIGN KEY (kept_shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    FOREIGN KEY (merged_shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    FOREIGN KEY (kept_identity_id, merchant_id) REFERENCES identity (id, merchant_id),
    FOREIGN KEY (merged_identity_id, merchant_id) REFERENCES identity (id, merchant_id),
    CONSTRAINT binding_of_two CHECK (kept_identity_id <> merged_identity_id AND kept_shopper_id <> merged_shopper_id),
    CONSTRAINT binding_ends_later CHECK (ended_at >= bound_at)
);
CREATE INDEX binding_kept ON binding (kept_identity_id);
CREATE INDEX binding_merged ON binding (merged_identity_id);
CREATE INDEX binding_kept_shopper ON binding (kept_shopper_id);

-- A binding ends once; else an old row with its old seal could be brought back.
CREATE FUNCTION binding_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
       OR (to_jsonb(NEW) - 'ended_at' - 'seal') IS DISTINCT FROM (to_jsonb(OLD) - 'ended_at' - 'seal') THEN
        RAISE EXCEPTION 'a binding only ends' USING ERRCODE = '23514', CONSTRAINT = 'binding_only_ends';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER binding_only_ends BEFORE UPDATE OR DELETE ON binding
    FOR EACH ROW EXECUTE FUNCTION binding_only_ends();

-- The wish of one account to be bound, its code, and who entered it. One an account; a shopper has one that is open.
CREATE TABLE binding_request (
    id uuid PRIMARY KEY,                      -- new with every code
    merchant_id bigint NOT NULL,
    asked_identity_id uuid NOT NULL UNIQUE,
    asked_conversation_id uuid NOT NULL,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),  -- keyed: 40 bits alone could be tried out
    asked_at timestamptz NOT NULL,
    tries smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 3),       -- how many chats have entered the code
    claim_id uuid UNIQUE,                     -- new with every chat that enters it: what both sides agree to
    claimed_identity_id uuid,
    claimed_conversation_id uuid,
    claimed_at timestamptz,
    asked_agreement bytea CHECK (octet_length(asked_agreement) = 32),      -- keyed: nobody agrees by writing here
    claimed_agreement bytea CHECK (octet_length(claimed_agreement) = 32),
    ended_at timestamptz,                     -- bound, declined, or replaced by another code
    FOREIGN KEY (asked_identity_id, merchant_id) REFERENCES identity (id, merchant_id),
    FOREIGN KEY (asked_conversation_id, merchant_id) REFERENCES conversation (id, merchant_id),
    FOREIGN KEY (claimed_identity_id, merchant_id) REFERENCES identity (id, merchant_id),
    FOREIGN KEY (claimed_conversation_id, merchant_id) REFERENCES conversation (id, merchant_id),
    CONSTRAINT binding_request_claimed CHECK (
        num_nonnulls(claim_id, claimed_identity_id, claimed_conversation_id, claimed_at) IN (0, 4)
        AND claimed_identity_id IS DISTINCT FROM asked_identity_id),
    CONSTRAINT binding_request_agreed CHECK (
        claim_id IS NOT NULL OR (asked_agreement IS NULL AND claimed_agreement IS NULL))
);

CREATE INDEX binding_request_asked ON binding_request (asked_conversation_id) WHERE ended_at IS NULL;
CREATE INDEX binding_request_claimed ON binding_request (claimed_conversation_id) WHERE ended_at IS NULL;

-- Wrong codes of one account, so that nobody tries them out.
CREATE TABLE binding_guess (
    identity_id uuid PRIMARY KEY REFERENCES identity,
    wrong smallint NOT NULL CHECK (wrong > 0),
    first_at timestamptz NOT NULL
);

GRANT SELECT ON binding TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON binding TO keystall_shop;
GRANT UPDATE (ended_at, seal) ON binding TO keystall_shop;
GRANT SELECT, INSERT, UPDATE ON binding_request, binding_guess TO keystall_shop;
