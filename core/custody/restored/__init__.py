"""A restored database and the vault: a new epoch, and what the opening log says of the time between."""
