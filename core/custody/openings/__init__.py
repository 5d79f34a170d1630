"""The ways out of the vault: a sale, a card page, a pick-up code, a secret field; checked, logged, then opened."""
