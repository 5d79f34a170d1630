-- Roll-ups: what was sold, by day of the store's zone. The worker writes them from orders, the panel reads nothing else:
-- no page of reports reads orders, lines or cards. A day is computed whole and written anew whenever something of it has
-- changed, so that a late refund corrects the day of its sale, and any day can be computed again (core.reports.rollup).

CREATE TABLE report_sale (
    merchant_id bigint NOT NULL REFERENCES party,
    day date NOT NULL,                        -- on which the orders were paid, as the store's clock on the wall has it
    listing_id bigint NOT NULL,
    channel text NOT NULL,                    -- of the account that ordered: web, telegram, wechat
    terms text NOT NULL CHECK (terms IN ('own', 'owned', 'consigned', 'mixed')),  -- core.reports.rollup.Terms
    supplier_id bigint NOT NULL DEFAULT 0,    -- whom the merchant itself buys from, 0: nobody, or several (INV-T4)
    currency text NOT NULL REFERENCES currency,
    sku_id bigint NOT NULL,
    lines bigint NOT NULL CHECK (lines > 0),
    quantity bigint NOT NULL,
    listed bigint NOT NULL,                   -- minor units, at list price
    discounts bigint NOT NULL,
    revenue bigint NOT NULL,                  -- listed less discounts: what was paid
    refunded bigint NOT NULL,                 -- what of it went back, whenever it did
    hop_cost bigint NOT NULL,                 -- what sellers up the chain got and kept
    own_cost bigint NOT NULL,                 -- what own and bought cards had cost
    fees bigint NOT NULL,
    profit bigint NOT NULL,                   -- revenue - refunded - hop_cost - own_cost - fees
    refunded_lines bigint NOT NULL,
    delivered bigint NOT NULL,                -- lines, and of them those that took at most so long from paid to delivered
    within_10s bigint NOT NULL,
    within_1m bigint NOT NULL,
    within_10m bigint NOT NULL,
    within_1h bigint NOT NULL,
    failed bigint NOT NULL,
    PRIMARY KEY (merchant_id, day, listing_id, channel, terms, supplier_id, currency),
    CHECK (delivered + failed <= lines),
    CHECK (0 <= within_10s AND within_10s <= within_1m AND within_1m <= within_10m AND within_10m <= within_1h
           AND within_1h <= delivered)
);
CREATE INDEX report_sale_day ON report_sale (day);

-- Orders are counted here: one with two lines would be two in the table above.
CREATE TABLE report_order (
    merchant_id bigint NOT NULL REFERENCES party,
    day date NOT NULL,
    channel text NOT NULL,
    currency text NOT NULL REFERENCES currency,
    orders bigint NOT NULL CHECK (orders > 0),
    quantity bigint NOT NULL,
    revenue bigint NOT NULL,
    refunded bigint NOT NULL,
    profit bigint NOT NULL,
    PRIMARY KEY (merchant_id, day, channel, currency)
);
CREATE INDEX report_order_day ON report_order (day);

-- A seller's own hop, and no more of the sale than that: no price that a shopper paid, nobody beyond its buyer (INV-T3).
CREATE TABLE report_hop (
    seller_id bigint NOT NULL REFERENCES party,
    day date NOT NULL,
    buyer_id bigint NOT NULL REFERENCES party,
    merchant_id bigint NOT NULL,              -- whose day it is computed with; not for the panel
    sku_id bigint NOT NULL,
    currency text NOT NULL REFERENCES currency,
    lines bigint NOT NULL CHECK (lines > 0),
    cards bigint NOT NULL,
    earned bigint NOT NULL,                   -- the seller's share, minor units
    returned bigint NOT NULL,                 -- what of it went back
    refunded_lines bigint NOT NULL,
    delivered bigint NOT NULL,
    late bigint NOT NULL,                     -- delivered more than ten minutes after it was paid
    failed bigint NOT NULL,
    PRIMARY KEY (seller_id, day, buyer_id, merchant_id, sku_id, currency)
);
CREATE INDEX report_hop_merchant ON report_hop (merchant_id, day);

-- Days that have to be computed again, and how far the audit was read for them.
CREATE TABLE report_dirty (
    day date NOT NULL,
    merchant_id bigint NOT NULL REFERENCES party,
    PRIMARY KEY (day, merchant_id)
);
CREATE TABLE report_mark (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    zone text NOT NULL,                       -- days of another zone are all computed again
    last_audit_id bigint NOT NULL,            -- entries up to here have made their days dirty
    read_at timestamptz NOT NULL
);

-- The orders of a day, without an entry a row on the way of an order.
CREATE INDEX shop_order_paid_at ON shop_order USING brin (paid_at) WITH (pages_per_range = 16, autosummarize = on);

GRANT SELECT, INSERT, DELETE ON report_sale, report_order, report_hop, report_dirty TO keystall_worker;
GRANT SELECT, INSERT, UPDATE ON report_mark TO keystall_worker;

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT * FROM (VALUES
            ('report_sale', 'merchant_id = panel_party()'),
            ('report_order', 'merchant_id = panel_party()'),
            ('report_hop', 'seller_id = panel_party()')
        ) AS t (name, own)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', found.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', found.name);
        EXECUTE format('CREATE POLICY use_cases ON %I TO keystall_worker, %I USING (true) WITH CHECK (true)',
                       found.name, current_user);
        EXECUTE format('CREATE POLICY panel ON %I FOR SELECT TO keystall_panel USING (panel_sees_all() OR %s)',
                       found.name, found.own);
    END LOOP;
END
$$;
GRANT SELECT ON report_sale, report_order, report_mark TO keystall_panel;
GRANT SELECT (seller_id, day, buyer_id, sku_id, currency, lines, cards, earned, returned, refunded_lines, delivered, late,
              failed) ON report_hop TO keystall_panel;
