"""The entry: hands the command line to ops, or says what this machine lacks."""

import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it with an older one gets a sentence
        sys.exit("keystall: Python 3.11 or newer is needed: `make demo` finds it, or run python3.11 run.py")
    try:
        from ops.cli import run
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"keystall: the package {missing.name} is missing: `make demo` installs it\n")
        sys.exit(2)
    sys.exit(run())
