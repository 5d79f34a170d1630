"""Graceful restarts while shoppers order: `python -m tests.restarts` in full, a small form of it in the suite."""
