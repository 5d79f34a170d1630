"""A merchant's goods: products, SKUs, listings."""
