"""The way into the vault: from a sealed upload to a signed batch on sale, and back again while nothing was sold."""
