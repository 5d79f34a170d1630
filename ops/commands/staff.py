"""`staff`: logins of merchants' and suppliers' people, and lost phones, by whoever has the machine."""

from __future__ import annotations

import os
import sys

import typer

from core.config import ConfigError

PASSWORD_VARIABLE = "KEYSTALL_STAFF_PASSWORD"  # noqa: S105 (the name of a variable)
ROLES = "owner, finance; a merchant's also catalog, support; a supplier's also stock"


def register(app: typer.Typer) -> None:
    """Add the command."""
    staff = typer.Typer(help="Logins of merchants' and suppliers' people.", no_args_is_help=True)
    staff.command("add")(add)
    staff.command("lost-phone")(lost_phone)
    app.add_typer(staff, name="staff")


def add(
    context: typer.Context,
    email: str = typer.Option(..., "--email", metavar="ADDRESS", help="The login."),
    party: str = typer.Option(..., "--party", metavar="CODE", help="The merchant or supplier."),
    role: list[str] = typer.Option(..., "--role", metavar="ROLE", help=f"One or more of {ROLES}."),
    name: str = typer.Option("", "--name", help="The person's name (default: the e-mail's first part)."),
) -> None:
    """Make a login with roles at one party. Its password comes from KEYSTALL_STAFF_PASSWORD, or is asked for."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.errors import Invalid, NotFound
    from core.parties.service import CodeTaken, Role, create_staff, find_party
    from core.secret import Secret
    from ops.commands.channel import as_shop

    if not set(role) <= set(Role):
        raise ConfigError(f"--role is one or more of {ROLES}")
    password = Secret(_password())
    with as_shop(context):
        try:
            party_id = find_party(code=party).id
            create_staff(
                actor=OPERATOR,
                party_id=party_id,
                email=email,
                name=name or email.partition("@")[0],
                password=password,
                roles=frozenset(Role(one) for one in role),
                now=database_now(),
            )
        except NotFound:
            raise ConfigError(f"there is no party {party!r}") from None
        except CodeTaken:
            raise ConfigError(f"a login with the e-mail {email} exists already: give another one") from None
        except Invalid as wrong:
            raise ConfigError(_invalid(str(wrong.params.get("what")))) from None
    typer.echo(f"{email} is {', '.join(role)} of {party}")


def lost_phone(
    context: typer.Context,
    email: str = typer.Option(..., "--email", metavar="ADDRESS", help="The login of the person."),
) -> None:
    """Take a person's second factor away: all sessions end, the next sign-in sets up another. Make sure who asks."""
    from core.actor import OPERATOR
    from core.db import database_now, execute
    from core.parties.people import second_taken
    from core.vault.client import VaultAway, VaultRefused
    from ops.commands.channel import as_shop
    from ops.processes.vault_wiring import operators_vault

    with as_shop(context) as config:
        rows = execute("SELECT id FROM staff WHERE email = lower(%s)", (email.strip(),))
        if not rows:
            raise ConfigError(f"there is no login {email}")
        try:
            operators_vault(config).forget_second_factor(rows[0][0])
        except VaultAway:
            raise ConfigError("the vault does not answer: start the store first") from None
        except VaultRefused:
            raise ConfigError(f"{email} has no second factor") from None
        second_taken(actor=OPERATOR, staff_id=rows[0][0], now=database_now())
    typer.echo(f"{email} sets a new second factor up at the next sign-in; all sessions are ended")


def _invalid(what: str) -> str:
    mends = {
        "password": "the password is too short: use 12 characters or more",
        "email": "--email is no e-mail address",
        "role": f"the people of this party have no such role: --role is one or more of {ROLES}",
    }
    return mends.get(what, f"the {what} cannot be taken: give another one")


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    if given is None:
        raise ConfigError(f"the password is missing: set {PASSWORD_VARIABLE}, or run this at a terminal")
    return given
