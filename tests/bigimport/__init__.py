"""Files as large as an import may be: what they cost in memory, and how near the database's own speed they run."""
