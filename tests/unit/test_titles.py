"""Names as people type them: kept exactly, or refused with a clear word (fault 56)."""

import pytest

from core.errors import Invalid
from core.titles import checked_names, checked_text, checked_title, worded


@pytest.mark.parametrize(
    "title",
    ["腾讯视频 🎬 月卡", "café", "cafe\u0301", "👨\u200d👩\u200d👧 family", "a\u200bb", "<b>&_*`", "x" * 120],
    ids=["emoji", "composed", "combining", "joined emoji", "zero-width space", "markup", "longest"],
)
def test_a_title_is_kept_sign_by_sign(title: str) -> None:
    assert checked_title(title, what="name") == title


@pytest.mark.parametrize(
    "title",
    ["", "   ", "a\0b", "a\u202eb", "a\u2066b", "a\u200fb", "a\nb", "a\u2028b", "a\x1bb", "a\ud800b", "x" * 121],
    ids=[
        "empty",
        "blank",
        "NUL",
        "right-to-left override",
        "isolate",
        "right-to-left mark",
        "line break",
        "line separator",
        "escape",
        "half a surrogate pair",
        "too long",
    ],
)
def test_a_title_that_could_deceive_or_break_the_database_is_refused(title: str) -> None:
    """Fault 56: signs that nobody sees."""
    with pytest.raises(Invalid) as refused:
        checked_title(title, what="name")

    assert refused.value.params == {"what": "name"}


def test_a_title_loses_only_its_outer_blanks() -> None:
    assert checked_title("  a  b ", what="name") == "a  b"


def test_a_longer_text_has_lines_and_tabs_but_no_nul() -> None:
    assert checked_text("1. open\n2.\tpaste", what="redeem") == "1. open\n2.\tpaste"
    for bad in ("a\0b", "a\x08b", "x" * 4001):
        with pytest.raises(Invalid):
            checked_text(bad, what="redeem")


def test_names_need_the_first_language_and_no_unknown_one() -> None:
    assert checked_names({"zh-CN": "月卡", "en": "Month"}, what="name") == {"zh-CN": "月卡", "en": "Month"}
    for bad in ({"en": "Month"}, {"zh-CN": "月卡", "fr": "Mois"}, {"zh-CN": "月卡", "en": ""}):
        with pytest.raises(Invalid):
            checked_names(bad, what="name")


def test_a_name_without_the_wanted_language_is_shown_in_the_first() -> None:
    assert worded({"zh-CN": "月卡"}, "en") == "月卡"
    assert worded({"zh-CN": "月卡", "en": "Month"}, "en") == "Month"
    assert worded({}, "en") == ""
