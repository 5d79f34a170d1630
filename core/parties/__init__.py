"""Platform, merchants, suppliers; their staff and roles; the only way to fetch a foreign object."""
