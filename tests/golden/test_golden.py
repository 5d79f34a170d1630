"""Every screen reads as it did when its golden file was last looked at."""

import json

import pytest

from bot.screens import ScreenKind
from tests.golden.renderers import FOLDER, golden, kept

WANTED = golden()


@pytest.mark.parametrize("path", WANTED, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_screen_reads_as_its_golden_file(path):
    assert path.exists(), "python -m tests.golden writes it"
    assert WANTED[path] == path.read_text()


def test_no_golden_file_is_left_of_a_screen_that_is_gone():
    assert sorted(kept() - set(WANTED)) == []


def test_every_kind_of_screen_that_the_chat_promises_is_among_them():
    kinds = {json.loads(text)["kind"] for path, text in WANTED.items() if "web" in path.parts}

    assert kinds == {kind.value for kind in ScreenKind}
