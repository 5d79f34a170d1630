"""What an official account is allowed to do: most are allowed little, and the shop does without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.ports import Outcome


class Right(StrEnum):
    """What the store would use; the comment says what happens where it is missing."""

    MENU = "menu"  # no menu below the chat: words and numbers do all of it
    MESSAGES = "messages"  # nothing is said unasked: shoppers send 取卡, or look at the page
    NOTICES = "notices"  # no subscription notice when cards wait
    LOGIN = "login"  # a page does not know its follower: only the signed link of the chat opens it


PATHS: Mapping[Right, str] = {
    Right.MENU: "/cgi-bin/menu/create",
    Right.MESSAGES: "/cgi-bin/message/custom/send",
    Right.NOTICES: "/cgi-bin/message/subscribe/bizsend",
}
"""The addresses whose quota WeChat tells, and that it has none for us; it never tells that of `/sns/…` (login)."""

NOT_OURS = frozenset({48001, 76022})
"""The answers that mean that an account may not call an address."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What WeChat says of an account. `left_today`: how many calls of each right are left.

    `problem` is empty unless WeChat would not talk with us at all (`misconfigured 40164`: our IP address is not on the
    account's list); then every right is unknown.
    """

    rights: Mapping[Right, Outcome]
    left_today: Mapping[Right, int] = field(default_factory=dict)
    problem: str = ""


def expected_rights(*, kind: str, is_verified: bool) -> frozenset[Right]:
    """What an account of this kind (`service`, `subscription`) has by WeChat's table of rights (接口权限说明)."""
    rights: set[Right] = set()
    if kind == "service" or is_verified:
        rights |= {Right.MENU}
    if is_verified:
        rights |= {Right.MESSAGES}
    if kind == "service" and is_verified:
        rights |= {Right.NOTICES, Right.LOGIN}
    return frozenset(rights)
