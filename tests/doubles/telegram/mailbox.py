"""The updates of one bot: what waits, what the bot asked to get, and where to."""

from dataclasses import dataclass, field
from typing import Any

from tests.doubles.telegram.schema import schema

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
FIRST_UPDATE = 100_000_001


@dataclass
class Webhook:
    """Where updates are posted, and how that went last."""

    url: str = ""
    secret: str | None = None
    most_connections: int = 40
    ip_address: str | None = None
    last_error: str | None = None
    last_error_at: int = 0


@dataclass
class Mailbox:
    """Updates in order; `put` is called with the world's lock held."""

    pending: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    """Updates that are brought once more though the bot has confirmed them."""
    history: list[dict[str, Any]] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    webhook: Webhook = field(default_factory=Webhook)
    poll: int = 0
    """Which getUpdates is the present one; the one before ends with a conflict."""
    ended_by: str = ""
    next_id: int = FIRST_UPDATE

    def wants(self, kind: str) -> bool:
        """Whether the bot gets updates of this kind."""
        return kind in self.allowed if self.allowed else kind not in NOT_BY_DEFAULT

    def put(self, kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Keep an update for the bot; None if it does not want that kind."""
        assert kind in schema()["updates"], kind
        if not self.wants(kind):
            return None
        update = {"update_id": self.next_id, kind: body}
        self.next_id += 1
        self.pending.append(update)
        self.history.append(update)
        return update

    def confirm_before(self, offset: int) -> None:
        """What getUpdates says with its offset: below zero, only so many of the last are kept."""
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset > 0:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]


def lane(update: dict[str, Any]) -> tuple[str, int]:
    """Updates of one lane come in order; Telegram keeps one per kind and chat (or person, for queries)."""
    kind = next(name for name in update if name != "update_id")
    body = update[kind]
    if kind in {"callback_query", "pre_checkout_query"}:
        return kind, body["from"]["id"]
    return "message" if kind == "edited_message" else kind, body["chat"]["id"]
