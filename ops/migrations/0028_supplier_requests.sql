-- Suppliers that are asked over the network: their accounts, what they sell us, and every request, for ever.

-- A supplier's account at one counterpart. Where it is and how it is signed for are rows of `credential`, sealed for
-- the worker: whoever writes this table sends no request to another server.
CREATE TABLE supplier_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id bigint NOT NULL UNIQUE REFERENCES party,      -- whose pool the cards join
    connector text NOT NULL CHECK (connector IN ('kasushou')),  -- core.supply.rules.Connector
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);

-- One SKU as the supplier sells it to us.
CREATE TABLE supplier_good (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES supplier_account,
    sku_id bigint NOT NULL REFERENCES sku,
    product text NOT NULL CHECK (length(product) BETWEEN 1 AND 64),  -- the supplier's number of it
    most_minor bigint NOT NULL CHECK (most_minor BETWEEN 1 AND 1000000000000000),  -- a piece: dearer is not bought
    currency text NOT NULL REFERENCES currency (code),
    enabled boolean NOT NULL DEFAULT true,
    stock_told integer NOT NULL DEFAULT 0 CHECK (stock_told >= 0),  -- as last told, less what was delivered since
    price_told bigint,                        -- minor units
    told_at timestamptz,
    asked_at timestamptz,                     -- when somebody went to ask
    failures integer NOT NULL DEFAULT 0,      -- questions and purchases that failed, one after another
    paused_at timestamptz,                    -- the breaker: nothing is sold from here while this is set
    paused_for text,
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, sku_id),
    CHECK ((paused_at IS NULL) = (paused_for IS NULL))
);
CREATE INDEX supplier_good_sku ON supplier_good (sku_id);

-- One request: its id is our number at the supplier, used once, whatever becomes of it.
CREATE TABLE supplier_request (
    id uuid PRIMARY KEY,
    good_id uuid NOT NULL REFERENCES supplier_good,
    order_id uuid NOT NULL REFERENCES shop_order,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10),
    most_minor bigint NOT NULL CHECK (most_minor BETWEEN 1 AND 1000000000000000),  -- frozen: the price that we accept, a piece
    state text NOT NULL CHECK (state IN ('created', 'sent', 'accepted', 'delivered', 'rejected', 'unknown')),
    external_ref text,                        -- the supplier's number of it
    problem text,
    upload_id uuid UNIQUE REFERENCES upload,  -- the keys as they came, sealed to the vault
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    lease_until timestamptz,
    received integer,                         -- keys that were good
    settled_at timestamptz,                   -- every line of it is delivered or paid back
    CHECK ((state = 'created') = (sent_at IS NULL)),
    CHECK (upload_id IS NULL OR state = 'delivered'),
    CHECK (settled_at IS NULL OR state IN ('delivered', 'rejected'))
);
CREATE INDEX supplier_request_open ON supplier_request (lease_until) WHERE settled_at IS NULL;
CREATE INDEX supplier_request_order ON supplier_request (order_id);

-- Never a second purchase: a request is sent once, and what is unknown stays it until somebody knows (INV-O4).
CREATE FUNCTION supplier_request_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT (CASE OLD.state
            WHEN 'created' THEN NEW.state = 'sent'
            WHEN 'sent' THEN NEW.state IN ('accepted', 'delivered', 'rejected', 'unknown')
            WHEN 'accepted' THEN NEW.state IN ('delivered', 'rejected', 'unknown')
            WHEN 'unknown' THEN NEW.state IN ('delivered', 'rejected')
            ELSE false END)
       OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at)
       OR (NEW.id, NEW.good_id, NEW.order_id, NEW.quantity, NEW.most_minor)
          IS DISTINCT FROM (OLD.id, OLD.good_id, OLD.order_id, OLD.quantity, OLD.most_minor) THEN
        RAISE EXCEPTION 'a supplier request does not move so' USING ERRCODE = '23514',
            CONSTRAINT = 'supplier_request_moves';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER supplier_request_moves BEFORE UPDATE ON supplier_request
    FOR EACH ROW EXECUTE FUNCTION supplier_request_moves();

-- A line of one card that a supplier is to bring: from which goods, and in which request, one for ever.
CREATE TABLE supplier_line (
    line_id uuid PRIMARY KEY REFERENCES order_line,
    good_id uuid NOT NULL REFERENCES supplier_good,
    request_id uuid REFERENCES supplier_request,
    ended_at timestamptz                      -- its card is claimed, its money goes back, or it was never paid
);
CREATE INDEX supplier_line_open ON supplier_line (good_id) WHERE ended_at IS NULL;
CREATE INDEX supplier_line_request ON supplier_line (request_id);
CREATE FUNCTION supplier_line_keeps_its_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.request_id IS NOT NULL AND (NEW.request_id, NEW.good_id) IS DISTINCT FROM (OLD.request_id, OLD.good_id) THEN
        RAISE EXCEPTION 'a line has one request for ever' USING ERRCODE = '23514', CONSTRAINT = 'supplier_line_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER supplier_line_once BEFORE UPDATE ON supplier_line
    FOR EACH ROW EXECUTE FUNCTION supplier_line_keeps_its_request();

-- How much of a SKU can be sold from whom: as the supplier last said, less what is promised to orders.
CREATE VIEW supplier_quota AS
SELECT g.id AS good_id, a.party_id, g.sku_id, greatest(0, g.stock_told - (
           SELECT count(*) FROM supplier_line s JOIN hold h ON h.line_id = s.line_id AND h.state IN ('open', 'captured')
           WHERE s.good_id = g.id AND s.ended_at IS NULL))::int AS cards
FROM supplier_good g JOIN supplier_account a ON a.id = g.account_id
WHERE g.enabled AND a.enabled AND g.paused_at IS NULL AND g.told_at IS NOT NULL AND g.price_told <= g.most_minor;

-- The import of what a request brought, at most one ever.
ALTER TABLE import_job ADD COLUMN supplier_request_id uuid UNIQUE REFERENCES supplier_request;

GRANT SELECT ON supplier_account, supplier_good, supplier_request, supplier_line, supplier_quota
    TO keystall_shop, keystall_worker;
GRANT SELECT ON supplier_account, supplier_good, supplier_request, supplier_line TO keystall_vault;
-- What is sold from where, and how dear it may be, only the owner writes: a price of a web's own, or another product's
-- number, would have dear keys bought for cheap orders.
GRANT UPDATE (asked_at) ON supplier_good TO keystall_shop;  -- FOR NO KEY UPDATE asks for it
GRANT INSERT ON supplier_line TO keystall_shop, keystall_worker;
GRANT UPDATE (good_id, ended_at) ON supplier_line TO keystall_shop, keystall_worker;
GRANT UPDATE (request_id) ON supplier_line TO keystall_worker;
GRANT INSERT ON supplier_request TO keystall_worker;
GRANT UPDATE (state, external_ref, problem, upload_id, attempts, sent_at, lease_until, received, settled_at)
    ON supplier_request TO keystall_worker;
GRANT UPDATE (stock_told, price_told, told_at, asked_at, failures, paused_at, paused_for) ON supplier_good
    TO keystall_worker;
GRANT INSERT ON upload, upload_chunk TO keystall_worker;
GRANT UPDATE (complete, chunks, size) ON upload TO keystall_worker;
