"""One strategy per product kind: how a paid line reaches its shopper."""
