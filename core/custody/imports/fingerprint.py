"""Tells whether two cards are the same without keeping either: a keyed fingerprint, made in the vault only."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.vault.primitives import framed

_FORMAT = 1
_ONE_PART = framed(_FORMAT, 1)  # before the one part and its length, as `framed` says it
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_BETWEEN = re.compile(r"[\s,;|]+|----")


@dataclass(frozen=True, slots=True)
class CardRule:
    """How a SKU's cards are read: `trim` outer blanks, whether case distinguishes, whether the number is part of it."""

    trim: bool
    case_sensitive: bool
    with_number: bool


def trimmed(text: str) -> str:
    """A text without blanks and invisible marks around it."""
    if text.isascii():
        return text.strip()
    before = None
    while text != before:
        before, text = text, text.strip().strip(_INVISIBLE)
    return text


def kept_fields(fields: Mapping[str, str], rule: CardRule) -> dict[str, str]:
    """The fields as they are sealed and delivered: trimmed where the SKU says so, otherwise byte for byte."""
    if not rule.trim:
        return dict(fields)
    return {name: value.strip() if value.isascii() else trimmed(value) for name, value in fields.items()}


def fingerprint(key: bytes, fields: Mapping[str, str], rule: CardRule) -> bytes:
    """HMAC-SHA256 (32 bytes) over the secret, or number and secret, normalised by the SKU's rule.

    Normalising is for comparing only: full-width forms fold where blanks are trimmed, case where it does not count.
    """
    if rule.with_number:
        parts = _normal(fields["secret"], rule), _normal(fields.get("number", ""), rule)
        return hmac.digest(key, framed(_FORMAT, 2, *parts), "sha256")
    secret = _normal(fields["secret"], rule).encode()
    return hmac.digest(key, _ONE_PART + len(secret).to_bytes(4, "big") + secret, "sha256")


def possible_fingerprints(key: bytes, text: str) -> Iterator[bytes]:
    """Every fingerprint that a card typed in by a person may have, since its SKU's rule is not known."""
    halves = _BETWEEN.split(text.strip(), maxsplit=1)
    for trim in (True, False):
        for case_sensitive in (True, False):
            yield fingerprint(key, {"secret": text}, CardRule(trim, case_sensitive, with_number=False))
            if len(halves) == 2:
                fields = {"number": halves[0], "secret": halves[1]}
                yield fingerprint(key, fields, CardRule(trim, case_sensitive, with_number=True))


def _normal(text: str, rule: CardRule) -> str:
    if rule.trim:
        text = trimmed(text) if text.isascii() else unicodedata.normalize("NFKC", trimmed(text))
    return text if rule.case_sensitive else text.casefold()
