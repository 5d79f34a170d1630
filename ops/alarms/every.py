"""Every alarm of a store."""

from __future__ import annotations

from ops.alarms.alarm import Alarm, Severity

NOW, SOON = Severity.NOW, Severity.SOON
_CALLBACKS = 'sum(increase(keystall_payment_callbacks_total{outcome="%s"}[10m])) > %d'
_SLOW = (
    "histogram_quantile(0.99, sum by (le) (rate(keystall_http_seconds_bucket"
    '{route!~".*(messages|state|cards).*"}[5m]))) > 2.5'
)

PARTS = (
    Alarm("KeystallSilent", NOW, "no figures come from the store", "keystall_part_up",
          expression="absent(keystall_part_up)", minutes=2),
    Alarm("KeystallDatabaseAway", NOW, "the database does not answer", "keystall_part_up",
          below=1, minutes=1, labels={"part": "database"}),
    Alarm("KeystallVaultAway", NOW, "the vault does not open cards: nothing is delivered", "keystall_part_up",
          below=1, minutes=2, labels={"part": "vault"}),
    Alarm("KeystallWorkerAway", NOW, "no worker is there: nothing is delivered or refunded", "keystall_part_up",
          below=1, minutes=1, labels={"part": "worker"}),
    Alarm("KeystallBotAway", NOW, "no bot process is there: Telegram's chats stand still", "keystall_part_up",
          below=1, minutes=2, labels={"part": "bot"}),
    Alarm("KeystallRedisAway", SOON, "Redis does not answer: the database counts instead", "keystall_part_up",
          below=1, minutes=10, labels={"part": "redis"}),
    Alarm("KeystallProcessKeepsStarting", NOW, "a process keeps ending and is started again", "keystall_process_starts",
          expression="increase(keystall_process_starts[15m]) > 3"),
    Alarm("KeystallMemoryHigh", SOON, "a process has grown beyond 1 GB", "keystall_process_memory_bytes",
          above=1e9, minutes=10),
    Alarm("KeystallDescriptorsLow", NOW, "a process has few file descriptors left",
          "keystall_process_descriptors_used_ratio",
          above=0.8, minutes=2),
    Alarm("KeystallPoolFull", NOW, "all database connections of a process are in use",
          "keystall_database_connections_used_ratio", above=0.95, minutes=5),
    Alarm("KeystallSessionsLow", NOW, "the database has few sessions left", "keystall_database_sessions_used_ratio",
          above=0.8, minutes=5),
    Alarm("KeystallFiguresUnanswered", SOON, "the database is too slow to answer for its figures",
          "keystall_figures_unanswered", above=0, minutes=5),
    Alarm("KeystallAnswersSlow", SOON, "one answer of a hundred takes more than 2.5 s", "keystall_http_seconds",
          expression=_SLOW, minutes=10),
)  # fmt: skip

SALES = (
    Alarm("KeystallDeliveriesLate", NOW, "somebody paid five minutes ago and has no cards",
          "keystall_delivery_oldest_seconds", above=300, minutes=2),
    Alarm("KeystallLinesInReview", SOON, "paid lines wait for a person",
          "keystall_lines_in_review", above=0, minutes=5),
    Alarm("KeystallTasksWaiting", SOON, "a paid top-up has waited for a person for ten minutes",
          "keystall_tasks_waiting_oldest_seconds", above=600),
    Alarm("KeystallOrdersNotExpiring", SOON, "unpaid orders keep their cards beyond their time",
          "keystall_orders_overdue_seconds", above=120, minutes=2),
    Alarm("KeystallQueueStuck", NOW, "work waits in the queue for two minutes", "keystall_queue_oldest_seconds",
          above=120, minutes=3),
    Alarm("KeystallWorkFailing", NOW, "work of the queue keeps failing", "keystall_work_total",
          expression="sum by (kind) (increase(keystall_work_total{end=\"failed\"}[10m])) > 5"),
    Alarm("KeystallSweepFailing", NOW, "a sweep has failed three times in a row", "keystall_sweep_failing",
          above=2, minutes=2),
    Alarm("KeystallInboxStuck", NOW, "somebody wrote a minute ago and has no answer", "keystall_inbox_oldest_seconds",
          above=60, minutes=3),
    Alarm("KeystallMessagesLate", SOON, "messages to chats are ten minutes late", "keystall_messages_oldest_seconds",
          above=600, minutes=5),
    Alarm("KeystallChatsPaused", SOON, "a platform makes a bot or chat wait",
          "keystall_chats_paused", above=0, minutes=15),
    Alarm("KeystallWeChatQuotaUsedUp", SOON, "WeChat takes no more customer-service messages",
          "keystall_wechat_quota_refusals_last_hour", above=0),
    Alarm("KeystallStockOut", SOON, "goods on sale have no cards", "keystall_stock_out", above=0, minutes=10),
    Alarm("KeystallStockLow", SOON, "goods on sale have fewer than ten cards",
          "keystall_stock_low", above=0, minutes=30),
    Alarm("KeystallImportStuck", SOON, "an import has run for an hour", "keystall_import_oldest_seconds", above=3600),
    Alarm("KeystallImportFailed", SOON, "an import failed", "keystall_imports_failed_last_day", above=0),
)  # fmt: skip

MONEY = (
    Alarm("KeystallRefundsStuck", NOW, "nobody knows for an hour whether money went back", "keystall_refunds_stuck",
          above=0, minutes=5),
    Alarm("KeystallPayoutsWaiting", SOON, "a payout was asked for three days ago and has no end",
          "keystall_payouts_oldest_seconds", above=259200),
    Alarm("KeystallSuspenseUndecided", NOW, "money that fits no order waits beyond its time",
          "keystall_suspense_undecided",
          above=0, minutes=10),
    Alarm("KeystallSuspenseGrows", SOON, "more than twenty payments fit no order", "keystall_suspense_open",
          above=20, minutes=10),
    Alarm("KeystallPaymentsUnasked", NOW, "gateways are not asked about open payments", "keystall_payments_unasked",
          above=0, minutes=10),
    Alarm("KeystallCallbacksFailing", NOW, "callbacks of gateways cannot be booked", "keystall_payment_callbacks_total",
          expression=_CALLBACKS % ("failed", 0), minutes=5),
    Alarm("KeystallCallbacksForged", SOON, "somebody sends payment notices that no gateway signed",
          "keystall_payment_callbacks_total", expression=_CALLBACKS % ("forged", 20)),
)  # fmt: skip

TRUST = (
    Alarm("KeystallBudgetNearlyUsed", NOW, "a merchant or a pool has used four fifths of what may be opened in an hour",
          "keystall_opening_budget_used_ratio", above=0.8),
    Alarm("KeystallVaultRoundLate", SOON, "the vault does not get round to what it does by itself",
          "keystall_vault_round_overdue_seconds", above=600, minutes=5),
    Alarm("KeystallAuditLag", NOW, "audit entries are not linked", "keystall_audit_lag_seconds", above=30, minutes=1),
    Alarm("KeystallAuditBroken", NOW, "the audit's chain is broken", "keystall_alerts_last_hour",
          above=0, labels={"kind": "audit_broken"}),
    Alarm("KeystallForgedWork", NOW, "somebody wrote into the queue with a stolen login", "keystall_alerts_last_hour",
          above=0, labels={"kind": "forged_work"}),
    Alarm("KeystallBooksWrong", NOW, "an invariant was violated when the books were sealed",
          "keystall_checkpoint_violations", above=0),
    Alarm("KeystallCheckpointOld", SOON, "the books were not sealed for two hours", "keystall_checkpoint_age_seconds",
          above=7800, minutes=5),
    Alarm("KeystallBackupOld", SOON, "no backup was made for two days", "keystall_backup_age_seconds", above=172800),
    Alarm("KeystallRestoreUnreleased", NOW, "nothing is sold: a restored backup is not released",
          "keystall_restore_unreleased", above=0),
    Alarm("KeystallAlertsUntold", SOON, "alerts were told to nobody", "keystall_alerts_untold_oldest_seconds",
          above=900, minutes=5),
)  # fmt: skip

ALARMS: tuple[Alarm, ...] = (*PARTS, *SALES, *MONEY, *TRUST)
"""In the order in which they are shown."""
