"""The logins of the store and its database; their rights on tables come with the migrations."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

DATABASE = "keystall"
OWNER = "keystall_owner"
ROLES = ("keystall_shop", "keystall_panel", "keystall_worker", "keystall_vault", "keystall_direct")


def create_roles(url: str, passwords: Mapping[str, str], *, database: str = DATABASE) -> None:
    """Make what is missing of the logins and the database, and set the passwords; `url` is a superuser's.

    Passwords are sent as scram verifiers, so that no log can hold one.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, *ROLES):
            verb = "ALTER" if role in there else "CREATE"
            verifier = connection.pgconn.encrypt_password(passwords[role].encode(), role.encode(), b"scram-sha-256")
            connection.execute(
                sql.SQL(
                    "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
                ).format(sql.SQL(verb), sql.Identifier(role), sql.Literal(verifier.decode()))
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            create_database(connection, database)


def create_database(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    """An empty database that belongs to the owner and that only our logins may enter."""
    name = sql.Identifier(database)
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in ROLES:
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(role)))
