"""Goods by a sheet: read, compared with what is there, applied together, undone within a day."""
