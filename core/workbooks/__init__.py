"""Reads .xlsx files as if they were hostile; only the standard library is imported here.

Cards' files are read so in the decoder's process, sheets of goods in the panel's under far lower limits.
"""
