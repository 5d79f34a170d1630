"""The card page: two files that never change, and one question. The key of its cards never comes to this server."""
