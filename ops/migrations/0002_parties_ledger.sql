-- Parties and the books.

CREATE TABLE party (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('platform', 'merchant', 'supplier', 'promoter')),
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    names jsonb NOT NULL,                     -- {"zh-CN": …, "en": …}
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('applied', 'active', 'suspended', 'left')),
    is_default boolean NOT NULL DEFAULT false,
    fee_basis_points integer NOT NULL DEFAULT 0 CHECK (fee_basis_points BETWEEN 0 AND 10000),
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX party_one_platform ON party (kind) WHERE kind = 'platform';
CREATE UNIQUE INDEX party_one_default ON party (is_default) WHERE is_default;

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%'),
    name text NOT NULL,
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE TABLE staff_role (
    staff_id uuid NOT NULL REFERENCES staff,
    party_id bigint NOT NULL REFERENCES party,
    role text NOT NULL,                       -- core.parties.Role
    PRIMARY KEY (staff_id, party_id, role)
);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,                       -- core.ledger.AccountKind
    holder text NOT NULL,                     -- party:12 · shopper:<uuid> · gateway:3 · source:sandbox
    counterparty text NOT NULL DEFAULT '',    -- party:12, the debtor: who holds the cash
    currency text NOT NULL REFERENCES currency,
    bounded boolean NOT NULL,
    balance bigint CHECK (balance BETWEEN -1000000000000000 AND 1000000000000000),
    floor bigint,
    UNIQUE (kind, holder, counterparty, currency),
    UNIQUE (id, currency),
    CONSTRAINT account_bounded_stores CHECK (bounded = (balance IS NOT NULL) AND bounded = (floor IS NOT NULL)),
    CONSTRAINT account_floor CHECK (balance >= floor)
);
CREATE INDEX account_counterparty ON account (counterparty, currency) WHERE NOT bounded;

CREATE TABLE transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    amount bigint NOT NULL CONSTRAINT transfer_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL,
    code text NOT NULL,                       -- core.ledger.TransferCode
    reference uuid NOT NULL,                  -- the order, event, refund or batch that it is for
    line_id uuid,                             -- set where it is one line's share or its refund
    at timestamptz NOT NULL,
    CONSTRAINT transfer_two_accounts CHECK (debit_id <> credit_id),
    CONSTRAINT transfer_debit_currency FOREIGN KEY (debit_id, currency) REFERENCES account (id, currency),
    CONSTRAINT transfer_credit_currency FOREIGN KEY (credit_id, currency) REFERENCES account (id, currency)
);
CREATE INDEX transfer_debit ON transfer (debit_id, id);
CREATE INDEX transfer_credit ON transfer (credit_id, id);
CREATE INDEX transfer_reference ON transfer (reference);
CREATE INDEX transfer_line ON transfer (line_id) WHERE line_id IS NOT NULL;
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE ON transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE reversal (
    transfer_id bigint PRIMARY KEY REFERENCES transfer,
    by_transfer_id bigint NOT NULL UNIQUE REFERENCES transfer,
    reason text NOT NULL,
    CHECK (transfer_id <> by_transfer_id)
);
CREATE TRIGGER reversal_append_only BEFORE UPDATE OR DELETE ON reversal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION reversal_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM transfer a JOIN transfer b ON b.id = NEW.by_transfer_id
        WHERE a.id = NEW.transfer_id AND a.debit_id = b.credit_id AND a.credit_id = b.debit_id
          AND a.amount = b.amount AND a.reference = b.reference
    ) THEN
        RAISE EXCEPTION 'a reversal mirrors its transfer' USING ERRCODE = '23514', CONSTRAINT = 'reversal_is_whole';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversal_is_whole BEFORE INSERT ON reversal FOR EACH ROW EXECUTE FUNCTION reversal_is_whole();

-- Money kept for an unpaid order (a wallet): captured + released = held (INV-M5).
CREATE TABLE money_hold (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,       -- where the money came from and goes back to
    held_in_id bigint NOT NULL REFERENCES account,       -- the bounded hold account
    order_id uuid NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    captured bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
    released bigint NOT NULL DEFAULT 0 CHECK (released >= 0),
    state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT money_hold_settled_once CHECK (
        (state = 'open' AND captured = 0 AND released = 0 AND settled_at IS NULL)
        OR (state <> 'open' AND captured + released = amount AND settled_at IS NOT NULL))
);
CREATE INDEX money_hold_account ON money_hold (account_id);
CREATE FUNCTION money_hold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'a hold is settled once' USING ERRCODE = '23514', CONSTRAINT = 'money_hold_settled_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER money_hold_once BEFORE UPDATE ON money_hold FOR EACH ROW EXECUTE FUNCTION money_hold_once();

CREATE TABLE gateway_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    opaque_id text NOT NULL UNIQUE CHECK (length(opaque_id) >= 16),
    gateway text NOT NULL,                    -- sandbox, later wechatpay, alipay, …
    merchant_id bigint NOT NULL REFERENCES party,
    currency text NOT NULL REFERENCES currency,
    names jsonb NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',     -- nothing secret
    created_at timestamptz NOT NULL,
    UNIQUE (id, merchant_id)
);
