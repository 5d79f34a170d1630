"""The room of people: who works for a party with which roles, one's own password and second factor, what roles open."""
