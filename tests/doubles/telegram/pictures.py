"""Width and height of a picture, read from its first bytes: enough to tell a picture from anything else."""

import struct


def size(content: bytes) -> tuple[int, int] | None:
    """`(width, height)` of a PNG, GIF or JPEG; None for what is no picture."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return struct.unpack(">II", content[16:24])
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= 10:
        return struct.unpack("<HH", content[6:10])
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """The size stands in the start-of-frame segment."""
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        kind, length = content[place + 1], struct.unpack(">H", content[place + 2 : place + 4])[0]
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + length
    return None
