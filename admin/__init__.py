"""The panel for platform, merchants and suppliers."""
