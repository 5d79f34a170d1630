"""Shoppers and their identities."""
