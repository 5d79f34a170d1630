"""The demo store: goods, parties, offers, and card files as suppliers really send them."""
