"""Who did what: entries appended in the use case's own transaction."""
