"""Where the vault's key files come from."""
