"""Looks for credentials that were committed by mistake; runs in `make check` and needs nothing installed."""

import math
import re
from collections import Counter
from collections.abc import Iterator

ALLOWED = "not-a-secret"  # in the same line: a published vector or an example
SHAPES = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "Telegram bot token": re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"),
    "Keystall API key": re.compile(r"\bks_live_[A-Za-z0-9]{4,}_[A-Za-z0-9_-]{32,}"),
    "Stripe key": re.compile(r"\b(?:sk|rk|whsec)_(?:live|test)?_?[A-Za-z0-9]{24,}\b"),
    "AWS key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    "password in a URL": re.compile(
        r"\b[a-z][a-z0-9+]+://[^\s:/@{}<>$%'\"]+:(?=[^@]*\d)[^\s/@{}<>$%'\"]{8,}@(?!127\.|localhost)"
    ),
}
ASSIGNED = re.compile(
    r"""(?i)(?:secret|password|passwd|token|api_?key|private_?key|aes_?key)["']?\s*[:=]\s*["']([A-Za-z0-9+/_=-]{20,})["']"""
)
RANDOM = 3.8  # bits a character; words and placeholders stay below


def bits_per_character(text: str) -> float:
    """Shannon entropy of the text's own letters."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def findings(text: str) -> Iterator[tuple[int, str]]:
    """Yield `(line, what it looks like)` for everything that could open something."""
    for number, line in enumerate(text.splitlines(), 1):
        if ALLOWED in line:
            continue
        for what, shape in SHAPES.items():
            if shape.search(line):
                yield number, what
        for match in ASSIGNED.finditer(line):
            if bits_per_character(match[1]) > RANDOM:
                yield number, "a long random value given to a secret's name"
