-- Checkpoints of the books: what is behind one is counted once, and what comes later is all that has to be read again.

-- Ids commit out of order: a transfer with a smaller id may still be under way when a larger one is visible. Each
-- statement that adds transfers holds this lock until its commit; who takes it alone knows that none is under way.
CREATE FUNCTION transfer_is_under_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7120);
    RETURN NULL;
END $$;
CREATE TRIGGER transfer_horizon BEFORE INSERT ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION transfer_is_under_way();

-- A period is a range of transfer ids: from the checkpoint before, exclusive, to this one's, inclusive.
CREATE TABLE checkpoint (
    number bigint PRIMARY KEY CHECK (number >= 1),
    at timestamptz NOT NULL,
    last_transfer_id bigint NOT NULL,
    last_audit_id bigint NOT NULL CHECK (last_audit_id >= 0),          -- about: entries commit out of order
    transfers bigint NOT NULL CHECK (transfers >= 0),                  -- how many the period has
    sums jsonb NOT NULL,                      -- {"CNY": …}: what the period's transfers moved, minor units
    counts jsonb NOT NULL,                    -- {"INV-M1": 0, …}: violations that were seen when it was made
    totals jsonb NOT NULL,                    -- {"INV-S2": {"rows": …, "mark": …}, …}: what had ended an hour before
    chunk_hash bytea NOT NULL CHECK (octet_length(chunk_hash) = 32),          -- of the period's transfers
    lines_hash bytea NOT NULL CHECK (octet_length(lines_hash) = 32),          -- of the lines they settled, as frozen
    balances_hash bytea NOT NULL CHECK (octet_length(balances_hash) = 32),    -- of the accounts they moved
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hmac bytea NOT NULL CHECK (octet_length(hmac) = 32)                -- by the vault's audit key, over all of the above
);
COMMENT ON TABLE checkpoint IS 'Written by the vault alone, about every hour; never changed';
CREATE FUNCTION checkpoint_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> 1 + coalesce((SELECT max(number) FROM checkpoint), 0)
       OR NEW.last_transfer_id < (SELECT max(last_transfer_id) FROM checkpoint) THEN
        RAISE EXCEPTION 'a checkpoint follows the last one' USING ERRCODE = '23514', CONSTRAINT = 'checkpoint_follows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_follows BEFORE INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_follows();
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The balance of each account that moved in a period, at its end. An account's last row is its balance up to the last
-- checkpoint, since it moved in no period after.
CREATE TABLE checkpoint_balance (
    account_id bigint NOT NULL REFERENCES account,
    number bigint NOT NULL REFERENCES checkpoint DEFERRABLE INITIALLY DEFERRED,
    balance bigint NOT NULL,
    PRIMARY KEY (account_id, number) INCLUDE (balance)
);
CREATE INDEX checkpoint_balance_number ON checkpoint_balance (number);
CREATE TRIGGER checkpoint_balance_append_only BEFORE UPDATE OR DELETE ON checkpoint_balance
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How many cards a batch had when the first checkpoint after it was made; a card is never deleted nor leaves its batch.
CREATE TABLE checkpoint_batch (
    batch_no integer PRIMARY KEY REFERENCES batch (no),
    number bigint NOT NULL REFERENCES checkpoint DEFERRABLE INITIALLY DEFERRED,
    cards integer NOT NULL CHECK (cards >= 0)
);
CREATE TRIGGER checkpoint_batch_append_only BEFORE UPDATE OR DELETE ON checkpoint_batch
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How far a reading of everything has come (`verify --full`), so that it goes on after a kill.
CREATE TABLE full_reading (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    began_at timestamptz NOT NULL,
    stage text NOT NULL,                      -- core.reports.full.Stage
    position text NOT NULL,                   -- the last id that was read in this stage
    counts jsonb NOT NULL,                    -- {"INV-M1": 0, …}: violations so far
    cards jsonb NOT NULL,                     -- {"17": 1000, …}: cards per batch so far
    first_bad bigint,                         -- the first checkpoint whose period is not as it was sealed
    upto bigint NOT NULL,                     -- the last checkpoint that it reads
    clean_upto bigint NOT NULL DEFAULT 0,     -- the last checkpoint that a reading without any finding had read
    ended_at timestamptz
);

-- What can still move is found without reading what cannot.
CREATE INDEX shop_order_paid ON shop_order (id) WHERE state = 'paid';
CREATE INDEX money_hold_open ON money_hold (held_in_id) INCLUDE (amount) WHERE state = 'open';
CREATE INDEX refund_unreconciled ON refund (id) WHERE state = 'succeeded' AND NOT to_wallet AND reconciled_at IS NULL;
CREATE INDEX shopper_merged ON shopper (id) WHERE merged_into IS NOT NULL;

GRANT SELECT ON checkpoint, checkpoint_balance, checkpoint_batch TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON checkpoint, checkpoint_balance, checkpoint_batch TO keystall_vault;
GRANT SELECT, INSERT, UPDATE ON full_reading TO keystall_worker;

-- Periods are ranges of ids, marks are kept per account: nobody who only adds rows chooses their numbers. One far ahead
-- would put every honest transfer behind the last checkpoint, one behind it would be in no period.
REVOKE INSERT ON transfer, account FROM keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT (debit_id, credit_id, amount, currency, code, reference, line_id, at) ON transfer
    TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT (kind, holder, counterparty, currency, bounded) ON account
    TO keystall_shop, keystall_worker, keystall_vault;
GRANT SELECT ON SEQUENCE transfer_id_seq TO keystall_vault;  -- the last number that was given out
