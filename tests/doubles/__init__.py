"""Doubles of outside systems: servers on loopback that speak the real protocols and refuse what the real ones do."""
