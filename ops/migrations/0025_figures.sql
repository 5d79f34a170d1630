-- What each process counts about itself, shown by whichever web process answers on the operator's port.

CREATE UNLOGGED TABLE process_figures (
    host text NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
    process text NOT NULL CHECK (process IN ('web', 'bot', 'worker', 'vault')),
    place integer NOT NULL CHECK (place BETWEEN 0 AND 63),
    started_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    starts integer NOT NULL DEFAULT 1 CHECK (starts >= 1),   -- since the table was empty
    figures jsonb NOT NULL CHECK (jsonb_typeof(figures) = 'array' AND pg_column_size(figures) <= 262144),
    PRIMARY KEY (host, process, place)
) WITH (fillfactor = 50);
COMMENT ON TABLE process_figures IS 'One row a process, overwritten every few seconds; empty after a crash of the server';

GRANT SELECT, INSERT, UPDATE ON process_figures TO keystall_shop, keystall_worker, keystall_vault;
GRANT DELETE ON process_figures TO keystall_worker;

-- Paid lines that wait for something, the oldest first: what people have to do by hand is counted whenever somebody reads
-- the figures.
CREATE INDEX delivery_waiting ON delivery (created_at) WHERE state = 'waiting';

-- How much of the opening budgets is used this hour, without reading the hours before.
CREATE INDEX opening_budget_hour ON opening_budget (hour);
CREATE INDEX pool_budget_hour ON pool_budget (hour);
GRANT SELECT ON opening_budget, pool_budget TO keystall_shop;
