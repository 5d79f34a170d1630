"""Products, SKUs with their axes, listings with prices, search."""
