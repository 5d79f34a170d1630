"""The rules of the house as code: what CONTRIBUTING.md asks of every file, checked instead of remembered."""
