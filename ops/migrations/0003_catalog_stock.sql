-- What is sold, and the cards.

CREATE TABLE issuer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE,
    names jsonb NOT NULL
);

CREATE TABLE product (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id bigint NOT NULL REFERENCES party,            -- the platform (shared) or one merchant
    code text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('card_key', 'top_up', 'manual_top_up', 'subscription', 'bundle')),
    category text NOT NULL,                               -- core.catalog.Category
    names jsonb NOT NULL,                                 -- {"zh-CN": …, "en": …}
    texts jsonb NOT NULL DEFAULT '{}',                    -- {"summary": {…}, "redeem": {…}, "refund": {…}} by locale
    aliases text NOT NULL DEFAULT '',                     -- further words people search for
    position integer NOT NULL DEFAULT 0,
    archived_at timestamptz,
    created_at timestamptz NOT NULL,
    search_text text GENERATED ALWAYS AS (
        lower(coalesce(names ->> 'zh-CN', '') || ' ' || coalesce(names ->> 'en', '') || ' ' || code || ' ' || aliases)) STORED,
    UNIQUE (id, owner_id)
);
CREATE INDEX product_search ON product USING gin (search_text gin_trgm_ops);

CREATE TABLE sku (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES product,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z][A-Z0-9]{0,15}$'),
    names jsonb NOT NULL,
    axes jsonb NOT NULL DEFAULT '{}',                     -- {"region": "US", "face_value": "50 USD", "period": "month"}
    issuer_id bigint NOT NULL REFERENCES issuer,
    card_shape text NOT NULL DEFAULT 'secret' CHECK (card_shape IN ('secret', 'number_secret')),
    trim boolean NOT NULL DEFAULT true,                   -- outer blanks are not part of a card
    case_sensitive boolean NOT NULL DEFAULT true,         -- whether two cards may differ in case only
    minimum_life_days integer NOT NULL DEFAULT 1 CHECK (minimum_life_days >= 0),  -- 1: still valid tomorrow
    archived_at timestamptz,
    created_at timestamptz NOT NULL,
    search_text text GENERATED ALWAYS AS (
        lower(coalesce(names ->> 'zh-CN', '') || ' ' || coalesce(names ->> 'en', '') || ' ' || code)) STORED
);
CREATE INDEX sku_product ON sku (product_id);

CREATE TABLE listing (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id bigint NOT NULL REFERENCES party,
    sku_id bigint NOT NULL REFERENCES sku,
    code text NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9]{0,15}$'),
    price_minor bigint NOT NULL CONSTRAINT listing_price CHECK (price_minor BETWEEN 0 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    maximum_quantity integer NOT NULL DEFAULT 100 CHECK (maximum_quantity BETWEEN 1 AND 1000),
    on_sale boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,                   -- grows with every change of price; a button knows its own
    position integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    UNIQUE (merchant_id, code),
    UNIQUE (merchant_id, sku_id),
    UNIQUE (id, merchant_id)
);

-- A listing leads to a shared SKU or to one of the same owner (INV-T2), and no product or SKU changes hands under it.
CREATE FUNCTION listing_reaches_sku() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM sku s JOIN product p ON p.id = s.product_id JOIN party o ON o.id = p.owner_id
        WHERE s.id = NEW.sku_id AND (o.kind = 'platform' OR o.id = NEW.merchant_id)
    ) THEN
        RAISE EXCEPTION 'a listing leads to a shared SKU or an own one'
            USING ERRCODE = '23514', CONSTRAINT = 'listing_reaches_sku';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER listing_reaches_sku BEFORE INSERT OR UPDATE OF merchant_id, sku_id ON listing
    FOR EACH ROW EXECUTE FUNCTION listing_reaches_sku();
CREATE TRIGGER product_owner_fixed BEFORE UPDATE OF owner_id ON product
    FOR EACH ROW WHEN (OLD.owner_id <> NEW.owner_id) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sku_product_fixed BEFORE UPDATE OF product_id ON sku
    FOR EACH ROW WHEN (OLD.product_id <> NEW.product_id) EXECUTE FUNCTION refuse_change();

-- Files as they arrive: sealed chunks, nobody but the vault reads them again.
CREATE TABLE upload (
    id uuid PRIMARY KEY,
    owner_id bigint NOT NULL REFERENCES party,
    file_name text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    chunks integer NOT NULL CHECK (chunks >= 0),
    complete boolean NOT NULL DEFAULT false,
    sealed_key bytea NOT NULL,                            -- the file's key, sealed to the vault
    created_at timestamptz NOT NULL
);
CREATE TABLE upload_chunk (
    upload_id uuid NOT NULL REFERENCES upload ON DELETE CASCADE,
    n integer NOT NULL CHECK (n >= 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (upload_id, n)
);

CREATE TABLE batch (
    id uuid PRIMARY KEY,
    no integer GENERATED ALWAYS AS IDENTITY UNIQUE,       -- short key of cards and advisory locks; never shown
    owner_id bigint NOT NULL REFERENCES party,            -- whose pool: a merchant (own, owned) or a supplier (consigned)
    supplier_id bigint REFERENCES party,
    sku_id bigint NOT NULL REFERENCES sku,
    terms text NOT NULL CHECK (terms IN ('own', 'owned', 'consigned')),
    unit_cost_micro bigint NOT NULL DEFAULT 0 CHECK (unit_cost_micro BETWEEN 0 AND 1000000000000000),
    state text NOT NULL CHECK (state IN ('importing', 'selling', 'locked', 'recalled', 'abandoned')),
    reason text,
    upload_id uuid REFERENCES upload,
    source_name text NOT NULL,
    source_hash bytea,                                    -- SHA-256 of the file
    card_count integer NOT NULL DEFAULT 0 CHECK (card_count >= 0),
    expires_on date,                                      -- the earliest end date among its cards
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (no, owner_id, sku_id),
    CHECK ((terms = 'consigned') <= (supplier_id IS NOT NULL AND supplier_id = owner_id)),
    CHECK ((terms = 'own') <= (supplier_id IS NULL))
);
CREATE INDEX batch_selling ON batch (sku_id, owner_id, expires_on, no) WHERE state = 'selling';

-- Only the vault's role may read these two.
CREATE TABLE batch_key (
    batch_no integer PRIMARY KEY REFERENCES batch (no),
    vault_key_id text NOT NULL,
    sealed_dek bytea NOT NULL,
    signature bytea                                       -- Ed25519 over the finished batch; unsigned never opens
);

-- Moved only by a sweep: no free card of the batch has a smaller pos.
CREATE TABLE batch_mark (
    batch_no integer PRIMARY KEY REFERENCES batch (no),
    low_pos bigint NOT NULL DEFAULT 0,
    free_count integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
);

CREATE SEQUENCE card_pos;

CREATE TABLE card (
    id uuid PRIMARY KEY,
    batch_no integer NOT NULL,
    owner_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    pos bigint NOT NULL DEFAULT nextval('card_pos'),
    state text NOT NULL,                                  -- core.stock.CardState
    line_id uuid,
    mask text NOT NULL,                                   -- its shape, never its value
    contested boolean NOT NULL DEFAULT false,
    expires_on date,
    opened_at timestamptz,                                -- set by the vault before it gives the secret away
    delivered_at timestamptz,
    FOREIGN KEY (batch_no, owner_id, sku_id) REFERENCES batch (no, owner_id, sku_id),
    CONSTRAINT card_one_state CHECK (CASE state
        WHEN 'free' THEN line_id IS NULL AND delivered_at IS NULL AND opened_at IS NULL
        WHEN 'held' THEN line_id IS NOT NULL AND delivered_at IS NULL AND opened_at IS NULL
        WHEN 'claimed' THEN line_id IS NOT NULL AND delivered_at IS NULL
        WHEN 'delivered' THEN line_id IS NOT NULL AND delivered_at IS NOT NULL AND opened_at IS NOT NULL
        WHEN 'quarantined' THEN delivered_at IS NULL
        WHEN 'withdrawn' THEN line_id IS NULL AND opened_at IS NULL AND delivered_at IS NULL
        WHEN 'void' THEN true
        ELSE false END),
    CONSTRAINT card_contested_is_not_for_sale CHECK (NOT contested OR state IN ('quarantined', 'void'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX card_free ON card (batch_no, pos) WHERE state = 'free';
CREATE INDEX card_line ON card (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX card_batch ON card USING brin (batch_no) WITH (autosummarize = on);   -- a batch's cards came together

-- "Sold once, ever" (INV-S2, INV-S6): a card that was opened keeps its line and is never free again.
CREATE FUNCTION card_sold_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.opened_at IS NOT NULL AND (
        NEW.line_id IS DISTINCT FROM OLD.line_id OR NEW.opened_at IS DISTINCT FROM OLD.opened_at
        OR NEW.state NOT IN ('claimed', 'delivered', 'quarantined', 'void')) THEN
        RAISE EXCEPTION 'an opened card keeps its line' USING ERRCODE = '23514', CONSTRAINT = 'card_sold_once';
    END IF;
    IF OLD.state = 'delivered' AND (NEW.state NOT IN ('delivered', 'void') OR NEW.delivered_at IS DISTINCT FROM OLD.delivered_at) THEN
        RAISE EXCEPTION 'a delivered card stays delivered' USING ERRCODE = '23514', CONSTRAINT = 'card_sold_once';
    END IF;
    IF OLD.line_id IS NOT NULL AND NEW.line_id IS NOT NULL AND NEW.line_id <> OLD.line_id THEN
        RAISE EXCEPTION 'a card passes through free between two lines' USING ERRCODE = '23514', CONSTRAINT = 'card_one_line';
    END IF;
    IF NEW.batch_no <> OLD.batch_no OR NEW.owner_id <> OLD.owner_id OR NEW.sku_id <> OLD.sku_id THEN
        RAISE EXCEPTION 'a card stays in its batch' USING ERRCODE = '23514', CONSTRAINT = 'card_fixed';
    END IF;
    IF NOT (NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
        ('free', 'held'), ('held', 'claimed'), ('held', 'free'), ('claimed', 'free'), ('claimed', 'delivered'),
        ('free', 'quarantined'), ('held', 'quarantined'), ('claimed', 'quarantined'), ('quarantined', 'free'),
        ('quarantined', 'void'), ('free', 'withdrawn'), ('delivered', 'void'))) THEN
        RAISE EXCEPTION 'no such step of a card' USING ERRCODE = '23514', CONSTRAINT = 'card_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_sold_once BEFORE UPDATE ON card FOR EACH ROW EXECUTE FUNCTION card_sold_once();
CREATE TRIGGER card_never_deleted BEFORE DELETE ON card FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Only the vault's role may read this one.
CREATE TABLE card_seal (
    card_id uuid PRIMARY KEY REFERENCES card,
    sealed bytea NOT NULL,
    fingerprint bytea NOT NULL,
    -- Both come from rows that the vault has just read; their foreign keys alone took a third of an import's time.
    issuer_id bigint NOT NULL,
    uploader_id bigint NOT NULL,                          -- the supplier, or the merchant of own stock
    contested boolean NOT NULL DEFAULT false,
    CONSTRAINT card_seal_uploader UNIQUE (uploader_id, issuer_id, fingerprint)
);
CREATE UNIQUE INDEX card_seal_first ON card_seal (issuer_id, fingerprint) WHERE NOT contested;

CREATE TABLE import_job (
    id uuid PRIMARY KEY,
    upload_id uuid NOT NULL REFERENCES upload,
    batch_id uuid REFERENCES batch,                       -- none for a dry run
    dry_run boolean NOT NULL DEFAULT false,
    secret_column text,                                   -- the column that was asked for by name
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    rows_done integer NOT NULL DEFAULT 0,
    added integer NOT NULL DEFAULT 0,
    duplicates integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE TABLE import_refusal (
    job_id uuid NOT NULL REFERENCES import_job,
    n integer NOT NULL,
    place text NOT NULL,                                  -- row 17, or the cell's address B17
    reason text NOT NULL,                                 -- core.custody.imports.decoder.problems.RowProblem
    shape text NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, n)
);

-- What the stock room notices for a higher one (a contested or broken card).
CREATE TABLE stock_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,                                   -- core.stock.StockEventKind
    card_id uuid,
    batch_no integer,
    detail jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    handled_at timestamptz
);

CREATE TABLE offer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id bigint NOT NULL REFERENCES party,
    buyer_id bigint NOT NULL REFERENCES party,
    sku_id bigint NOT NULL REFERENCES sku,
    price_micro bigint NOT NULL CHECK (price_micro BETWEEN 0 AND 1000000000000000),  -- 10⁻⁶ of the major unit, a card
    currency text NOT NULL REFERENCES currency,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    CHECK (seller_id <> buyer_id),
    CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX offer_current ON offer (seller_id, buyer_id, sku_id) WHERE valid_to IS NULL;
CREATE INDEX offer_buyer ON offer (buyer_id, sku_id);

-- Where a listing's cards may come from: a pool and the chain of offers from it to the merchant. Rebuilt on every change of an offer.
CREATE TABLE source (
    merchant_id bigint NOT NULL REFERENCES party,
    sku_id bigint NOT NULL REFERENCES sku,
    pool_owner_id bigint NOT NULL REFERENCES party,
    offer_ids bigint[] NOT NULL DEFAULT '{}',             -- from the pool to the merchant; empty: own stock
    position integer NOT NULL DEFAULT 0,                  -- own stock first
    PRIMARY KEY (merchant_id, sku_id, pool_owner_id)
);
