"""What is said: the conversation of the shop, independent of any chat platform."""
