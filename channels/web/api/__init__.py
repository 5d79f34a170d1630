"""The public HTTP API: the chat, the goods, and its own description."""
