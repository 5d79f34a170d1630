"""The processes of a store, their supervisor, and what runs in them by itself."""
