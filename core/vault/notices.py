"""The sandbox's notice, in the one place that both its signer and its two readers can reach.

The worker signs it with Ed25519 as the sandbox's own side; the web process checks it at the door, and the vault checks
it again from the stored bytes before it opens anything (security.md, "payment evidence").
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.vault.primitives import derive, framed

SIGNATURE_HEADER = "keystall-sandbox-signature"


class UnsignedNotice(Exception):
    """The bytes are not a notice that the sandbox signed for this account."""


@dataclass(frozen=True, slots=True)
class SandboxNotice:
    """What the sandbox says. Amount in minor units; `at` in Unix seconds; `payment` is our number for the intent."""

    account: str  # the opaque id of the gateway account
    transaction: str  # the sandbox's own number, unique
    kind: str  # paid | refunded
    payment: str
    amount_minor: int
    currency: str
    at: int


def sign_notice(private_key: bytes, notice: SandboxNotice) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a notice; `private_key` is the sandbox's Ed25519 key (32 bytes)."""
    body = json.dumps(asdict(notice), sort_keys=True, separators=(",", ":")).encode()
    signature = _signing(private_key).sign(_signed(notice.account, body))
    return body, {"content-type": "application/json", SIGNATURE_HEADER: base64.b64encode(signature).decode()}


def read_notice(public_key: bytes, body: bytes, headers: Mapping[str, str], *, account: str) -> SandboxNotice:
    """The notice in `body`, once its signature for `account` proved right. Raises `UnsignedNotice`."""
    try:
        signature = base64.b64decode(_header(headers, SIGNATURE_HEADER), validate=True)
        _verifying(public_key).verify(signature, _signed(account, body))
        notice = SandboxNotice(**json.loads(body))
        UUID(notice.payment)
    except (InvalidSignature, binascii.Error, ValueError, TypeError, AttributeError):
        raise UnsignedNotice from None
    exact = type(notice.amount_minor) is int and type(notice.at) is int and notice.amount_minor > 0
    if notice.account != account or not exact:
        raise UnsignedNotice
    return notice


@functools.lru_cache(maxsize=4)
def _signing(private_key: bytes) -> Ed25519PrivateKey:
    """To make the object of the key takes longer than to sign with it; whoever signs has the key for life anyway."""
    return Ed25519PrivateKey.from_private_bytes(private_key)


@functools.lru_cache(maxsize=4)
def _verifying(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def _signed(account: str, body: bytes) -> bytes:
    return framed("keystall sandbox notice", account, body)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def sandbox_private_key(act_key: bytes) -> bytes:
    """The sandbox's Ed25519 key (32 bytes), derived from the worker's `act` key: only the worker can sign notices."""
    return derive(act_key, "keystall sandbox notice key", 32)


def sandbox_public_key(act_key: bytes) -> bytes:
    """Its public half (32 bytes), stored in `installation` when a demo database is made."""
    private = Ed25519PrivateKey.from_private_bytes(sandbox_private_key(act_key))
    return private.public_key().public_bytes_raw()
