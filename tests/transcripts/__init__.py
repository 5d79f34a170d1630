"""Conversations as people have them, on each channel in both languages, written down to be read."""
