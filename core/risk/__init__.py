"""Facts about a purchase in, a decision with reasons out."""
