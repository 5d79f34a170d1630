"""Backups of the database: made while the store sells, and brought back as a new epoch of the vault."""
