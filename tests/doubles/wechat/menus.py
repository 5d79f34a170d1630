"""What WeChat takes for a menu: 1 to 3 entries, 1 to 5 below each, and how long names, keys and addresses may be."""

from typing import Any

from tests.doubles.wechat.errors import ApiError

TOP_NAME, SUB_NAME = 16, 60
KEY, URL = 128, 1024
KEYED = {"click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
         "location_select"}  # fmt: skip


def check_menu(values: dict[str, Any]) -> None:
    """Raises ApiError in the number that WeChat has for what is wrong."""
    buttons = values.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise ApiError(40016)
    for button in buttons:
        below = button.get("sub_button") if isinstance(button, dict) else None
        if below:
            if not isinstance(below, list) or len(below) > 5:
                raise ApiError(40023)
            _check_name(button, TOP_NAME, 40018)
            for entry in below:
                _check(entry, SUB_NAME, {"name": 40025, "type": 40024, "key": 40026, "url": 40027})
                if entry.get("sub_button"):
                    raise ApiError(40023, "a third level")
        else:
            _check(button, TOP_NAME, {"name": 40018, "type": 40015, "key": 40019, "url": 40020})


def _check(entry: Any, most: int, codes: dict[str, int]) -> None:
    if not isinstance(entry, dict):
        raise ApiError(47001)
    _check_name(entry, most, codes["name"])
    kind = entry.get("type")
    if kind in KEYED:
        if not 0 < len(str(entry.get("key", "")).encode()) <= KEY:
            raise ApiError(codes["key"])
    elif kind in {"view", "miniprogram"}:
        url = str(entry.get("url", ""))
        if not url.startswith(("http://", "https://")) or len(url.encode()) > URL:
            raise ApiError(codes["url"])
    else:
        raise ApiError(codes["type"])


def _check_name(entry: dict[str, Any], most: int, code: int) -> None:
    if not 0 < len(str(entry.get("name", "")).encode()) <= most:
        raise ApiError(code)
