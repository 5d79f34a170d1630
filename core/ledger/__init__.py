"""The books: append-only transfers, bounded and unbounded accounts."""
