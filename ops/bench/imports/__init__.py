"""Imports of any size: what they cost in memory, and beside a bare connection that adds the same rows."""
