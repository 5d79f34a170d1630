"""The store on engines that somebody else runs: Debian's PostgreSQL, PgBouncer and Redis, over TLS."""
