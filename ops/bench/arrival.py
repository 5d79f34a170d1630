"""How long a shopper waits for the cards after paying, while others buy too: from settled money to cards read.

A whole store is at work: web, worker and vault in their own processes; the shoppers read their chat as the web
does, woken by the database, and open what was sealed to them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.config import Config
from ops.bench.figures import Figure
from ops.races.race import Race, quantile
from ops.races.trial import trial

BUSY = 4
ORDERS = 400
MEDIAN_MS, SLOWEST_MS = 150.0, 1000.0


class Busy(Race):
    """A race in which so many buy at any time, one after the other, instead of all at once."""

    def buy(self, at_once: int) -> list[float]:
        """Let everybody buy; the seconds from payment to cards. Raises RuntimeError when somebody got none."""
        listening = threading.Thread(target=self._listen, daemon=True)
        listening.start()
        self._gate.set()
        try:
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(self._buy, self.buyers, self.baskets))
        finally:
            self._over.set()
            listening.join(5)
        if any(not basket.received for basket in self.baskets):
            raise RuntimeError("somebody who paid got no cards")
        return [basket.paid_to_cards for basket in self.baskets if basket.paid_to_cards is not None]


def measured(config: Config, say: Callable[[str], None], *, orders: int = ORDERS) -> list[Figure]:
    """Median and p99 from paid to cards with four busy shoppers; under a minute."""
    with trial(config, cards=orders) as store:
        taken = Busy(store, store.buyers(orders)).buy(BUSY)
    say(f"{orders} orders of {BUSY} busy shoppers arrived")
    return [
        Figure("arrival", f"paid to cards, {BUSY} busy shoppers, median", 1000 * quantile(taken, 0.5), "ms", MEDIAN_MS),
        Figure("arrival", f"paid to cards, {BUSY} busy shoppers, p99", 1000 * quantile(taken, 0.99), "ms", SLOWEST_MS),
    ]
