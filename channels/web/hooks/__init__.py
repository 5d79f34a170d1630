"""Doors for other systems that tell us something: verified, written down, answered; never a call outside."""
