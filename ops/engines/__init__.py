"""The embedded PostgreSQL and Valkey, started for a store that was given no addresses of its own.

`start(config)` owns them (up, demo); `attach_or_start(config)` is for every other command.
"""

from ops.engines.engines import Engines, attach_or_start, start
from ops.engines.postgres import PostgresServer
from ops.engines.roles import DATABASE, ROLES, create_roles

__all__ = ["DATABASE", "ROLES", "Engines", "PostgresServer", "attach_or_start", "create_roles", "start"]
