"""The vault's own keys: their versions, and what changes them."""
