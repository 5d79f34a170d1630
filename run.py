"""The entry: hands the command line to ops."""

import sys

from ops.cli import run

if __name__ == "__main__":
    sys.exit(run())
