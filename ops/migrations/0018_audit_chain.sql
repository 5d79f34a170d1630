-- What the vault does by itself, and the chain that it makes of the audit.

CREATE TABLE vault_round (
    name text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    done_at timestamptz                       -- NULL until it was done once
);
COMMENT ON TABLE vault_round IS 'When each round of the vault was last done and is due again; kept by the vault';
GRANT SELECT, INSERT, UPDATE ON vault_round TO keystall_vault;
GRANT SELECT ON vault_round TO keystall_shop, keystall_worker;

CREATE TABLE audit_link (
    entry_id bigint PRIMARY KEY,              -- no foreign key: an entry that somebody deleted must leave its link behind
    link bytea NOT NULL CHECK (octet_length(link) = 32)
);
COMMENT ON TABLE audit_link IS 'HMAC of each audit entry and of the link before it, under the vault''s audit key';
CREATE TRIGGER audit_link_append_only BEFORE UPDATE OR DELETE ON audit_link
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON audit_link TO keystall_vault;
GRANT SELECT ON audit_link TO keystall_shop, keystall_worker;

-- Nobody who only writes entries chooses their numbers: one far ahead, or one of a gap, would break the chain.
REVOKE INSERT ON audit_entry FROM keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail) ON audit_entry
    TO keystall_shop, keystall_worker, keystall_vault;

-- What the vault finds by itself, it tells.
GRANT SELECT, INSERT, UPDATE (seen, last_at, detail) ON alert TO keystall_vault;
GRANT INSERT ON keystall_task TO keystall_vault;
GRANT USAGE ON SEQUENCE keystall_task_id_seq TO keystall_vault;
