"""Where somebody speaks from, as quotas know it: a keyed hash, so that no address and no number of a person is kept."""

from __future__ import annotations

import hashlib
import hmac

from core.secret import Secret


def network_mark(session_key: Secret, named: str) -> str:
    """The mark of a network (`192.0.2.7/32`), or of a person where none is seen (`telegram:<number>`)."""
    return hmac.new(session_key.reveal(), b"keystall network\x00" + named.encode(), hashlib.sha256).hexdigest()[:32]
