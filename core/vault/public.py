"""The vault's public key as it is now: a long-lived process learns from the vault itself when another is in use.

Never from the database: whoever writes there could name a key of their own and read what is sealed from then on.
"""

from __future__ import annotations

import threading
import time

from core.vault.client import VaultAway, VaultClient, VaultRefused

ASKED_EVERY = 30.0  # seconds; what was sealed with the version before opens all the same


class PublicKey:
    """Call it for the key. `held` is what the process read at its start, None where it had none to read."""

    def __init__(self, client: VaultClient, held: bytes | None) -> None:
        self._client = client
        self._held = held
        self._asked_at = -ASKED_EVERY
        self._lock = threading.Lock()

    def __call__(self) -> bytes | None:
        """The key in use, at most half a minute old; while the vault does not answer, the last that is known."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at < ASKED_EVERY:
                return self._held
            self._asked_at = now
        try:
            found = self._client.status().public_key
        except (VaultAway, VaultRefused):
            found = None
        self._held = found or self._held
        return self._held
