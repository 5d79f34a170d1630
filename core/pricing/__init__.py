"""Quote and split, each line with its reason."""
