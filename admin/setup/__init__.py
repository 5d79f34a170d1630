"""A merchant opens its shop: four steps, each tried live, and the shop's own settings."""
