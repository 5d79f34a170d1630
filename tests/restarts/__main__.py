"""`python -m tests.restarts [--times 5] [--clients 8]`: restarts a demo under load; exit 1 when anything was lost."""

import argparse
import sys
import time

from tests.restarts.orderers import Orderers
from tests.support.whole import WholeStore


def main() -> int:
    """Print what happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.restarts", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    store = WholeStore().start()
    try:
        with Orderers(store.address, asked.clients) as orderers:
            orderers.wait_for(asked.clients)
            for number in range(asked.times):
                before, began = len(orderers.tokens), time.monotonic()
                said = store.run("restart")
                print(f"restart {number + 1}: {said.stdout.strip() or said.stderr.strip()}", end=" ")
                print(f"({time.monotonic() - began:.1f} s, {len(orderers.tokens) - before} orders meanwhile)")
    finally:
        store.remove()
    lost = orderers.ordered - len(set(orderers.tokens))
    print(f"orders {orderers.ordered}\nfailed requests {len(orderers.failures)}\nlost {lost}")
    for failure in orderers.failures[:10]:
        print(f"  {failure}")
    return int(bool(orderers.failures or lost))


if __name__ == "__main__":
    sys.exit(main())
