"""Tells whether two cards are the same without keeping either: a keyed fingerprint, made in the vault only.

What can be guessed has a fingerprint of its own for each SKU and uploader: whoever brings guesses of somebody else's
cards meets none of them, neither in what he is told nor in what becomes of his.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.vault.primitives import framed

_FORMAT = 1
_ONE_PART = framed(_FORMAT, 1)  # before the one part and its length, as `framed` says it
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_GUESSES = 2**40
_LONGEST_GUESSABLE = 12  # 10**13 digits are more
_BETWEEN_GROUPS = dict.fromkeys(map(ord, "-_. \t"))
_KINDS: tuple[tuple[Callable[[str], bool], int], ...] = (
    (lambda one: one in "0123456789", 10),
    (lambda one: "a" <= one <= "z", 26),
    (lambda one: "A" <= one <= "Z", 26),
    (lambda one: one.isascii() and not one.isalnum(), 33),
    (lambda one: not one.isascii(), 100),
)
_BETWEEN = re.compile(r"[\s,;|]+|----")


@dataclass(frozen=True, slots=True)
class CardRule:
    """How a SKU's cards are read: `trim` outer blanks, whether case distinguishes, whether the number is part of it.

    `is_guessable`: the SKU says that its secrets have fewer than 40 bits, however long they are.
    """

    trim: bool
    case_sensitive: bool
    with_number: bool
    is_guessable: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card that can be guessed counts as the same: one SKU of one uploader (both row ids)."""

    sku_id: int
    uploader_id: int


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


def fingerprint(key: bytes, fields: Mapping[str, str], rule: CardRule, place: Place) -> bytes:
    """HMAC-SHA256 (32 bytes) over the secret, or number and secret, normalised by the SKU's rule.

    Normalising is for comparing only: full-width forms fold where blanks are trimmed, case where it does not count.
    """
    text = _normal(fields["secret"], rule)
    parts = [text, _normal(fields.get("number", ""), rule)] if rule.with_number else [text]
    if rule.is_guessable or is_guessable(text):
        return hmac.digest(key, framed(_FORMAT, "of", place.sku_id, place.uploader_id, *parts), "sha256")
    if rule.with_number:
        return hmac.digest(key, framed(_FORMAT, 2, *parts), "sha256")
    secret = text.encode()
    return hmac.digest(key, _ONE_PART + len(secret).to_bytes(4, "big") + secret, "sha256")


def is_guessable(text: str) -> bool:
    """Whether a secret of this shape is one of fewer than 2⁴⁰: its length, and the kinds of characters in it.

    Its number, which is printed on the outside and counts up, does not help; nor do the marks between its groups. The
    same secret has the same shape whoever brings it, so that this never parts two copies within one SKU of a supplier.
    """
    counted = text if text.isalnum() else text.translate(_BETWEEN_GROUPS)
    if len(counted) > _LONGEST_GUESSABLE:
        return False
    alphabet = sum(size for kind, size in _KINDS if any(map(kind, counted)))
    return int(alphabet ** len(counted)) < _GUESSES


def possible_fingerprints(key: bytes, text: str, places: Iterable[tuple[Place, CardRule]]) -> Iterator[bytes]:
    """Every fingerprint that a card typed in by a person may have, since its SKU's rule is not known.

    `places` are all that a guessable card may lie in, each with its SKU's rule.
    """
    halves = _BETWEEN.split(text.strip(), maxsplit=1)
    readings = {False: {"secret": text}}
    if len(halves) == 2:
        readings[True] = {"number": halves[0], "secret": halves[1]}
    nowhere = Place(0, 0)
    rules = [CardRule(trim, case, number) for trim in (True, False) for case in (True, False) for number in readings]
    for place, rule in [*((nowhere, rule) for rule in rules), *places]:
        if rule.with_number in readings:
            yield fingerprint(key, readings[rule.with_number], rule, place)


def _normal(text: str, rule: CardRule) -> str:
    if rule.trim:
        text = trimmed(text) if text.isascii() else unicodedata.normalize("NFKC", trimmed(text))
    return text if rule.case_sensitive else text.casefold()
