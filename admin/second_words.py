"""What the vault's no to a code means for whoever typed it."""

from __future__ import annotations

from bot.texts import mark
from core.vault.client import VaultAway, VaultCode, VaultRefused

WRONG_CODE = mark("This code does not count: it is wrong, too old, or was used already. Wait for the next one.")
CODES_BLOCKED = mark("Too many wrong codes. Wait a quarter of an hour, then try again.")
AWAY = mark("The vault, which checks the code, does not answer. Nothing was changed; try again in a minute.")


def why_not(no: VaultAway | VaultRefused) -> str:
    """A message id."""
    if isinstance(no, VaultAway):
        return AWAY
    return CODES_BLOCKED if no.vault_code is VaultCode.TOO_OFTEN else WRONG_CODE


def status_of(no: VaultAway | VaultRefused) -> int:
    """The status of the answer."""
    return 503 if isinstance(no, VaultAway) else 403
