"""Protections that were taken away, one at a time, and the test that then fails: the proof that the tests can fail.

Each room's list stands in a file of its own; `python -m tests.mutations` tries them in a copy of the tree and keeps in
`seen.json` which were seen to fail, as they stand now. `make docs` writes them into docs/invariants.md.
"""
