"""What a panel of tests is handed to connect things with: platforms that answer as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field

from admin.panel import Connecting
from core.connections.platforms import BotName
from core.errors import Refusal
from core.secret import Secret


@dataclass
class SaidPlatforms:
    """An `admin.panel.Platforms` that answers what it was told to, and remembers what it was asked."""

    bot: BotName = field(default_factory=lambda: BotName("7000000001", "a_shop_bot", "A shop"))
    refusal: Refusal | None = None
    page: str = ""
    asked: list[str] = field(default_factory=list)

    def bot_of(self, token: Secret, /) -> BotName:
        self.asked.append("bot_of")
        if self.refusal is not None:
            raise self.refusal
        return self.bot

    def check_official_account(self, app_id: str, app_secret: Secret, /) -> None:
        self.asked.append(app_id)
        if self.refusal is not None:
            raise self.refusal

    def shop_answers(self, code: str, /) -> str:
        self.asked.append(code)
        return self.page


def connecting(platforms: SaidPlatforms | None = None, *, has_sandbox: bool = True) -> Connecting:
    """What pages that set up a shop are handed."""
    return Connecting(
        platforms=platforms or SaidPlatforms(),
        verify_key=Secret(b"v" * 32),
        public_url="http://127.0.0.1:8000",
        currency="CNY",
        zone="Asia/Shanghai",
        has_sandbox=has_sandbox,
        telegram_mode="polling",
    )
