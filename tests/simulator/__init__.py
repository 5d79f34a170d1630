"""A store in one thread, by seed: whole days of shoppers, money, stock and crashes, and every invariant after each."""
