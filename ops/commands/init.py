"""`init`: vault keys, schema, and the first operator account of a real shop."""

from __future__ import annotations

import os
import sys

import typer

PASSWORD_VARIABLE = "KEYSTALL_OPERATOR_PASSWORD"  # noqa: S105 (the name of a variable)
_SHORTEST_PASSWORD = 12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    context: typer.Context,
    email: str = typer.Option("", "--email", help="The operator's e-mail; asked for when a person runs this."),
    name: str = typer.Option("", "--name", help="The operator's name (default: the e-mail's first part)."),
) -> None:
    """Make the vault's keys, bring the schema up to date, and make the first operator account.

    The password is read from KEYSTALL_OPERATOR_PASSWORD or asked for, never taken from arguments. Keys that exist
    are never touched. Copy the keys folder to a safe place: without it no card of this store can ever be opened.
    """
    from ops import keys
    from ops.backups import keys as backup_keys
    from ops.installation import Kind
    from ops.operator import add_operator, has_operator
    from ops.store import be_of_kind, load_config, opened, refuse_new_vault_keys

    config = load_config(context)
    if PASSWORD_VARIABLE in os.environ:
        _long_enough(os.environ[PASSWORD_VARIABLE])  # before anything is made
    with opened(config) as store:
        made = be_of_kind(store.config, Kind.PRODUCTION)
        refuse_new_vault_keys(store.config)
        for path in made + keys.make_missing(store.config) + backup_keys.make_missing(store.config):
            print(f"made {path}")
        for defect in keys.defects(store.config):
            print(f"DEFECT {defect}")
        owner = store.config.database.url
        if has_operator(owner):
            print("An operator account is there already; it was left as it is.")
            return
        email = email or (typer.prompt("Operator's e-mail") if sys.stdin.isatty() else "")
        if not email:
            print(f"No operator account was made: run again with --email and {PASSWORD_VARIABLE}.")
            return
        add_operator(owner, email=email, name=name or email.partition("@")[0], password=_password())
    print(f"Made the operator account {email}. Keep a copy of {config.keys_dir} in a safe place.")


def _password() -> str:
    from core.config import ConfigError

    given = os.environ.get(PASSWORD_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    if given is None:
        raise ConfigError(f"the operator's password is missing: set {PASSWORD_VARIABLE}, or run this at a terminal")
    return _long_enough(given)


def _long_enough(password: str) -> str:
    from core.config import ConfigError

    if len(password) < _SHORTEST_PASSWORD:
        raise ConfigError(f"the operator's password is too short: use {_SHORTEST_PASSWORD} characters or more")
    return password
