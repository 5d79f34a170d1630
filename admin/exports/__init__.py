"""Rows as files: streamed as they are read, safe in a spreadsheet, and each in the audit."""
