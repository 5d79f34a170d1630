"""Words of the platform's pages for what the store notices: alerts, alarms, states of long work."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from admin.panel import words
from bot.texts import mark
from core.messages.alerts import AlertKind

ALERTS: Mapping[AlertKind, str] = {
    AlertKind.FORGED_WORK: mark("work in the queue that the store did not write"),
    AlertKind.DELIVERY_HELD: mark("a paid line waits for a person"),
    AlertKind.LINE_REFUNDED: mark("paid goods could not be delivered and were refunded"),
    AlertKind.VAULT_AWAY: mark("the vault does not answer: deliveries wait"),
    AlertKind.CHANNEL_MISCONFIGURED: mark("a bot, account, mail or SMS login does not work"),
    AlertKind.CHANNEL_BLOCKED: mark("a platform closed or limited an account"),
    AlertKind.MESSAGE_REFUSED: mark("a platform does not take a message"),
    AlertKind.EVENT_LOST: mark("an event of a platform could not be written down"),
    AlertKind.AUDIT_BROKEN: mark("the audit's chain is broken"),
    AlertKind.CARDS_CONTESTED: mark("two parties brought the same cards"),
    AlertKind.SUPPLIER_TROUBLE: mark("what was bought of a supplier did not come"),
    AlertKind.REFUND_UNKNOWN: mark("nobody knows whether money went back"),
}

MONEY_REASONS: Mapping[str, str] = {
    "unknown_payment": mark("it names no payment that we know"),
    "other_account": mark("its payment belongs to another account"),
    "other_currency": mark("another currency than was asked for"),
    "other_amount": mark("more or less than was asked for"),
    "late": mark("the order had ended: its shopper chooses"),
    "already_paid": mark("the order was paid already: it goes back"),
    "order_returned": mark("the order's money went back before"),
    "already_refunded": mark("its own refund came first"),
    "line_refunded": mark("its goods could not be delivered: it goes back"),
    "refunded_outside": mark("the gateway gave money back by itself"),
    "refund_requested": mark("a refund that is not sent yet"),
    "refund_sent": mark("a refund that the gateway works on"),
    "refund_unknown": mark("a refund whose end nobody knows"),
}

STATES: Mapping[str, tuple[str, str]] = {
    "running": (mark("running"), "warn"),
    "cancelling": (mark("being taken back"), "warn"),
    "done": (mark("done"), "ok"),
    "failed": (mark("failed"), "bad"),
    "cancelled": (mark("taken back"), ""),
    "ready": (mark("waits to be sent"), "warn"),
    "sending": (mark("being sent"), "warn"),
    "unknown": (mark("nobody knows its end"), "bad"),
}

PARTS: Mapping[str, str] = {
    "database": mark("Database"),
    "redis": mark("Redis"),
    "vault": mark("Vault"),
    "worker": mark("Worker"),
    "bot": mark("Bot"),
    "disk": mark("Disk"),
    "backups": mark("Backups"),
    "packages": mark("Packages"),
    "pages": mark("Card page"),
    "audit": mark("Audit"),
    "budget": mark("Opening budget"),
    "folder": mark("Folders"),
    "gateways": mark("Gateways"),
    "shop": mark("Shop"),
    "queue": mark("Queue"),
    "review": mark("Review"),
    "task": mark("Top-ups by hand"),
    "alerts": mark("Alerts"),
}

BUDGETS: Mapping[str, str] = {
    "merchant": mark("of one merchant's goods"),
    "pool": mark("of one pool"),
    "free": mark("of one pool, without money"),
}

ALARMS: Mapping[str, str] = {
    "KeystallSilent": mark("no figures come from the store"),
    "KeystallDatabaseAway": mark("the database does not answer"),
    "KeystallVaultAway": mark("the vault does not open cards: nothing is delivered"),
    "KeystallWorkerAway": mark("no worker is there: nothing is delivered or refunded"),
    "KeystallBotAway": mark("no bot process is there: Telegram's chats stand still"),
    "KeystallRedisAway": mark("Redis does not answer: the database counts instead"),
    "KeystallProcessKeepsStarting": mark("a process keeps ending and is started again"),
    "KeystallMemoryHigh": mark("a process has grown beyond 1 GB"),
    "KeystallDescriptorsLow": mark("a process has few file descriptors left"),
    "KeystallPoolFull": mark("all database connections of a process are in use"),
    "KeystallSessionsLow": mark("the database has few sessions left"),
    "KeystallFiguresUnanswered": mark("the database is too slow to answer for its figures"),
    "KeystallAnswersSlow": mark("one answer of a hundred takes more than 2.5 s"),
    "KeystallDeliveriesLate": mark("somebody paid five minutes ago and has no cards"),
    "KeystallLinesInReview": mark("paid lines wait for a person"),
    "KeystallTasksWaiting": mark("a paid top-up has waited for a person for ten minutes"),
    "KeystallOrdersNotExpiring": mark("unpaid orders keep their cards beyond their time"),
    "KeystallQueueStuck": mark("work waits in the queue for two minutes"),
    "KeystallWorkFailing": mark("work of the queue keeps failing"),
    "KeystallSweepFailing": mark("a sweep has failed three times in a row"),
    "KeystallInboxStuck": mark("somebody wrote a minute ago and has no answer"),
    "KeystallMessagesLate": mark("messages to chats are ten minutes late"),
    "KeystallChatsPaused": mark("a platform makes a bot or chat wait"),
    "KeystallWeChatQuotaUsedUp": mark("WeChat takes no more customer-service messages"),
    "KeystallStockOut": mark("goods on sale have no cards"),
    "KeystallStockLow": mark("goods on sale have fewer than ten cards"),
    "KeystallImportStuck": mark("an import has run for an hour"),
    "KeystallImportFailed": mark("an import failed"),
    "KeystallRefundsStuck": mark("nobody knows for an hour whether money went back"),
    "KeystallPayoutsWaiting": mark("a payout was asked for three days ago and has no end"),
    "KeystallSuspenseUndecided": mark("money that fits no order waits beyond its time"),
    "KeystallSuspenseGrows": mark("more than twenty payments fit no order"),
    "KeystallPaymentsUnasked": mark("gateways are not asked about open payments"),
    "KeystallCallbacksFailing": mark("callbacks of gateways cannot be booked"),
    "KeystallCallbacksForged": mark("somebody sends payment notices that no gateway signed"),
    "KeystallBudgetNearlyUsed": mark("a merchant or a pool has used four fifths of what may be opened in an hour"),
    "KeystallVaultRoundLate": mark("the vault does not get round to what it does by itself"),
    "KeystallAuditLag": mark("audit entries are not linked"),
    "KeystallAuditBroken": mark("the audit's chain is broken"),
    "KeystallForgedWork": mark("somebody wrote into the queue with a stolen login"),
    "KeystallBooksWrong": mark("an invariant was violated when the books were sealed"),
    "KeystallCheckpointOld": mark("the books were not sealed for two hours"),
    "KeystallBackupOld": mark("no backup was made for two days"),
    "KeystallRestoreUnreleased": mark("nothing is sold: a restored backup is not released"),
    "KeystallAlertsUntold": mark("alerts were told to nobody"),
}
"""What each alarm of ops/alarms/every.py says; its section in docs/runbook.md has the same name."""


def state(of: str) -> Markup:
    """A state of long work as people read it, coloured by what it asks of them."""
    called, colour = STATES.get(of, (of, ""))
    return Markup('<span class="pill {}">{}</span>').format(colour, words().say(called))
