"""`python -m tests.bigimport [ROWS] [PAIRS]`: imports files of ROWS / 10 and of ROWS rows, and prints what they cost.

Memory is each process's greatest (VmHWM). The ratio compares the vault's import, sealing included, with a bare
connection that copies the same sealed rows into the same tables, side by side in PAIRS pairs; 1 when a limit is missed.
"""

from __future__ import annotations

import sys

from core.config import Config
from ops.trial import trial
from tests.bigimport.measure import measured

given = [int(one) for one in sys.argv[1:]]
rows, pairs = (given + [1_000_000, 5][len(given) :])[:2]
with trial(Config(), cards=100, names=("vault",)) as store:
    sys.exit(measured(store, rows=rows, pairs=pairs))
