-- Memberships: a merchant's plans, what of them was bought, and until when each shopper is a member.

ALTER TABLE product DROP CONSTRAINT product_kind_check,
    ADD CONSTRAINT product_kind_check
        CHECK (kind IN ('card_key', 'top_up', 'manual_top_up', 'subscription', 'bundle', 'plan'));

CREATE TABLE plan (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id bigint NOT NULL REFERENCES party,
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,59}$'),
    names jsonb NOT NULL,                                 -- {"zh-CN": …, "en": …}
    created_at timestamptz NOT NULL,
    UNIQUE (merchant_id, code),
    UNIQUE (id, merchant_id)
);

-- What one piece of a SKU gives: so many days, months or years of a plan.
CREATE TABLE plan_period (
    sku_id bigint PRIMARY KEY REFERENCES sku,
    plan_id bigint NOT NULL REFERENCES plan,
    count integer NOT NULL CHECK (count BETWEEN 1 AND 1000),
    unit text NOT NULL CHECK (unit IN ('day', 'month', 'year'))  -- core.members.periods.Unit
);
CREATE INDEX plan_period_plan ON plan_period (plan_id);

-- A plan is sold as goods of its own merchant and of no one else (INV-T2).
CREATE FUNCTION plan_period_of_own_goods() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM sku s JOIN product p ON p.id = s.product_id JOIN plan m ON m.id = NEW.plan_id
        WHERE s.id = NEW.sku_id AND p.kind = 'plan' AND p.owner_id = m.merchant_id
    ) THEN
        RAISE EXCEPTION 'a plan is sold as goods of its own merchant'
            USING ERRCODE = '23514', CONSTRAINT = 'plan_period_of_own_goods';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_period_of_own_goods BEFORE INSERT OR UPDATE ON plan_period
    FOR EACH ROW EXECUTE FUNCTION plan_period_of_own_goods();

-- Goods of a plan have no cards, and goods that have cards are no plan's.
CREATE FUNCTION batch_has_cards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id = NEW.sku_id AND p.kind = 'plan') THEN
        RAISE EXCEPTION 'a membership has no cards' USING ERRCODE = '23514', CONSTRAINT = 'batch_has_cards';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER batch_has_cards BEFORE INSERT ON batch FOR EACH ROW EXECUTE FUNCTION batch_has_cards();

-- What a piece of a line gives, frozen as it was sold (INV-O8). Such a line has no cards.
ALTER TABLE order_line
    ADD COLUMN plan_id bigint,
    ADD COLUMN plan_count integer,
    ADD COLUMN plan_unit text CHECK (plan_unit IN ('day', 'month', 'year')),
    ADD CONSTRAINT order_line_plan FOREIGN KEY (plan_id, merchant_id) REFERENCES plan (id, merchant_id),
    ADD CONSTRAINT order_line_plan_whole CHECK (
        (plan_id IS NULL) = (plan_count IS NULL) AND (plan_id IS NULL) = (plan_unit IS NULL));

-- A period that was bought: one for a line, for ever. Who has it follows the identity that bought it.
CREATE TABLE membership_period (
    line_id uuid PRIMARY KEY REFERENCES order_line,
    plan_id bigint NOT NULL,
    merchant_id bigint NOT NULL,
    shopper_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    months integer NOT NULL CHECK (months >= 0),
    days integer NOT NULL CHECK (days >= 0),
    zone text NOT NULL,                                   -- in which its end is read on the wall
    paid_at timestamptz NOT NULL,
    given_at timestamptz NOT NULL,
    taken_back_at timestamptz CHECK (taken_back_at >= given_at),  -- its money went back
    CHECK (months + days > 0),
    FOREIGN KEY (plan_id, merchant_id) REFERENCES plan (id, merchant_id),
    FOREIGN KEY (identity_id, shopper_id, merchant_id) REFERENCES identity (id, shopper_id, merchant_id) ON UPDATE CASCADE
);
CREATE INDEX membership_period_shopper ON membership_period (shopper_id, plan_id, given_at);

-- What a shopper's periods of a plan come to (core.members.periods): counted from `since`, the anchor.
CREATE TABLE membership (
    shopper_id uuid NOT NULL,
    plan_id bigint NOT NULL,
    merchant_id bigint NOT NULL,
    since timestamptz NOT NULL,
    anchor_day smallint NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),  -- of `since`, in the zone
    zone text NOT NULL,
    months integer NOT NULL CHECK (months >= 0),
    days integer NOT NULL CHECK (days >= 0),
    until timestamptz NOT NULL CHECK (until >= since),    -- the first moment at which it is over
    PRIMARY KEY (shopper_id, plan_id),
    FOREIGN KEY (shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    FOREIGN KEY (plan_id, merchant_id) REFERENCES plan (id, merchant_id)
);

GRANT SELECT ON plan, plan_period, membership_period, membership TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON plan TO keystall_shop;
GRANT INSERT, UPDATE ON plan_period TO keystall_shop;
GRANT INSERT ON membership_period TO keystall_shop, keystall_worker;
GRANT UPDATE (taken_back_at) ON membership_period TO keystall_shop, keystall_worker;
GRANT INSERT, UPDATE ON membership TO keystall_shop, keystall_worker;
GRANT DELETE ON membership TO keystall_shop, keystall_worker;
