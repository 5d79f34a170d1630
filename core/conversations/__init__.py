"""Inbox, sessions, buttons and menus sent."""
