"""What a supplier does: asks to be let in, offers, watches its goods and sales; keys of its other systems."""
