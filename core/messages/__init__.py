"""Things to tell people: typed ids, no secrets, numbered per conversation."""
