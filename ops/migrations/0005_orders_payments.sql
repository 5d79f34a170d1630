-- Orders, their holds and deliveries; payments and what gateways said.

CREATE TABLE shop_order (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL,
    shopper_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    chat_address text NOT NULL,
    state text NOT NULL CHECK (state IN ('awaiting_payment', 'paid', 'expired', 'cancelled', 'returned', 'closed')),
    currency text NOT NULL REFERENCES currency,
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 0 AND 1000000000000000),
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor BETWEEN 0 AND 1000000000000000),
    refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    stranger boolean NOT NULL,
    network text NOT NULL,
    risk jsonb NOT NULL,                      -- the decision with its reasons
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    access_hash bytea NOT NULL UNIQUE CHECK (octet_length(access_hash) = 32),  -- of the token in /pay/<token>
    placed_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    paid_at timestamptz,
    ended_at timestamptz,                     -- expired, cancelled, returned or closed
    FOREIGN KEY (identity_id, shopper_id, merchant_id) REFERENCES identity (id, shopper_id, merchant_id),
    FOREIGN KEY (conversation_id, merchant_id) REFERENCES conversation (id, merchant_id),
    UNIQUE (id, merchant_id),
    CONSTRAINT shop_order_paid_enough CHECK (state NOT IN ('paid', 'closed') OR (paid_minor >= total_minor AND paid_at IS NOT NULL)),
    CONSTRAINT shop_order_refund_bound CHECK (refunded_minor <= paid_minor)
);
CREATE INDEX shop_order_shopper ON shop_order (shopper_id, placed_at DESC);
CREATE INDEX shop_order_unpaid ON shop_order (deadline) WHERE state = 'awaiting_payment';
CREATE INDEX shop_order_unpaid_shopper ON shop_order (shopper_id) WHERE state = 'awaiting_payment';
CREATE INDEX shop_order_unpaid_network ON shop_order (merchant_id, network) WHERE state = 'awaiting_payment';

CREATE TABLE order_line (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    merchant_id bigint NOT NULL,
    position smallint NOT NULL,
    listing_id bigint NOT NULL,
    sku_id bigint NOT NULL REFERENCES sku,
    listing_code text NOT NULL,
    names jsonb NOT NULL,                     -- frozen as it was sold
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    list_price_minor bigint NOT NULL CHECK (list_price_minor BETWEEN 0 AND 1000000000000000),    -- a piece
    discount_minor bigint NOT NULL DEFAULT 0 CHECK (discount_minor BETWEEN 0 AND 1000000000000000),
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 0 AND 1000000000000000),
    reasons jsonb NOT NULL,                   -- how the price came about, line by line
    gate text NOT NULL DEFAULT 'none' CHECK (gate IN ('none', 'review', 'task', 'supply', 'group', 'date', 'cancelled')),
    gate_reason text,
    UNIQUE (order_id, position),
    UNIQUE (id, sku_id),
    FOREIGN KEY (order_id, merchant_id) REFERENCES shop_order (id, merchant_id),
    FOREIGN KEY (listing_id, merchant_id) REFERENCES listing (id, merchant_id),
    CONSTRAINT order_line_total CHECK (total_minor = list_price_minor * quantity - discount_minor)
);
ALTER TABLE card ADD CONSTRAINT card_line_sku FOREIGN KEY (line_id, sku_id) REFERENCES order_line (id, sku_id)
    DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE hold (
    id uuid PRIMARY KEY,
    line_id uuid NOT NULL REFERENCES order_line,
    order_id uuid NOT NULL REFERENCES shop_order,
    sku_id bigint NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    stranger boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    FOREIGN KEY (line_id, sku_id) REFERENCES order_line (id, sku_id),
    UNIQUE (id, line_id),
    CHECK ((state = 'open') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX hold_one_per_line ON hold (line_id) WHERE state IN ('open', 'captured');
CREATE INDEX hold_open ON hold (sku_id) INCLUDE (quantity, stranger) WHERE state = 'open';
CREATE INDEX hold_order ON hold (order_id);

-- Who gets what of a line, frozen with the cards that are held for it: what parties may not see of each other lives here.
CREATE TABLE line_share (
    hold_id uuid NOT NULL,
    line_id uuid NOT NULL,
    position smallint NOT NULL,
    role text NOT NULL CHECK (role IN ('upstream', 'merchant', 'cost', 'platform_fee', 'gateway_fee', 'commission', 'rounding')),
    party_id bigint NOT NULL REFERENCES party,
    account_id bigint NOT NULL REFERENCES account,
    offer_id bigint REFERENCES offer,         -- the hop that it came along
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN -1000000000000000 AND 1000000000000000),
    reason text NOT NULL,
    PRIMARY KEY (hold_id, position),
    FOREIGN KEY (hold_id, line_id) REFERENCES hold (id, line_id)
);
CREATE INDEX line_share_line ON line_share (line_id);

CREATE TABLE delivery (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    line_id uuid NOT NULL UNIQUE REFERENCES order_line,
    order_id uuid NOT NULL REFERENCES shop_order,
    state text NOT NULL CHECK (state IN ('waiting', 'ready', 'sending', 'delivered', 'unknown', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    last_problem text,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX delivery_open ON delivery (lease_until) WHERE state IN ('ready', 'sending', 'unknown');
CREATE INDEX delivery_order ON delivery (order_id);

CREATE TABLE payment (
    id uuid PRIMARY KEY,
    order_id uuid REFERENCES shop_order,      -- none for a wallet top-up
    merchant_id bigint NOT NULL REFERENCES party,
    shopper_id uuid NOT NULL,
    rail text NOT NULL CHECK (rail IN ('gateway', 'wallet', 'free')),
    gateway_account_id bigint,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    state text NOT NULL CHECK (state IN ('created', 'pending', 'succeeded', 'failed', 'expired', 'review', 'part_refunded', 'refunded')),
    refunded_minor bigint NOT NULL DEFAULT 0,
    external_ref text,
    url text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    succeeded_at timestamptz,
    poll_at timestamptz,                      -- when the gateway is to be asked next
    FOREIGN KEY (shopper_id, merchant_id) REFERENCES shopper (id, merchant_id),
    FOREIGN KEY (order_id, merchant_id) REFERENCES shop_order (id, merchant_id),
    FOREIGN KEY (gateway_account_id, merchant_id) REFERENCES gateway_account (id, merchant_id),
    CHECK ((rail = 'gateway') = (gateway_account_id IS NOT NULL)),
    CONSTRAINT payment_refund_bound CHECK (refunded_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX payment_order ON payment (order_id);
CREATE INDEX payment_shopper ON payment (shopper_id);
CREATE INDEX payment_poll ON payment (poll_at) WHERE poll_at IS NOT NULL;

-- Every authentic notice, byte for byte: the evidence that the vault checks again.
CREATE TABLE payment_event (
    id uuid PRIMARY KEY,
    gateway_account_id bigint NOT NULL REFERENCES gateway_account,
    external_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('paid', 'refunded')),
    named_payment_id uuid,                    -- our number as the notice gives it, be it known to us or not
    payment_id uuid REFERENCES payment,
    order_id uuid REFERENCES shop_order,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    booked_to text NOT NULL CHECK (booked_to IN ('order', 'wallet', 'suspense', 'refund')),
    reason text,                              -- core.payments.SuspenseReason
    decide_by timestamptz,                    -- late money: until then the shopper chooses
    resolved_at timestamptz,
    resolution text CHECK (resolution IN ('order', 'wallet', 'refund', 'staff')),
    reconciled_at timestamptz,
    UNIQUE (gateway_account_id, external_id, kind),
    CHECK ((booked_to = 'suspense') = (reason IS NOT NULL)),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE INDEX payment_event_order ON payment_event (order_id);
CREATE INDEX payment_event_payment ON payment_event (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX payment_event_open ON payment_event (decide_by) WHERE booked_to = 'suspense' AND resolved_at IS NULL;
CREATE INDEX payment_event_unreconciled ON payment_event (gateway_account_id) WHERE reconciled_at IS NULL;

CREATE TABLE refund (
    id uuid PRIMARY KEY,
    merchant_id bigint NOT NULL REFERENCES party,
    order_id uuid REFERENCES shop_order,
    payment_id uuid REFERENCES payment,
    event_id uuid REFERENCES payment_event,   -- the money that goes back
    to_wallet boolean NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    state text NOT NULL CHECK (state IN ('requested', 'sent', 'succeeded', 'failed', 'unknown')),
    reason text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    reconciled_at timestamptz                 -- the outside confirms that the money left
);
CREATE UNIQUE INDEX refund_once_per_event ON refund (event_id) WHERE event_id IS NOT NULL AND state <> 'failed';
CREATE INDEX refund_open ON refund (lease_until) WHERE state IN ('requested', 'sent', 'unknown');
CREATE INDEX refund_order ON refund (order_id);

-- The sandbox's own side, as a real gateway would keep it: written by the worker only.
CREATE TABLE sandbox_charge (
    payment_id uuid PRIMARY KEY,
    opaque_id text NOT NULL,
    transaction_no text NOT NULL UNIQUE,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL,
    paid_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE TABLE sandbox_refund (
    refund_id uuid PRIMARY KEY,
    payment_id uuid NOT NULL,
    transaction_no text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    created_at timestamptz NOT NULL
);

-- The vault's opening budget and what it opened.
CREATE TABLE opening_budget (
    merchant_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    opened integer NOT NULL CHECK (opened >= 0),
    PRIMARY KEY (merchant_id, sku_id, hour)
);
-- The same of a pool (the owner that the vault signed a batch for, and the SKU) over all merchants, whose rows web writes;
-- `free` is how many of them nobody paid for.
CREATE TABLE pool_budget (
    owner_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    opened integer NOT NULL CHECK (opened >= 0),
    free integer NOT NULL CHECK (free BETWEEN 0 AND opened),
    PRIMARY KEY (owner_id, sku_id, hour)
);
-- How many delivered cards of a merchant were read again in an hour, of whatever SKU.
CREATE TABLE reading_budget (
    merchant_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    cards integer NOT NULL CHECK (cards >= 0),
    PRIMARY KEY (merchant_id, hour)
);
-- What each authentic notice has paid for, so that none pays twice whatever the other tables say; the vault's alone.
CREATE TABLE evidence_use (
    evidence text PRIMARY KEY,                -- notice:<gateway account>:<the gateway's number>
    used_for text NOT NULL                    -- order:<uuid> or wallet:<shopper>
);
-- What wallets gave for orders that were opened: that none gives more than came into it, whatever holds say; the vault's
-- alone.
CREATE TABLE wallet_use (
    order_id uuid PRIMARY KEY,
    holder text NOT NULL,                     -- shopper:<uuid>, one of those whose wallet it is
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    at timestamptz NOT NULL
);
CREATE INDEX wallet_use_holder ON wallet_use (holder, currency);
-- A keyed mark per vault key, so that a wrong key file is noticed at the start and not by its effects.
CREATE TABLE vault_mark (
    name text PRIMARY KEY,
    mark bytea NOT NULL
);
-- Whether the vault could open cards when it last started: while it cannot, no order is taken.
CREATE TABLE vault_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    open boolean NOT NULL,
    reason text CHECK (open = (reason IS NULL)),
    at timestamptz NOT NULL
);
