"""Reports and previews speak of secrets by their shape only."""

from __future__ import annotations

import pytest

from core.vault.shapes import description, odd_characters, shape


@pytest.mark.parametrize(
    ("secret", "drawn"),
    [
        ("A1B2-C3D4", "A9A9-****"),
        ("k9x", "a9a"),
        ("卡密1234", "文文99**"),
        ("%0A1$", "#9A9*"),
        ("", "(empty)"),
        ("X" * 30, "AAAA" + "*" * 20 + "…"),
    ],
)
def test_a_shape_shows_classes_and_never_characters(secret: str, drawn: str) -> None:
    assert shape(secret) == drawn


def test_odd_characters_are_named_with_their_positions() -> None:
    assert odd_characters(" A１\u200b\t") == {"blank": [1], "full-width": [3], "invisible": [4], "control": [5]}
    assert description("AB１") == "AA9 (3 characters; full-width at 3)"
