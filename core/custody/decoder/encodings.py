"""From bytes to text: by byte order mark, else UTF-8, else GB18030 if it reads like Chinese; no guess beyond that."""

from __future__ import annotations

import codecs

from core.custody.decoder.problems import FileProblem, FileRefused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65536
_COMMON_SHARE = 0.7


def text_of(raw: bytes) -> tuple[str, str]:
    """(text without its byte order mark, name of the encoding). Raises `FileRefused` with `ENCODING` or `BINARY`."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _strict(raw[len(mark) :], encoding), encoding
    unmarked = _utf16_by_zeros(raw[:_SAMPLE])
    if unmarked:
        return _strict(raw, unmarked), unmarked
    try:
        return _without_nul(raw.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        text = _strict(raw, "gb18030")
    if not _reads_like_chinese(text[:_SAMPLE]):
        raise FileRefused(FileProblem.ENCODING)
    return text, "gb18030"


def _strict(raw: bytes, encoding: str) -> str:
    try:
        return _without_nul(raw.decode(encoding))
    except UnicodeDecodeError:
        raise FileRefused(FileProblem.ENCODING) from None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise FileRefused(FileProblem.BINARY)
    return text


def _utf16_by_zeros(sample: bytes) -> str | None:
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _reads_like_chinese(text: str) -> bool:
    """Whether most of what is not ASCII is among the 3,755 most used characters or is Chinese punctuation.

    Almost any bytes are *valid* GB18030; Latin-1, Big5 or Shift-JIS read as it give rare characters.
    """
    foreign = [character for character in text if not character.isascii()]
    common = 0
    for character in foreign:
        try:
            first = character.encode("gb2312")[0]
        except UnicodeEncodeError:
            continue
        common += 0xB0 <= first <= 0xD7 or first in (0xA1, 0xA3)
    return common >= _COMMON_SHARE * len(foreign)
