"""Read-only questions: trace and the invariants' check."""
