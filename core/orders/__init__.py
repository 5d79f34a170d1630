"""The order's life, holds and deliveries included."""
