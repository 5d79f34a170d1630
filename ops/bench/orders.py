"""The order path against its twin, and what a hot SKU does to it: everybody of the bench buys the same goods."""

from __future__ import annotations

from collections.abc import Callable

from core import db
from core.config import Config
from ops.bench.figures import Figure
from ops.bench.measure import HOT, USUAL, Bench, Report
from ops.bench.order_path import path_of
from ops.races.trial import trial

CARDS = 8000
SHOPPERS = 16
RATIO = 0.8
MOST_STATEMENTS = {"place": 10, "settle": 10, "deliver": 8}
COMMITS = 5  # place, settle, sending, the vault's audit, delivered


def measured(config: Config, say: Callable[[str], None]) -> list[Figure]:
    """Place, settle and deliver at 1, 4 and 16 clients; about a minute."""
    with trial(config, cards=CARDS, names=("vault",)) as store:
        sessions = [buyer.session for buyer in store.buyers(SHOPPERS)]
        owner = store.config.database.url
        db.connect(owner, size=SHOPPERS + 4)
        path = path_of(store)
        return figures(Bench(path, sessions, url=owner).run(say))


def figures(report: Report) -> list[Figure]:
    """What the bench measured, as rows."""
    found = []
    for row in report.rows:
        beside = f"ours to the twin's rate, {row.clients} clients".replace("1 clients", "1 client")
        found += [
            Figure("orders", beside, row.ratio, "", RATIO, at_most=False),
            Figure("orders", f"orders, {row.clients} at a time", row.ours_rate, "/s"),
            Figure("orders", f"processor time of the twin to ours, {row.clients} at a time", row.processor_ratio),
        ]
    hot = next(row for row in report.rows if row.clients == HOT)
    spread = hot.ours_p99_ms / hot.ours_median_ms
    found += [
        Figure("hot SKU", f"rate of {HOT} clients to that of {USUAL}", report.hot, "", 0.7, at_most=False),
        Figure("hot SKU", f"p99 of {HOT} clients to their median", spread, "×", 10.0),
    ]
    found += [
        Figure("orders", f"statements to {phase}", report.statements[phase], "", most)
        for phase, most in MOST_STATEMENTS.items()
    ]
    commits = sum(report.commits[phase] for phase in ("place", "settle", "deliver", "vault"))
    return [*found, Figure("orders", "commits from place to delivered", commits, "", COMMITS)]
