"""Telegram: screens as its messages."""
