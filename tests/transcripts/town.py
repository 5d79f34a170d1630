"""The store that talks: a whole demo with Telegram and WeChat beside it, one bot and two official accounts."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.demo.seed import FOLDER
from tests.doubles.telegram import BotAccount, TelegramDouble
from tests.doubles.wechat import Account, WeChatDouble
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

SOLD_OUT = "D1"
"""What nobody can buy: its only batch is taken off sale before anybody comes."""

WORDS = re.compile(r"[A-Z0-9][A-Z0-9-]{11,}")


@dataclass
class Town:
    """The store and its platforms; `strict` shows no prices and may speak, `off` shows them and only answers."""

    store: WholeStore
    tg: TelegramDouble
    wx: WeChatDouble
    bot: BotAccount
    strict: Account
    off: Account
    people: int = 0

    def number(self) -> int:
        """A person's number, the next one."""
        self.people += 1
        return self.people


@contextlib.contextmanager
def town() -> Iterator[Town]:
    """All of it; ends with the block."""
    with TelegramDouble() as tg, WeChatDouble() as wx:
        store = WholeStore(KEYSTALL_TELEGRAM__API_BASE=tg.url, KEYSTALL_WECHAT__API_BASE=wx.url)
        try:
            store.start()
            bot = tg.add_bot()
            Path(store.folder, "bot.token").write_text(bot.token)
            command(store, "channel", "add", "telegram", "--merchant", "demo", "--token", "file:bot.token")
            strict = official_account(store, wx, 1, "--ios-rule", "strict", "--kind", "service", "--verified")
            off = official_account(store, wx, 2, "--ios-rule", "off", "--kind", "subscription")
            sell_out(store)
            yield Town(store, tg, wx, bot, strict, off)
            assert (tg.violations, wx.violations) == ([], [])
        finally:
            store.remove()


def command(store: WholeStore, *words: str) -> str:
    """What a command of the store says. Raises AssertionError where it fails."""
    done = store.run(*words)
    assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
    return done.stdout


def official_account(store: WholeStore, wx: WeChatDouble, number: int, *more: str) -> Account:
    """An official account, connected; the verified service account has its AppSecret, the other one has none."""
    app_id, token, aes_key = f"wxtranscript{number:06}", f"transcript{number}", f"{number:043}"
    secret, may_speak = f"transcript-secret-{number}", "--verified" in more
    for name, value in (("token", token), ("aes", aes_key), ("secret", secret)):
        Path(store.folder, f"wx{number}.{name}").write_text(value)
    keys = ["--token", f"file:wx{number}.token", "--aes-key", f"file:wx{number}.aes"]
    keys += ["--secret", f"file:wx{number}.secret"] if may_speak else []
    said = command(store, "channel", "add", "wechat", "--merchant", "demo", "--app-id", app_id, *keys, *more)
    address = next(word for word in said.split() if "/hooks/wechat/" in word)
    kind = "service" if may_speak else "subscription"
    return wx.add_account(app_id, secret, token, aes_key, address, "safe", kind, verified=may_speak)


def sell_out(store: WholeStore) -> None:
    """Take the one batch of `SOLD_OUT` off sale, as for a doubted delivery: `trace` of a card shows its number."""
    buyer = Chatter(store.address)
    try:
        token = buyer.buy(SOLD_OUT)[0]["token"]
    finally:
        buyer.close()
    found = re.search(r"bat_[0-9a-z]+", command(store, "trace", "--card", token))
    assert found is not None
    command(store, "batch", "lock", found[0], "--reason", "sold out for the transcript")


def cards_of_the_demo() -> set[str]:
    """Numbers, keys and PINs in the demo's files of what is bought here."""
    files = {
        "tencent_video_month_2029.csv": "gb18030",
        "iqiyi_quarter_2028.tsv": "utf-16",
        "steam_50_usd.txt": "utf-8-sig",
    }
    texts = ((FOLDER / name).read_text(encoding) for name, encoding in files.items())
    return {word for text in texts for word in WORDS.findall(text)}
