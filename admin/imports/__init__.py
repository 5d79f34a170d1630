"""Cards that suppliers and merchants bring as files: chosen, sealed, looked at, confirmed, imported, reported."""
