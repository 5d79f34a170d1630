"""Orders, as merchants and the platform see them."""
