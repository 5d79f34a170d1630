"""How long `verify` takes on large stores."""
