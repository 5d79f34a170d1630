"""A whole store with its platforms beside it: two merchants, a bot and an official account each, and ways to kill."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ops.demo.seed import FOLDER
from tests.doubles.telegram import BotAccount, TelegramDouble
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.world import Account
from tests.support.whole import WholeStore

MERCHANTS = {"demo": "A1", "other": "A2"}
"""Each merchant and what its shoppers buy."""

CARDS = 1000  # of each SKU, beside the demo's: strangers together may hold a fifth
PROCESSES = ("bot", "worker", "vault", "web")


@dataclass
class Town:
    """The store, its platforms, and what each merchant has there."""

    store: WholeStore
    tg: TelegramDouble
    wx: WeChatDouble
    bots: dict[str, BotAccount]
    accounts: dict[str, Account]
    keys: set[str] = field(default_factory=set)  # every card there is

    def command(self, *words: str) -> str:
        """What a command of the store says; AssertionError where it fails."""
        done = self.store.run(*words)
        assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
        return done.stdout

    def kill(self, name: str) -> bool:
        """kill -9 of the store's process of this name; whether there was one."""
        for place in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (place / "cmdline").read_bytes().split(b"\0")
                environment = (place / "environ").read_bytes()
                if b"process" in words and name.encode() in words and str(self.store.folder).encode() in environment:
                    os.kill(int(place.name), signal.SIGKILL)
                    return True
        return False


@contextlib.contextmanager
def town() -> Iterator[Town]:
    """All of it, connected as an operator does; ends with the block."""
    with TelegramDouble() as tg, WeChatDouble() as wx:
        store = WholeStore(KEYSTALL_TELEGRAM__API_BASE=tg.url, KEYSTALL_WECHAT__API_BASE=wx.url)
        try:
            store.start()
            made = Town(store, tg, wx, {}, {}, keys=keys_of_the_demo())
            for number, merchant in enumerate(MERCHANTS):
                stock(made, merchant)
                made.bots[merchant] = a_bot(made, merchant)
                made.accounts[merchant] = an_official_account(made, merchant, number)
            yield made
        finally:
            store.remove()


def keys_of_the_demo() -> set[str]:
    """The keys in the demo's own files of what is bought here."""
    months = (FOLDER / "tencent_video_month_2029.csv").read_text("gb18030").splitlines()
    quarters = (FOLDER / "iqiyi_quarter_other.txt").read_text("utf-8").split()
    return {line.split(",")[1] for line in months if line.count(",") >= 2} | set(quarters)


def stock(made: Town, merchant: str) -> None:
    """Cards enough for everybody, as a file of the merchant's own."""
    file = Path(made.store.folder, f"{merchant}.txt")
    keys = [f"CROWD-{merchant.upper()}-{n:05}-{n * 7919 % 99991:05}" for n in range(CARDS)]
    file.write_text("\n".join(keys))
    made.keys |= set(keys)
    made.command("import", str(file), "--batch-of", MERCHANTS[merchant], "--merchant", merchant)


def a_bot(made: Town, merchant: str) -> BotAccount:
    """A bot, connected."""
    bot = made.tg.add_bot(username=f"{merchant}_bot")
    Path(made.store.folder, f"{merchant}.token").write_text(bot.token)
    made.command("channel", "add", "telegram", "--merchant", merchant, "--token", f"file:{merchant}.token")
    return bot


def an_official_account(made: Town, merchant: str, number: int) -> Account:
    """An official account in safe mode that shows prices and asks nobody to log in."""
    app_id, token, aes_key = f"wxcrowd{number:010}", f"crowdtoken{number}", f"{number:043}"
    for name, value in (("wx-token", token), ("wx-aes", aes_key), ("wx-secret", f"app-secret-{number}-0123456789")):
        Path(made.store.folder, f"{merchant}.{name}").write_text(value)
    said = made.command(
        *("channel", "add", "wechat", "--merchant", merchant, "--app-id", app_id, "--ios-rule", "off"),
        *("--token", f"file:{merchant}.wx-token", "--aes-key", f"file:{merchant}.wx-aes"),
        *("--secret", f"file:{merchant}.wx-secret", "--kind", "subscription", "--verified"),
    )
    address = next(word for word in said.split() if "/hooks/wechat/" in word)
    secret = f"app-secret-{number}-0123456789"
    return made.wx.add_account(app_id, secret, token, aes_key, address, "safe", "subscription")
