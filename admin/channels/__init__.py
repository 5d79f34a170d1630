"""Bots, official accounts and gateways of a merchant: connecting them, how they are, pausing and leaving them."""
