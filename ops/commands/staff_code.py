"""`channel staff-code`: binds a member of staff, or of a supplier, to a private chat with one of the store's bots."""

from __future__ import annotations

import typer

from core.config import ConfigError


def join(channel: typer.Typer) -> None:
    """Add the command to `channel`."""
    channel.command("staff-code")(staff_code)


def staff_code(
    context: typer.Context,
    email: str = typer.Option(..., "--email", metavar="ADDRESS", help="The login of the person."),
    party: str = typer.Option("", "--party", metavar="CODE", help="For whom, if the person works for several."),
    revoke: bool = typer.Option(False, "--revoke", help="End all chats of this person instead, as for a lost phone."),
) -> None:
    """Print a code that is sent once to a bot as “员工 CODE” or “staff CODE”; then stock can be brought by that chat.

    The bot's account must have the switch `restock=on`. The code works once, for ten minutes.
    """
    from core.actor import OPERATOR
    from core.conversations.staff import WhichParty, end_staff_chats, mint_staff_code
    from core.db import database_now
    from core.errors import NotFound
    from ops.commands.channel import as_shop

    with as_shop(context) as config:
        if revoke:
            count = end_staff_chats(actor=OPERATOR, email=email, now=database_now())
            typer.echo(f"{count} chats of {email} are not bound any more")
            return
        key = config.secret(config.secrets.seal_key)
        try:
            code = mint_staff_code(
                actor=OPERATOR, email=email, party_code=party or None, seal_key=key, now=database_now()
            )
        except NotFound:
            raise ConfigError(
                f"nobody with the login {email} may bring stock: a supplier's owner or stock role does, a merchant's"
                " owner, catalog or stock role"
            ) from None
        except WhichParty as several:
            raise ConfigError(f"{email} brings stock for {several.params['codes']}: name one by --party") from None
    typer.echo(f"{code.text}  for {code.party_code}, works once until {code.expires_at:%H:%M} UTC")
    typer.echo(f"Send it to a bot of the store: 员工 {code.text}  or  staff {code.text}")
