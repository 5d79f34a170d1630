"""Who asks the vault, and how it is proved: every process of the store is one user to the kernel.

The vault greets each connection with a challenge; whoever asks for more than its health answers with an HMAC over the
challenge and the request, under a key of its own. web has no such key, so one who has taken it over may ask nothing.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.secret import Secret
from core.vault.primitives import framed

_PURPOSE = "keystall vault request"
_CANONICAL = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True)


class Caller(StrEnum):
    """Who may ask more than `status`, each with a key of its own."""

    WORKER = "worker"  # sends what was paid, has codes exchanged, links opened, and imported what was brought
    OPERATOR = "operator"  # the command line, and the demo's seed


_ON_ITSELF = frozenset({"keys", "rotate", "rekey", "retire", "epoch", "epoch_compared", "epoch_release"})
"""The vault's own keys, and a database that was restored."""

_BY_SEALED_ROWS = frozenset({"look", "take_back", "carry_out_wish"})
"""What people of the panel asked for: the worker names the row, its seal and roles are looked at by the vault."""

MAY_ASK: Mapping[Caller, frozenset[str]] = {
    Caller.WORKER: frozenset({"open", "pickup", "restock", "supplied", "link", "open_link"}) | _BY_SEALED_ROWS,
    Caller.OPERATOR: frozenset(
        {
            "import",
            "cancel_import",
            "decide_contested",
            "vet_supplier",
            "trace",
            "audit",
            "books",
            "task_fields",
            "totp_forget",
        }
    )
    | _ON_ITSELF,
}
ANYONE_MAY_ASK = frozenset(
    {
        "status",
        "totp_begin",
        "totp_confirm",
        "totp_check",
        "totp_replace",
        "totp_replaced",
        "totp_take_away",
        "payout",
        "task_fields_by_code",
        "trace_by_code",
    }
)
OPERATIONS = ANYONE_MAY_ASK.union(*MAY_ASK.values())


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What one caller proves itself with."""

    caller: Caller
    key: Secret

    def signed(self, request: Mapping[str, Any], challenge: str) -> dict[str, Any]:
        """The request as it goes over the socket, with who asks and the proof of it."""
        named = {**request, "caller": self.caller.value}
        return named | {"proof": _proof(self.key, named, challenge)}


def new_challenge() -> str:
    """256 random bits, of one connection."""
    return secrets.token_hex(32)


def proved_caller(keys: Mapping[Caller, Secret], request: Mapping[str, Any], challenge: str) -> Caller | None:
    """Who asks, once it is proved (in constant time); None for anyone else."""
    named = {name: value for name, value in request.items() if name != "proof"}
    proof = request.get("proof")
    for caller, key in keys.items():
        if named.get("caller") == caller.value and isinstance(proof, str):
            right = hmac.compare_digest(_proof(key, named, challenge).encode(), proof.encode(errors="replace"))
            return caller if right else None
    return None


def _proof(key: Secret, named: Mapping[str, Any], challenge: str) -> str:
    said = framed(_PURPOSE, challenge, _CANONICAL.encode(named))
    return hmac.new(key.reveal(), said, "sha256").hexdigest()
