"""One file per command; each has `register(app)`, which ops.cli calls."""
