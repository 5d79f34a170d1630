"""The Telegram double as tests hold it: bots, people and groups are made here, and everything that can go wrong."""

from typing import Any, Self

import httpx

from tests.doubles.telegram.faults import Asked, Faults, Flood, Spell
from tests.doubles.telegram.methods.profile import membership
from tests.doubles.telegram.pages import routes
from tests.doubles.telegram.person import User
from tests.doubles.telegram.server import Server
from tests.doubles.telegram.webhooks import SECRET_HEADER
from tests.doubles.telegram.world import BotAccount, GroupChat, Person, World, token_for

FIRST_BOT = 7_000_000_001
FIRST_GROUP = -1_002_000_000_001


class TelegramDouble:
    """A Bot API server on loopback with its people. A context manager; or `start` and `stop`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.world = World()
        self.url = ""
        """The address, once started: the store's `telegram.api_base`."""
        self._faults = Faults()
        self._server = Server(self.world, self._faults)
        self._place = host, port

    def start(self) -> Self:
        """Serve in a thread; returns itself."""
        self.url = self._server.start(*self._place, routes(self))
        return self

    def stop(self) -> None:
        """Stop serving; waits and deliveries end."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # bots, people, groups

    def add_bot(self, token: str | None = None, username: str = "keystall_bot", name: str = "Keystall") -> BotAccount:
        """A new bot; without a token it gets one of the right shape, the same at each start."""
        with self.world.lock:
            number = FIRST_BOT + len(self.world.bots)
            token = token or token_for(number, username)
            bot = BotAccount(int(token.partition(":")[0]), token, username, name)
            assert bot.id not in self.world.bots, f"there is a bot {bot.id} already"
            self.world.bots[bot.id] = bot
            return bot

    def user(self, id: int, language_code: str | None = "zh-hans", first_name: str = "小明", **more: Any) -> User:  # noqa: A002
        """The person with this id, made at the first call; `more`: last_name, username, stars."""
        with self.world.lock:
            person = self.world.people.get(id)
            if person is None:
                person = Person(id, first_name, language_code=language_code, **more)
                self.world.people[id] = person
                self.world.signal.notify()
            return User(self.world, person)

    def group(self, title: str = "群", *bots: BotAccount, admin: bool = False) -> GroupChat:
        """A supergroup with these bots in it; each is told."""
        with self.world.lock:
            made = GroupChat(FIRST_GROUP - len(self.world.groups), title)
            self.world.groups[made.id] = made
        for bot in bots:
            self.set_rank(made, bot, "administrator" if admin else "member")
        return made

    def set_rank(self, group: GroupChat, bot: BotAccount, rank: str, by: User | None = None) -> None:
        """Make a bot `member`, `administrator`, `kicked` or `left` in a group; it is told."""
        with self.world.lock:
            old = group.ranks.get(bot.id, "left")
            group.ranks[bot.id] = rank
            whose = (by or self.user(1, first_name="Owner")).person.user()
            bot.mailbox.put("my_chat_member", membership(self.world, group.chat(), whose, bot, old, rank))
            self.world.signal.notify()

    # what came

    @property
    def violations(self) -> list[str]:
        """Requests that Telegram would never take, as `bot method: why`. A good bot leaves it empty."""
        with self.world.lock:
            return list(self._server.violations)

    def requests(
        self, bot: BotAccount | None = None, method: str | None = None, chat: int | None = None
    ) -> list[Asked]:
        """Every request that reached a method, in order (polls when they end)."""
        with self.world.lock:
            return [
                asked
                for asked in self._server.asked
                if (bot is None or asked.bot == bot.username)
                and method in {None, asked.method}
                and chat in {None, asked.values.get("chat_id")}
            ]

    @property
    def too_early(self) -> list[Asked]:
        """Requests to a chat that came before the time that a 429 had named."""
        return [asked for asked in self.requests() if asked.early]

    def wait_until(self, look: Any, seconds: float = 10.0) -> Any:
        """What `look()` returns once it is truthy; it is asked after each change. Raises AssertionError."""
        found = self.world.signal.wait_for(look, seconds)
        assert found, f"not within {seconds} s"
        return found

    def wait_until_taken(self, bot: BotAccount, seconds: float = 10.0) -> None:
        """Until the bot has confirmed (or its webhook has taken) every update."""
        self.wait_until(lambda: not bot.mailbox.pending and not bot.mailbox.again, seconds)

    # what goes wrong

    def flood(self, bot: BotAccount, chat: int | None = None, retry_after: int = 35, times: int = 1) -> None:
        """The next `times` requests of the bot that name a chat (this chat) get a 429."""
        with self.world.lock:
            self._faults.floods.append(Flood(bot.id, chat, retry_after, times))

    def outage(self, on: bool = True, kind: str = "502") -> None:
        """Nothing gets through, either way: `502` (JSON), `html` (a front server's page), `drop` (no answer at all)."""
        assert kind in {"502", "html", "drop"}
        with self.world.lock:
            self._faults.outage = kind if on else None
            self.world.is_out = on
            self.world.signal.notify()

    def lose_answers(self, times: int = 1, method: str | None = None) -> None:
        """The next requests that change something (of this method) take effect, but the connection ends unanswered."""
        with self.world.lock:
            self._faults.lost.append(Spell(method, times))

    def slow(self, seconds: float, times: int = 1, method: str | None = None) -> None:
        """The answers to the next requests (of this method) come so much later; they take effect at once."""
        with self.world.lock:
            self._faults.slow.append(Spell(method, times, seconds))

    def pass_time(self, seconds: float) -> None:
        """Put the world's clock forward: queries grow too old, waits end. Updates that wait are not touched."""
        with self.world.lock:
            self.world.shift += seconds
            self.world.signal.notify()

    def set_patience(
        self, *, callback: float | None = None, checkout: float | None = None, webhook: float | None = None
    ) -> None:
        """Seconds: taps (30) and checkouts (10) are answered within; a webhook gets the first repeat after (1)."""
        with self.world.lock:
            self.world.callback_seconds = callback or self.world.callback_seconds
            self.world.checkout_seconds = checkout or self.world.checkout_seconds
            self._server.courier.first_wait = webhook or self._server.courier.first_wait

    def repeat_last_update(self, bot: BotAccount, times: int = 1, *, kind: str | None = None) -> int:
        """Bring the bot's last update (of this kind) again, confirmed or not; returns its update_id."""
        with self.world.lock:
            update: dict[str, Any] = next(
                each for each in reversed(bot.mailbox.history) if kind is None or kind in each
            )
            bot.mailbox.again += [dict(update) for _ in range(times)]
            self.world.signal.notify()
            return int(update["update_id"])

    def post_to_webhook(
        self, bot: BotAccount, body: bytes | dict[str, Any], *, secret: str | bytes | None = "right", **headers: str
    ) -> httpx.Response:
        """Post anything to the bot's webhook as a stranger could; `secret`: "right", None for no header, or another."""
        hook = bot.mailbox.webhook
        said: dict[str, Any] = {"content-type": "application/json", **headers}
        given = hook.secret if secret == "right" else secret
        if given is not None:
            said[SECRET_HEADER] = given
        with httpx.Client(timeout=30, trust_env=False) as client:
            if isinstance(body, dict):
                return client.post(hook.url, json=body, headers=said)
            return client.post(hook.url, content=body, headers=said)
