"""What the tables say about the queue, the vault, the books and the database; bounded as those of selling.py are."""

from __future__ import annotations

from ops.figures.asked import Asked, Question

WORK = (
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(queued_at)))
FROM (SELECT queued_at FROM keystall_task ORDER BY id LIMIT 10000) t
""",
        (
            Asked("keystall_queue_tasks", "Work that waits in the queue (primary key)."),
            Asked("keystall_queue_oldest_seconds", "How long the oldest of it has waited."),
        ),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(received_at)))
FROM (SELECT received_at FROM inbox WHERE handled_at IS NULL ORDER BY received_at LIMIT 10000) i
""",
        (
            Asked("keystall_inbox_unhandled", "Events of platforms that nobody has answered (index inbox_unhandled)."),
            Asked("keystall_inbox_oldest_seconds", "How long the oldest of them has waited."),
        ),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(due_at)))
FROM (SELECT due_at FROM outgoing WHERE state = 'ready' AND due_at <= now() ORDER BY due_at LIMIT 10000) o
""",
        (
            Asked("keystall_messages_due", "Messages to chats that are due (index outgoing_due)."),
            Asked("keystall_messages_oldest_seconds", "How long the oldest of them has been due."),
        ),
    ),
    Question(
        """
SELECT count(*) FILTER (WHERE state = 'running'), count(*) FILTER (WHERE state = 'failed'),
       greatest(0, extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'running')))
FROM (SELECT state, created_at FROM import_job ORDER BY id DESC LIMIT 500) j
WHERE state = 'running' OR created_at > now() - interval '1 day'
""",
        (
            Asked("keystall_imports_running", "Imports under way, of the last 500 (primary key)."),
            Asked("keystall_imports_failed_last_day", "Imports that failed within a day, of the last 500."),
            Asked("keystall_import_oldest_seconds", "How long the oldest running import has run."),
        ),
    ),
)

VAULT = (
    Question(
        "SELECT open::int, extract(epoch FROM now() - at) FROM vault_state",
        (
            Asked("keystall_vault_open", "1 while the vault said at its start that it opens cards."),
            Asked("keystall_vault_state_age_seconds", "How long ago it said so."),
        ),
    ),
    Question(
        """
SELECT p.code, k.code, b.opened FROM opening_budget b JOIN party p ON p.id = b.merchant_id JOIN sku k ON k.id = b.sku_id
WHERE b.hour >= date_trunc('hour', now()) ORDER BY b.opened DESC LIMIT 20
""",
        (Asked("keystall_opening_budget_used", "Cards opened this hour: the 20 with the most (index by hour)."),),
        ("merchant", "sku"),
    ),
    Question(
        """
SELECT coalesce(max(opened), 0), coalesce(sum(opened), 0)
FROM (SELECT opened FROM opening_budget WHERE hour >= date_trunc('hour', now()) LIMIT 1000) b
""",
        (
            Asked("keystall_opening_budget_most_used", "Cards opened this hour of the one SKU with the most."),
            Asked("keystall_openings_this_hour", "Cards opened this hour."),
        ),
    ),
    Question(
        """
SELECT coalesce(max(opened), 0), coalesce(max(free), 0)
FROM (SELECT opened, free FROM pool_budget WHERE hour >= date_trunc('hour', now()) LIMIT 1000) b
""",
        (
            Asked("keystall_pool_budget_most_used", "Cards opened this hour of the one pool with the most."),
            Asked("keystall_pool_budget_most_free", "Of those the most of one pool that nobody paid for."),
        ),
    ),
    Question(
        "SELECT opening_budget_per_hour FROM installation",
        (Asked("keystall_opening_budget_set", "The opening budget of a demo, of race and of tests, an hour and SKU."),),
    ),
    Question(
        "SELECT name, greatest(0, extract(epoch FROM now() - next_at)) FROM vault_round",
        (Asked("keystall_vault_round_overdue_seconds", "How late the vault's own rounds are (a row each)."),),
        ("round",),
    ),
)

BOOKS = (
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(at)))
FROM (SELECT at FROM audit_entry WHERE id > coalesce((SELECT max(entry_id) FROM audit_link), 0)
      ORDER BY id LIMIT 1000) a
""",
        (
            Asked("keystall_audit_unlinked", "Audit entries behind the chain's end (primary key)."),
            Asked("keystall_audit_lag_seconds", "How old the oldest of them is."),
        ),
    ),
    Question(
        """
SELECT extract(epoch FROM now() - at), (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(counts))
FROM checkpoint ORDER BY number DESC LIMIT 1
""",
        (
            Asked("keystall_checkpoint_age_seconds", "How long ago the books were sealed (primary key)."),
            Asked("keystall_checkpoint_violations", "Violations of invariants that were seen then."),
        ),
    ),
    Question(
        """
SELECT extract(epoch FROM now() - coalesce((SELECT max(made_at) FROM backup_made),
                                           CASE WHEN kind = 'production' THEN created_at END)),
       (SELECT count(*) FROM vault_epoch WHERE released_at IS NULL)
FROM installation
""",
        (
            Asked("keystall_backup_age_seconds", "How long ago the last backup was made, or a real shop without one."),
            Asked("keystall_restore_unreleased", "1 while nothing is sold since a backup was restored."),
        ),
    ),
)

DATABASE = (
    Question(
        """
SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity),
       current_setting('max_connections')::int,
       (SELECT count(*) FROM pg_stat_activity)::numeric / current_setting('max_connections')::int,
       xact_commit, xact_rollback, deadlocks
FROM pg_stat_database WHERE datname = current_database()
""",
        (
            Asked("keystall_database_bytes", "Size of the store's database."),
            Asked("keystall_database_sessions", "Sessions of the server, its own included."),
            Asked("keystall_database_sessions_limit", "The most it takes (max_connections)."),
            Asked("keystall_database_sessions_used_ratio", "Sessions in parts of that."),
            Asked("keystall_database_commits", "Transactions committed since its statistics were reset."),
            Asked("keystall_database_rollbacks", "Transactions rolled back."),
            Asked("keystall_database_deadlocks", "Deadlocks that it had to end."),
        ),
    ),
    Question(
        """
SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE relname IN ('card', 'shop_order', 'delivery', 'keystall_task')
""",
        (Asked("keystall_dead_rows", "Rows that autovacuum has not removed yet."),),
        ("table",),
    ),
)
