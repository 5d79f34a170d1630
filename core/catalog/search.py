"""Finding goods by what people type: exact parts of names first, then words that sound alike, then wrong characters."""

from __future__ import annotations

from core.catalog import sql
from core.catalog.offered import ProductCard, cards_of
from core.catalog.rules import pieces, search_words
from core.db import execute

WORDS_ALIKE = 0.5
LONG_WORDS_ALIKE = 0.3
"""The least `word_similarity` (0 to 1). Words of five and more may have fewer trigrams in common, since two turned
letters spoil four of six: `staem` has 0.33 with Steam. Of a short word one trigram is its first letter alone."""

PIECES_ALIKE = 0.5
"""The least share of two-character pieces: 腾迅 has 0.5 with 腾讯, 爱奇异 0.75 with 爱奇艺."""


def search(*, merchant_id: int, text: str, locale: str, limit: int = 20) -> list[ProductCard]:
    """What the merchant sells that has every word of `text` in its names, aliases or codes.

    Empty when nothing has or `text` has no word (only blanks, controls, punctuation).
    """
    words = search_words(text)
    if not words:
        return []
    whole = " ".join(words)
    rows = execute(sql.SEARCH_SUBSTRING, (merchant_id, words, whole, whole, limit))
    return cards_of(merchant_id=merchant_id, product_ids=[row[0] for row in rows], locale=locale)


def alike(*, merchant_id: int, text: str, locale: str, limit: int = 20) -> list[ProductCard]:
    """What `text` may have meant if it was mistyped: to be offered, never to be taken for what was asked for."""
    words = search_words(text)
    if not words:
        return []
    least = LONG_WORDS_ALIKE if min(map(len, words)) >= 5 else WORDS_ALIKE
    rows = execute(sql.SEARCH_WORDS, (merchant_id, " ".join(words), least, limit))
    if not rows:
        rows = execute(sql.SEARCH_PIECES, (merchant_id, *_columns(words), PIECES_ALIKE, limit))
    return cards_of(merchant_id=merchant_id, product_ids=[row[0] for row in rows], locale=locale)


def nearest(*, merchant_id: int, text: str, locale: str, limit: int = 3) -> list[ProductCard]:
    """The goods most like an unknown text, however little: an answer to unknown words instead of silence."""
    words = search_words(text)
    rows = execute(sql.NEAREST, (merchant_id, " ".join(words), *_columns(words), limit))
    return cards_of(merchant_id=merchant_id, product_ids=[row[0] for row in rows], locale=locale)


def _columns(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    found = pieces(words)
    return [piece[0] for piece in found], [piece[1] for piece in found], [piece[2] for piece in found]
