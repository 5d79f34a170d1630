-- Trade accounts (预存款) between two parties: what a buyer prepaid its seller, less what it bought, down to minus its
-- credit limit. `place` holds on them, payment captures, a refund gives back.

ALTER TABLE account ADD COLUMN aside bigint NOT NULL DEFAULT 0;  -- set aside for unpaid orders; trade accounts only
ALTER TABLE account DROP CONSTRAINT account_floor;
ALTER TABLE account ADD CONSTRAINT account_floor CHECK (balance - aside >= floor);
ALTER TABLE account ADD CONSTRAINT account_aside CHECK (aside >= 0 AND (aside = 0 OR kind = 'trade'));
ALTER TABLE account ADD CONSTRAINT account_credit
    CHECK (floor = 0 OR (kind = 'trade' AND floor BETWEEN -1000000000000000 AND 0));

-- Whoever opens an account chooses neither what it begins with nor how far it may go down.
CREATE FUNCTION account_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.balance := coalesce(NEW.balance, 0);
    NEW.floor := coalesce(NEW.floor, 0);
    RETURN NEW;
END $$;
CREATE TRIGGER account_begins BEFORE INSERT ON account FOR EACH ROW WHEN (NEW.bounded)
    EXECUTE FUNCTION account_begins();

-- The account of two parties; its credit limit is minus the floor of `account_id`.
CREATE TABLE trade_account (
    account_id bigint PRIMARY KEY,
    creditor_id bigint NOT NULL REFERENCES party,         -- sells, and lends
    debtor_id bigint NOT NULL REFERENCES party,           -- buys, and owes
    currency text NOT NULL REFERENCES currency,
    sales_id bigint NOT NULL,                             -- the creditor's own account of what it sold so
    created_at timestamptz NOT NULL,
    UNIQUE (creditor_id, debtor_id, currency),
    CHECK (creditor_id <> debtor_id),
    FOREIGN KEY (account_id, currency) REFERENCES account (id, currency),
    FOREIGN KEY (sales_id, currency) REFERENCES account (id, currency)
);

-- Money that a creditor says it got: booked once per reference (the bank's number), taken back whole at most once.
CREATE TABLE trade_topup (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES trade_account,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    transfer_id bigint NOT NULL UNIQUE REFERENCES transfer,
    approved_at timestamptz NOT NULL,
    taken_back_at timestamptz
);
CREATE UNIQUE INDEX trade_topup_once ON trade_topup (account_id, reference) WHERE taken_back_at IS NULL;

-- What each hop of a held line costs its buyer: captured + released = amount, once (INV-M5).
CREATE TABLE trade_hold (
    hold_id uuid NOT NULL,
    line_id uuid NOT NULL,
    position smallint NOT NULL,                           -- along the chain, the pool first
    account_id bigint NOT NULL REFERENCES trade_account,
    offer_id bigint REFERENCES offer,                     -- the hop; none: the platform's fee
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    captured bigint NOT NULL DEFAULT 0,
    released bigint NOT NULL DEFAULT 0,
    returned bigint NOT NULL DEFAULT 0,                   -- given back after it was captured: the line was refunded
    state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
    settled_at timestamptz,
    PRIMARY KEY (hold_id, position),
    FOREIGN KEY (hold_id, line_id) REFERENCES hold (id, line_id),
    CONSTRAINT trade_hold_settled_once CHECK (CASE state
        WHEN 'open' THEN captured = 0 AND released = 0 AND settled_at IS NULL
        WHEN 'captured' THEN captured = amount AND released = 0 AND settled_at IS NOT NULL
        ELSE captured = 0 AND released = amount AND settled_at IS NOT NULL END),
    CONSTRAINT trade_hold_returned CHECK (returned IN (0, captured))
);
CREATE INDEX trade_hold_open ON trade_hold (account_id) WHERE state = 'open';
CREATE INDEX trade_hold_line ON trade_hold (line_id);
CREATE FUNCTION trade_hold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state <> 'open' AND NEW.state <> OLD.state) OR NEW.returned < OLD.returned THEN
        RAISE EXCEPTION 'a hold is settled once' USING ERRCODE = '23514', CONSTRAINT = 'trade_hold_settled_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trade_hold_once BEFORE UPDATE ON trade_hold FOR EACH ROW EXECUTE FUNCTION trade_hold_once();

GRANT SELECT, INSERT ON trade_account, trade_topup, trade_hold TO keystall_shop, keystall_worker;
GRANT UPDATE (taken_back_at) ON trade_topup TO keystall_shop, keystall_worker;
GRANT UPDATE (state, captured, released, returned, settled_at) ON trade_hold TO keystall_shop, keystall_worker;
GRANT UPDATE (aside) ON account TO keystall_shop, keystall_worker;
GRANT SELECT ON trade_account, trade_topup, trade_hold TO keystall_vault;

-- The one way to a credit limit, which never goes below what is owed and held now, nor without its entry in the audit:
-- no role of the store changes a floor, or may call this. Gives the account, NULL where it is none of the two, or the limit too low.
CREATE FUNCTION set_credit_limit(
    creditor bigint, debtor bigint, money text, most bigint, by_kind text, by_id uuid, at_time timestamptz
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH changed AS (
        UPDATE public.account a SET floor = -most FROM public.trade_account t
        WHERE t.creditor_id = creditor AND t.debtor_id = debtor AND t.currency = money AND a.id = t.account_id
          AND a.kind = 'trade' AND a.holder = 'party:' || debtor AND a.counterparty = 'party:' || creditor
          AND a.balance - a.aside >= -most
        RETURNING a.id
    ), told AS (
        INSERT INTO public.audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
        SELECT at_time, by_kind, by_id, creditor, 'trade_account.limit_set', 'trade_account', changed.id::text,
               jsonb_build_object('limit_minor', most, 'debtor', debtor, 'currency', money)
        FROM changed
    )
    SELECT id FROM changed
$$;
REVOKE ALL ON FUNCTION set_credit_limit FROM PUBLIC;

-- A paid line whose cards cannot be handed over goes back alone: its refund names it.
ALTER TABLE refund ADD COLUMN line_id uuid REFERENCES order_line;
DROP INDEX refund_once_per_event;
CREATE UNIQUE INDEX refund_once_per_event ON refund (event_id)
    WHERE event_id IS NOT NULL AND state <> 'failed' AND line_id IS NULL;
CREATE UNIQUE INDEX refund_once_per_line ON refund (line_id, to_wallet)
    WHERE line_id IS NOT NULL AND state <> 'failed' AND event_id IS NULL;
CREATE UNIQUE INDEX refund_once_per_lines_event ON refund (line_id, event_id)
    WHERE line_id IS NOT NULL AND state <> 'failed' AND event_id IS NOT NULL;
