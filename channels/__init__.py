"""Every wire to the outside: one file per counterpart, no store rules."""
