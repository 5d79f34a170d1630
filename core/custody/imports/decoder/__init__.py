"""Reads people's files in a process of its own, which holds no key and may neither open files nor grow without end.

Only the standard library is imported here, and `core.workbooks` which does the same, so that little else runs beside
what strangers wrote. The protocol is in `__main__.py`; the custodian's side of it is in `../decoding.py`.
"""
