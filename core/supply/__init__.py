"""Offers, the chain from a pool to a merchant, a listing's sources."""
