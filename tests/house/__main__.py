"""`python -m tests.house`: the house rules and the search for committed secrets; exit status 1 if anything is found."""

import sys

from tests.house.check import findings

found = findings()
print("\n".join(found) if found else "house rules kept, no secrets found")
sys.exit(1 if found else 0)
