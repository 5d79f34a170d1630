"""What an account may say to a follower unasked: so many messages for so long after what the follower did.

Openings do not add up: each message counts in every window that is open, and it may be sent while one of them has room
(WeChat: 可发送客服消息条数不累加).
"""

from dataclasses import dataclass

from tests.doubles.wechat.errors import ApiError

OPENINGS = {"words": (5, 48 * 3600.0), "tap": (3, 60.0)}
"""Typed words; a tap on the menu, a follow, a scan, a tap on a menu inside a message."""


@dataclass
class Window:
    """Messages left until a time."""

    left: int
    ends_at: float


def open_window(windows: dict[str, Window], opening: str, now: float) -> None:
    """The follower did something."""
    messages, lasts = OPENINGS[opening]
    windows[opening] = Window(messages, now + lasts)


def take(windows: dict[str, Window], now: float) -> None:
    """Count one message. Raises ApiError 45015 where nothing is open, 45047 where all that is open is used up."""
    live = [window for window in windows.values() if window.ends_at > now]
    if not live:
        raise ApiError(45015)
    if not any(window.left > 0 for window in live):
        raise ApiError(45047)
    for window in live:
        window.left = max(window.left - 1, 0)
