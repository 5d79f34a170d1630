"""What `doctor` and `upgrade --check` look at, each part of it in a file."""
