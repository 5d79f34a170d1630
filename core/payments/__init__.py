"""Intents, events, refunds, wallet, reconciliation."""
