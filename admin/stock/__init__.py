"""Cards: batches, imports, what is locked."""
