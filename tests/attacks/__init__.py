"""Attacks as programs: each says what it tries and what came of it; tests and `python -m tests.attacks` run them."""
