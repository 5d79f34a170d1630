-- Payouts (提现): what a party may claim leaves for its bank, once, by two people, out of money that gateways settled.

-- Where a party's money is sent: rows are only added, the last one of a party counts.
CREATE TABLE bank_details (
    id uuid PRIMARY KEY,
    no bigint GENERATED ALWAYS AS IDENTITY,               -- which is the last, whatever clocks say
    party_id bigint NOT NULL REFERENCES party,
    sealed bytea NOT NULL,                                -- with the vault's link key, for this row, party and person
    mask text NOT NULL CHECK (length(mask) BETWEEN 1 AND 40),
    changed_by uuid NOT NULL REFERENCES staff,
    changed_at timestamptz NOT NULL,
    UNIQUE (id, party_id)
);
CREATE INDEX bank_details_party ON bank_details (party_id, no);
CREATE TRIGGER bank_details_append_only BEFORE UPDATE OR DELETE ON bank_details
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How long a party's sales wait before they can be paid out by a debtor; without a row, core.settlement's default.
CREATE TABLE settle_period (
    party_id bigint NOT NULL REFERENCES party,
    debtor_id bigint NOT NULL REFERENCES party,
    days integer NOT NULL CHECK (days BETWEEN 0 AND 365),
    PRIMARY KEY (party_id, debtor_id)
);

-- Money that a gateway paid to the bank of who collects with it, once per reference (the bank's or gateway's number).
CREATE TABLE gateway_settlement (
    id uuid PRIMARY KEY,
    gateway_account_id bigint NOT NULL REFERENCES gateway_account,
    debtor_id bigint NOT NULL REFERENCES party,           -- who got it, and owes it
    currency text NOT NULL REFERENCES currency,
    amount bigint NOT NULL CONSTRAINT gateway_settlement_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    is_own boolean NOT NULL,                              -- the debtor's own gateway: its own word, good for itself alone
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    recorded_at timestamptz NOT NULL,
    taken_back_at timestamptz                             -- it was a mistake, and nothing of it had been released
);
CREATE UNIQUE INDEX gateway_settlement_once ON gateway_settlement (gateway_account_id, reference)
    WHERE taken_back_at IS NULL;
CREATE TRIGGER gateway_settlement_never_deleted BEFORE DELETE ON gateway_settlement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a debtor got from gateways, and how much of it was made available: a claim never becomes payable beyond it. The
-- row is locked by whoever releases, requests, approves or ends a payout of this debtor.
CREATE TABLE settled_money (
    debtor_id bigint NOT NULL REFERENCES party,
    currency text NOT NULL REFERENCES currency,
    settled bigint NOT NULL DEFAULT 0 CHECK (settled BETWEEN 0 AND 1000000000000000),
    settled_for_others bigint NOT NULL DEFAULT 0 CHECK (settled_for_others BETWEEN 0 AND settled),
    released bigint NOT NULL DEFAULT 0 CHECK (released BETWEEN 0 AND 1000000000000000),
    released_to_others bigint NOT NULL DEFAULT 0 CHECK (released_to_others BETWEEN 0 AND released),
    PRIMARY KEY (debtor_id, currency),
    CONSTRAINT released_within_settled CHECK (released <= settled),
    CONSTRAINT released_to_others_within_settled CHECK (released_to_others <= settled_for_others)
);

CREATE TABLE payout (
    id uuid PRIMARY KEY,
    party_id bigint NOT NULL REFERENCES party,            -- who gets it
    debtor_id bigint NOT NULL REFERENCES party,           -- who holds the cash
    kind text NOT NULL CHECK (kind IN ('share', 'own')),  -- core.settlement.rules.PayoutKind
    period date NOT NULL,
    currency text NOT NULL REFERENCES currency,
    amount bigint NOT NULL CONSTRAINT payout_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    state text NOT NULL CHECK (state IN ('requested', 'approved', 'sent', 'succeeded', 'failed')),
    bank_id uuid NOT NULL,
    made_by uuid NOT NULL REFERENCES staff,
    requested_at timestamptz NOT NULL,
    approved_by uuid REFERENCES staff,
    approved_at timestamptz,
    sent_by uuid REFERENCES staff,
    sent_at timestamptz,
    ended_by uuid REFERENCES staff,
    ended_at timestamptz,
    bank_reference text CHECK (length(bank_reference) BETWEEN 1 AND 200),
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    FOREIGN KEY (bank_id, party_id) REFERENCES bank_details (id, party_id),
    CONSTRAINT payout_own CHECK ((kind = 'own') = (party_id = debtor_id)),
    CONSTRAINT payout_steps CHECK (
        (approved_by IS NULL) = (approved_at IS NULL) AND (sent_by IS NULL) = (sent_at IS NULL)
        AND (ended_by IS NULL) = (ended_at IS NULL) AND (sent_at IS NULL OR approved_at IS NOT NULL)
        AND CASE state
            WHEN 'requested' THEN approved_at IS NULL AND ended_at IS NULL
            WHEN 'approved' THEN approved_at IS NOT NULL AND sent_at IS NULL AND ended_at IS NULL
            WHEN 'sent' THEN sent_at IS NOT NULL AND ended_at IS NULL
            WHEN 'succeeded' THEN sent_at IS NOT NULL AND ended_at IS NOT NULL
            ELSE ended_at IS NOT NULL END
        AND (state = 'succeeded') = (bank_reference IS NOT NULL) AND (state = 'failed') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX payout_once ON payout (party_id, period, kind) WHERE state <> 'failed';
CREATE UNIQUE INDEX payout_bank_reference ON payout (debtor_id, bank_reference) WHERE bank_reference IS NOT NULL;
CREATE INDEX payout_open ON payout (requested_at) WHERE state IN ('requested', 'approved', 'sent');
CREATE FUNCTION payout_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM installation WHERE kind = 'demo') THEN
        RAISE EXCEPTION 'a demo pays nobody' USING ERRCODE = '23514', CONSTRAINT = 'payout_not_in_demo';
    END IF;
    IF NEW.state <> 'requested' THEN
        RAISE EXCEPTION 'a payout begins as a request' USING ERRCODE = '23514', CONSTRAINT = 'payout_begins';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_begins BEFORE INSERT ON payout FOR EACH ROW EXECUTE FUNCTION payout_begins();
-- INV-M10, whatever balances say, which web's password may write: what is on its way and what was paid stays within what
-- was released, and that within what gateways settled; both are counted in tables that no such password writes.
CREATE FUNCTION require_released(one payout) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room settled_money;
    whole numeric;
    shares numeric;
BEGIN
    SELECT * INTO room FROM settled_money WHERE debtor_id = one.debtor_id AND currency = one.currency
    FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0), coalesce(sum(amount) FILTER (WHERE kind = 'share'), 0) INTO whole, shares FROM payout
    WHERE debtor_id = one.debtor_id AND currency = one.currency AND state IN ('approved', 'sent', 'succeeded');
    IF whole + one.amount > coalesce(room.released, 0)
       OR (one.kind = 'share' AND shares + one.amount > coalesce(room.released_to_others, 0)) THEN
        RAISE EXCEPTION 'more would leave than was released' USING ERRCODE = '23514', CONSTRAINT = 'payout_within_settled';
    END IF;
END $$;
CREATE FUNCTION payout_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (('requested', 'approved'), ('requested', 'failed'), ('approved', 'sent'),
                                      ('approved', 'failed'), ('sent', 'succeeded'), ('sent', 'failed')) THEN
        RAISE EXCEPTION 'a payout goes its way once' USING ERRCODE = '23514', CONSTRAINT = 'payout_life';
    END IF;
    IF (OLD.id, OLD.party_id, OLD.debtor_id, OLD.kind, OLD.period, OLD.currency, OLD.amount, OLD.bank_id, OLD.made_by,
        OLD.requested_at)
       IS DISTINCT FROM (NEW.id, NEW.party_id, NEW.debtor_id, NEW.kind, NEW.period, NEW.currency, NEW.amount,
                         NEW.bank_id, NEW.made_by, NEW.requested_at)
       OR (OLD.approved_by IS NOT NULL AND OLD.approved_by IS DISTINCT FROM NEW.approved_by)
       OR (OLD.sent_by IS NOT NULL AND OLD.sent_by IS DISTINCT FROM NEW.sent_by) THEN
        RAISE EXCEPTION 'what was asked for stays' USING ERRCODE = '23514', CONSTRAINT = 'payout_life';
    END IF;
    IF NEW.state = 'approved' THEN PERFORM require_released(NEW); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_life BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_life();
CREATE TRIGGER payout_never_deleted BEFORE DELETE ON payout FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT ON bank_details, settle_period, gateway_settlement, settled_money, payout
    TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON settled_money TO keystall_worker;
GRANT UPDATE (released, released_to_others) ON settled_money TO keystall_worker;  -- what time makes available
-- Nothing else is granted here: bank details, settlements and payouts are written by the owner's hand at the command line
-- (ops.owner), and by the vault for who shows a second factor (0037): no password of web or worker lets money go.
