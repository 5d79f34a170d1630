"""What Telegram knows: bots, people, groups, chats with their messages, files, invoices, charges; one lock over all."""

import hashlib
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.telegram.errors import Breach, bad_request, forbidden
from tests.doubles.telegram.mailbox import Mailbox
from tests.doubles.telegram.news import Signal

Wire = dict[str, Any]
"""An object as it goes over the wire."""


@dataclass(eq=False)
class BotAccount:
    """A bot as BotFather keeps it, with its updates."""

    id: int
    token: str
    username: str
    name: str
    mailbox: Mailbox = field(default_factory=Mailbox)
    commands: dict[tuple[str, str], list[Wire]] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    """Name, description, short description by (which, language)."""
    menu_buttons: dict[int, Wire] = field(default_factory=dict)
    stars: int = 0
    reads_groups: bool = False
    next_message: int = 1

    def user(self) -> Wire:
        """The bot as a user of Telegram."""
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}


@dataclass(eq=False)
class Person:
    """An account of a human being."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    stars: int = 100_000
    is_deactivated: bool = False
    started: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)

    def user(self) -> Wire:
        """As `from` shows it."""
        names = {name: getattr(self, name) for name in ("last_name", "username", "language_code")}
        given = {name: value for name, value in names.items() if value}
        return {"id": self.id, "is_bot": False, "first_name": self.first_name} | given

    def chat(self) -> Wire:
        """As `chat` shows it."""
        shown = {name: value for name, value in self.user().items() if name not in {"is_bot", "language_code"}}
        return shown | {"type": "private"}


@dataclass(eq=False)
class GroupChat:
    """A supergroup; a bot's rank is `member`, `administrator`, `kicked` or `left`."""

    id: int
    title: str
    ranks: dict[int, str] = field(default_factory=dict)
    next_message: int = 1

    def chat(self) -> Wire:
        """As `chat` shows it."""
        return {"id": self.id, "title": self.title, "type": "supergroup"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on Telegram's disk."""

    id: str
    unique_id: str
    name: str
    content: bytes
    mime_type: str
    path: str

    def document(self) -> Wire:
        """As a message shows it."""
        return {
            "file_id": self.id, "file_unique_id": self.unique_id, "file_name": self.name, "mime_type": self.mime_type,
            "file_size": len(self.content),
        }  # fmt: skip


@dataclass
class World:
    """All of it. Callers hold `lock` while they look or change, and `notify` after a change."""

    signal: Signal = field(default_factory=Signal)
    bots: dict[int, BotAccount] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    groups: dict[int, GroupChat] = field(default_factory=dict)
    chats: dict[tuple[int, int], dict[int, Wire]] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    invoices: dict[str, Wire] = field(default_factory=dict)
    """By `chat:message` or by the slug of a link: what sendInvoice was given."""
    queries: dict[str, Wire] = field(default_factory=dict)
    """Callback and pre-checkout queries by id: when asked, how answered."""
    charges: dict[str, Wire] = field(default_factory=dict)
    transactions: dict[int, list[Wire]] = field(default_factory=dict)
    callback_seconds: float = 30.0
    checkout_seconds: float = 10.0
    shift: float = 0.0
    is_out: bool = False
    """Nothing goes in or out: what waits goes on waiting."""
    counter: int = 0

    @property
    def lock(self) -> Any:
        """Held while anything is looked at or changed."""
        return self.signal.lock

    def now(self) -> float:
        """Seconds since 1970 in this world, which may be ahead of the machine's."""
        return time.time() + self.shift

    def number(self) -> int:
        """The next of a row of numbers: ids of what has no better one."""
        self.counter += 1
        return self.counter

    def bot_of(self, token: str) -> BotAccount | None:
        """The bot that a token opens."""
        head = token.partition(":")[0]
        bot = self.bots.get(int(head)) if head.isdigit() else None
        return bot if bot is not None and bot.token == token else None

    def store_file(self, name: str, content: bytes, mime_type: str, folder: str = "documents") -> StoredFile:
        """Keep a file's bytes."""
        number = self.number()
        mark = urlsafe_b64encode(hashlib.sha256(f"{number}:{name}".encode()).digest()).decode().rstrip("=")
        ending = name.rpartition(".")[2] if "." in name else "bin"
        ids = f"BQACAgUAAxkB{mark}", f"AgAD{mark[:11]}"
        made = StoredFile(*ids, name, content, mime_type, f"{folder}/file_{number}.{ending}")
        self.files[made.id] = made
        return made

    def messages(self, bot: BotAccount, chat_id: int) -> dict[int, Wire]:
        """The messages of a chat by id; a group's are the same for every bot in it."""
        return self.chats.setdefault((bot.id if chat_id > 0 else 0, chat_id), {})

    def reach(self, bot: BotAccount, chat_id: int | str) -> Person | GroupChat:
        """The chat, if it takes anything from this bot. Raises ApiError as Telegram refuses."""
        if isinstance(chat_id, str):
            if not chat_id.startswith("@"):
                raise Breach("chat not found")
            raise bad_request("chat not found")
        if chat_id > 0:
            return self._person(bot, chat_id)
        group = self.groups.get(chat_id)
        rank = group.ranks.get(bot.id) if group else None
        if group is None or rank is None:
            raise bad_request("chat not found")
        if rank == "kicked":
            raise forbidden("bot was kicked from the supergroup chat")
        if rank == "left":
            raise forbidden("bot is not a member of the supergroup chat")
        return group

    def _person(self, bot: BotAccount, chat_id: int) -> Person:
        person = self.people.get(chat_id)
        if person is None:
            if chat_id in self.bots:
                raise forbidden("bot can't send messages to bots")
            raise bad_request("chat not found")
        if person.is_deactivated:
            raise forbidden("user is deactivated")
        if bot.id in person.blocked:
            raise forbidden("bot was blocked by the user")
        if bot.id not in person.started:
            raise forbidden("bot can't initiate conversation with a user")
        return person

    def post(self, bot: BotAccount, chat: Person | GroupChat, sender: Wire, body: Wire) -> Wire:
        """Put a message into a chat and return it."""
        counted = bot if isinstance(chat, Person) else chat
        message = {
            "message_id": counted.next_message, "from": sender, "chat": chat.chat(), "date": int(self.now()), **body,
        }  # fmt: skip
        counted.next_message += 1
        self.messages(bot, chat.id)[message["message_id"]] = message
        self.signal.notify()
        return message


def token_for(bot_id: int, username: str) -> str:
    """A token of the right shape, the same at each start."""
    return f"{bot_id}:{urlsafe_b64encode(hashlib.sha256(username.encode()).digest()).decode()[:35]}"
