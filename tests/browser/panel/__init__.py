"""The panel in a real browser: every page at both widths, what it takes to open a shop, and pictures of it."""
