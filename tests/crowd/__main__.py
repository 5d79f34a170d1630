"""`python -m tests.crowd [SHOPPERS [OUTAGE]]`: the crowd, printed; exit 1 when anybody has not exactly the own card."""

import sys

from tests.crowd.crowd import crowd

given = [*sys.argv[1:], "", ""]
found = crowd(int(given[0] or 200), outage=float(given[1] or 5))
print("\n".join(found.lines()))
sys.exit(found.with_their_card != found.shoppers or bool(found.sold_twice or found.lost or found.violations))
