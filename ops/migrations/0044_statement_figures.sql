-- What closed periods moved of each party's claims, by quarters of an hour: a statement reads these and the open period.

-- A checkpoint closes a period of transfers, and its figures come with it, in the same commit. A claim is what one party
-- (holder) has to get from the cash of another (counterparty) in one currency; moves within it are no figures. Quarters,
-- since midnight is at a whole one in every time zone.
CREATE TABLE claim_quarter (
    holder text NOT NULL,                     -- party:12
    counterparty text NOT NULL,               -- party:7, who holds the cash
    currency text NOT NULL REFERENCES currency,
    quarter timestamptz NOT NULL CHECK (extract(epoch FROM quarter) % 900 = 0),  -- its beginning
    code text NOT NULL,                       -- core.ledger.TransferCode
    number bigint NOT NULL REFERENCES checkpoint,
    transfers bigint NOT NULL CHECK (transfers > 0),
    came bigint NOT NULL CHECK (came >= 0),   -- minor units
    went bigint NOT NULL CHECK (went >= 0),
    PRIMARY KEY (holder, counterparty, currency, quarter, code, number) INCLUDE (transfers, came, went)
);
CREATE INDEX claim_quarter_number ON claim_quarter (number);
CREATE TRIGGER claim_quarter_append_only BEFORE UPDATE OR DELETE ON claim_quarter
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The figures of the transfers with after < id <= upto: what is kept, and what `verify --full` reads again.
CREATE FUNCTION claim_figures(after bigint, upto bigint)
    RETURNS TABLE (holder text, counterparty text, currency text, quarter timestamptz, code text,
                   transfers bigint, came bigint, went bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH claim AS (
        SELECT a.id, a.holder, a.counterparty, a.currency FROM account a
        WHERE a.kind IN ('pending', 'available', 'in_transit', 'owed')
    ), sides AS (
        SELECT t.id, t.at, t.code, k.holder, k.counterparty, k.currency, t.amount AS came, 0::bigint AS went
        FROM transfer t JOIN claim k ON k.id = t.credit_id LEFT JOIN claim d ON d.id = t.debit_id
        WHERE t.id > after AND t.id <= upto
          AND (d.holder, d.counterparty) IS DISTINCT FROM (k.holder, k.counterparty)
        UNION ALL
        SELECT t.id, t.at, t.code, d.holder, d.counterparty, d.currency, 0, t.amount
        FROM transfer t JOIN claim d ON d.id = t.debit_id LEFT JOIN claim k ON k.id = t.credit_id
        WHERE t.id > after AND t.id <= upto
          AND (k.holder, k.counterparty) IS DISTINCT FROM (d.holder, d.counterparty)
    )
    SELECT s.holder, s.counterparty, s.currency, date_bin('15 minutes', s.at, timestamptz 'epoch'), s.code,
           count(*), sum(s.came)::bigint, sum(s.went)::bigint
    FROM sides s GROUP BY 1, 2, 3, 4, 5;
END;

-- A store that closed periods before this.
INSERT INTO claim_quarter (holder, counterparty, currency, quarter, code, number, transfers, came, went)
SELECT f.holder, f.counterparty, f.currency, f.quarter, f.code, c.number, f.transfers, f.came, f.went
FROM (SELECT number, last_transfer_id AS upto,
             coalesce(lag(last_transfer_id) OVER (ORDER BY number), -9223372036854775808) AS after
      FROM checkpoint) AS c
CROSS JOIN LATERAL claim_figures(c.after, c.upto) AS f;

-- No checkpoint is without them, whichever version of the store wrote it; nobody else adds any, the vault neither.
CREATE FUNCTION checkpoint_figures() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO claim_quarter (holder, counterparty, currency, quarter, code, number, transfers, came, went)
    SELECT f.holder, f.counterparty, f.currency, f.quarter, f.code, NEW.number, f.transfers, f.came, f.went
    FROM claim_figures(coalesce((SELECT last_transfer_id FROM checkpoint WHERE number = NEW.number - 1),
                                -9223372036854775808), NEW.last_transfer_id) AS f;
    RETURN NULL;
END $$;
CREATE TRIGGER checkpoint_figures AFTER INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_figures();

GRANT SELECT ON claim_quarter TO keystall_shop, keystall_worker, keystall_vault;
