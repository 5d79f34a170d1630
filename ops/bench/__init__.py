"""Measures the order path against its own statements replayed by a bare driver."""
