"""Uploads, batches, cards, and how they are held, claimed, released and locked."""
