-- What the vault does by itself, and the chain that it makes of the audit.

CREATE TABLE vault_round (
    name text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    done_at timestamptz                       -- NULL until it was done once
);
COMMENT ON TABLE vault_round IS 'When each round of the vault was last done and is due again; kept by the vault';
GRANT SELECT, INSERT, UPDATE ON vault_round TO keystall_vault;
GRANT SELECT ON vault_round TO keystall_shop, keystall_worker;
