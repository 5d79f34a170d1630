"""The vault process's own code: it imports, checks, opens and keeps the log of what it opened."""
