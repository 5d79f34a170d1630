"""The double for a person: in the foreground, with a ready bot, two people, and the words that connect a store."""

import threading

from tests.doubles.telegram.double import TelegramDouble

BOT = "keystall_demo_bot"


def serve(host: str, port: int) -> None:
    """Serve until KeyboardInterrupt; says where it is and how a demo store finds it."""
    double = TelegramDouble(host, port)
    bot = double.add_bot(username=BOT, name="Keystall demo")
    double.user(5001, "zh-hans", "小明")
    double.user(5002, "en", "Alex")
    double.start()
    try:
        print("\n".join(connected(double.url, bot.token)), flush=True)
        threading.Event().wait()
    finally:
        double.stop()


def connected(url: str, token: str) -> list[str]:
    """What to do to have a demo store answer here."""
    return [
        f"The Telegram double answers at {url} : open that page to talk to @{BOT}.",
        "Connect a demo store, in another terminal:",
        f"  export KEYSTALL_TELEGRAM__API_BASE={url}",
        "  make demo",
        "and, while it runs, in a third one:",
        f"  export KEYSTALL_TELEGRAM__API_BASE={url} TG_TOKEN={token}",
        "  .venv/bin/python run.py channel add telegram --merchant demo --token env:TG_TOKEN",
        "Then press Start or say 你好 on the page. Ctrl-C ends the double; its chats are forgotten.",
    ]
