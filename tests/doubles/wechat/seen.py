"""What a follower sees in a chat."""

import re
from dataclasses import dataclass, field
from typing import Any

LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
TAP = re.compile(r"weixin://bizmsgmenu\?msgmenucontent=([^&]*)&msgmenuid=(.+)")
BROKEN = "该公众号提供的服务出现故障，请稍后再试"


@dataclass(frozen=True, slots=True)
class Link:
    """A link inside a text."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the chat. `way`: said | tapped | event (the follower's own), passive | service | notice | template
    (the account's), broken (WeChat's own words in place of an answer)."""

    number: int
    way: str
    text: str
    at: float
    template_id: str = ""
    page: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def is_mine(self) -> bool:
        """Whether the follower said it."""
        return self.way in {"said", "tapped", "event"}

    @property
    def links(self) -> list[Link]:
        """The links of a text, in order."""
        return [Link(label, address) for address, label in LINK.findall(self.text)]

    @property
    def shown(self) -> str:
        """The text as it is read, links as their labels."""
        return LINK.sub(lambda found: found[2], self.text)
