"""A person with a phone, driven by a test or by the page: talks, taps, pays, sends files, blocks."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.doubles.telegram import markup, purse
from tests.doubles.telegram.methods.messages import shown
from tests.doubles.telegram.methods.profile import commands_seen, membership
from tests.doubles.telegram.purse import Payment
from tests.doubles.telegram.rules import START
from tests.doubles.telegram.seen import Seen, described, seen
from tests.doubles.telegram.world import BotAccount, GroupChat, Person, World


@dataclass(frozen=True, slots=True)
class Toast:
    """What the bot answered to a tap."""

    text: str | None
    is_alert: bool
    url: str | None


class Tap:
    """A tap that the bot is to answer."""

    def __init__(self, world: World, query_id: str) -> None:
        self._world = world
        self.id = query_id

    def answer(self, seconds: float = 10.0) -> Toast | None:
        """The toast once it comes; None if none came in that time (the button spins)."""
        query = self._world.queries[self.id]
        given = self._world.signal.wait_for(lambda: query["answer"], seconds)
        return None if given is None else Toast(given["text"], bool(given["show_alert"]), given["url"])


class User:
    """One person's account. Every method may be called from any thread."""

    def __init__(self, world: World, person: Person) -> None:
        self._world = world
        self.person = person

    @property
    def id(self) -> int:
        """The person's id, which is also the id of the private chat."""
        return self.person.id

    @property
    def stars(self) -> int:
        """Stars left."""
        return self.person.stars

    def start(self, bot: BotAccount, payload: str = "") -> int:
        """Open the bot (by a deep link, if there is a payload) and press Start; returns the message's id."""
        assert not payload or START.fullmatch(payload), "a deep link carries 1-64 of A-Z a-z 0-9 _ -"
        return self.send(bot, f"/start {payload}".strip())

    def send(self, bot: BotAccount, text: str, *, group: GroupChat | None = None, reply_to: int | None = None) -> int:
        """Send a text; in a group a bot gets commands, mentions of it and replies to it. Returns the message's id."""
        plain, _ = markup.read(text, None, None)
        assert 0 < len(plain) <= 4096, "the app splits or refuses such a text"
        body: dict[str, Any] = {"text": plain}
        if entities := markup.commands_in(plain):
            body["entities"] = entities
        return self.send_raw(bot, body, group=group, reply_to=reply_to)

    def send_document(
        self, bot: BotAccount, name: str, content: bytes, caption: str = "", mime_type: str = "text/plain"
    ) -> int:
        """Send a file; returns the message's id."""
        with self._world.lock:
            document = self._world.store_file(name, content, mime_type).document()
        return self.send_raw(bot, {"document": document} | ({"caption": caption} if caption else {}))

    def send_raw(
        self, bot: BotAccount, body: dict[str, Any], *, group: GroupChat | None = None, reply_to: int | None = None
    ) -> int:
        """Send a message of any kind: `body` is what the Bot API shows beside id, sender, chat and date."""
        with self._world.lock:
            chat = group or self.person
            if group is None:
                self._open(bot)
            if reply_to is not None:
                body = body | {"reply_to_message": shown(self._world.messages(bot, chat.id)[reply_to])}
            message = self._world.post(bot, chat, self.person.user(), body)
            if group is None or self._reaches(bot, group, message):
                bot.mailbox.put("message", shown(message))
            self._world.signal.notify()
            return int(message["message_id"])

    def _open(self, bot: BotAccount) -> None:
        """Whoever writes has started the bot; a block ends by that."""
        self.person.started.add(bot.id)
        if bot.id in self.person.blocked:
            self.unblock(bot)

    @staticmethod
    def _reaches(bot: BotAccount, group: GroupChat, message: dict[str, Any]) -> bool:
        """Telegram's privacy mode."""
        if group.ranks.get(bot.id) not in {"member", "administrator"}:
            return False
        text = message.get("text", message.get("caption", ""))
        to_it = message.get("reply_to_message", {}).get("from", {}).get("id") == bot.id
        named = f"@{bot.username}" in text
        command = text.startswith("/") and ("@" not in text.split()[0] or named)
        return bot.reads_groups or group.ranks[bot.id] == "administrator" or to_it or named or command

    def edit(self, bot: BotAccount, message_id: int, text: str) -> None:
        """Change a message of one's own; the bot gets edited_message."""
        with self._world.lock:
            messages = self._world.messages(bot, self.id)
            messages[message_id] = messages[message_id] | {"text": text, "edit_date": int(self._world.now())}
            bot.mailbox.put("edited_message", shown(messages[message_id]))
            self._world.signal.notify()

    def delete(self, bot: BotAccount, message_id: int) -> None:
        """Delete a message for both sides; bots are not told."""
        with self._world.lock:
            del self._world.messages(bot, self.id)[message_id]
            self._world.signal.notify()

    def tap(
        self,
        bot: BotAccount,
        what: str,
        *,
        message: Seen | int | None = None,
        group: GroupChat | None = None,
        is_old: bool = False,
    ) -> Tap:
        """Tap a button by its label or its data: the newest that has it, or that of one message.

        A `Seen` kept from before taps the button as it was then. `is_old`: the bot gets the message as inaccessible,
        as Telegram shows those older than 48 hours.
        """
        with self._world.lock:
            chat_id = group.id if group is not None else self.id
            where, button = self._button(bot, what, message, chat_id)
            assert button.data is not None, f"the button {button.label!r} sends nothing: {button}"
            return self._ask(bot, chat_id, where.id, button.data, is_old=is_old)

    def _button(self, bot: BotAccount, what: str, message: Seen | int | None, chat_id: int) -> Any:
        if isinstance(message, Seen):
            messages = [message]
        else:
            messages = [each for each in self._seen(bot, chat_id) if message in {None, each.id}]
        for each in reversed(messages):
            if found := each.button(what):
                return each, found
        raise AssertionError(f"there is no button {what!r}; the chat:\n{described(messages)}")

    def forge_tap(self, bot: BotAccount, data: str, *, message: int | None = None, chat_id: int | None = None) -> Tap:
        """Send data that stand under no button, as an altered app can."""
        with self._world.lock:
            chat = chat_id or self.id
            known = [each.id for each in self._seen(bot, chat) if each.from_bot]
            return self._ask(bot, chat, message or (known[-1] if known else 1), data, is_old=False)

    def _ask(self, bot: BotAccount, chat_id: int, message_id: int, data: str, *, is_old: bool) -> Tap:
        world = self._world
        kept = world.messages(bot, chat_id).get(message_id)
        chat = world.groups[chat_id].chat() if chat_id < 0 else self.person.chat()
        bare = {"message_id": message_id, "chat": chat, "date": 0}
        query_id = str(4_000_000_000_000 + world.number())
        world.queries[query_id] = {"kind": "tap", "bot": bot.id, "asked_at": world.now(), "answer": None}
        body = {
            "id": query_id, "from": self.person.user(), "chat_instance": str(7_000_000 + abs(chat_id)), "data": data,
            "message": bare if is_old or kept is None else shown(kept),
        }  # fmt: skip
        bot.mailbox.put("callback_query", body)
        world.signal.notify()
        return Tap(world, query_id)

    def pay_invoice(self, bot: BotAccount, invoice: Seen | str | int | None = None) -> Payment:
        """Pay with Stars: the newest invoice in the chat, one message's, or a link's; waits for the bot's word.

        The same invoice can be paid again: two phones do that.
        """
        return purse.pay(self._world, bot, self.person, invoice.id if isinstance(invoice, Seen) else invoice)

    def renew(self, charge_id: str) -> Payment:
        """What Telegram does after thirty days of a subscription: a new charge with the same payload, unasked."""
        return purse.renew(self._world, self.person, charge_id)

    def block(self, bot: BotAccount) -> None:
        """Stop the bot: it is told, and everything it sends here is refused."""
        with self._world.lock:
            self.person.blocked.add(bot.id)
            self._membership(bot, "member", "kicked")

    def unblock(self, bot: BotAccount) -> None:
        """Let it write again."""
        with self._world.lock:
            self.person.blocked.discard(bot.id)
            self._membership(bot, "kicked", "member")

    def _membership(self, bot: BotAccount, old: str, new: str) -> None:
        body = membership(self._world, self.person.chat(), self.person.user(), bot, old, new)
        bot.mailbox.put("my_chat_member", body)
        self._world.signal.notify()

    def deactivate(self) -> None:
        """Delete the account."""
        with self._world.lock:
            self.person.is_deactivated = True
            self._world.signal.notify()

    def commands(self, bot: BotAccount) -> list[dict[str, Any]]:
        """The bot's menu as this person gets it."""
        with self._world.lock:
            return commands_seen(bot, self.person)

    def messages(self, bot: BotAccount, *, group: GroupChat | None = None) -> list[Seen]:
        """The chat as it looks now, oldest first."""
        with self._world.lock:
            return self._seen(bot, group.id if group is not None else self.id)

    def from_bot(self, bot: BotAccount, *, group: GroupChat | None = None) -> list[Seen]:
        """What the bot wrote, as it looks now."""
        return [message for message in self.messages(bot, group=group) if message.from_bot]

    def _seen(self, bot: BotAccount, chat_id: int) -> list[Seen]:
        return [seen(self._world, each, bot.id) for _, each in sorted(self._world.messages(bot, chat_id).items())]

    def wait_for(
        self,
        bot: BotAccount,
        predicate: Callable[[Seen], Any],
        seconds: float = 10.0,
        *,
        group: GroupChat | None = None,
    ) -> Seen:
        """The newest message of the bot of which the predicate is true, once there is one. Raises AssertionError."""

        def look() -> Seen | None:
            for message in reversed(self.from_bot(bot, group=group)):
                with contextlib.suppress(IndexError):
                    if predicate(message):
                        return message
            return None

        found = self._world.signal.wait_for(look, seconds)
        if found is None:
            raise AssertionError(f"not within {seconds} s; the chat:\n{described(self.messages(bot, group=group))}")
        return found
