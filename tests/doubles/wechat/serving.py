"""The double for a person: served in the foreground with an account, two people, and how to connect a store."""

import threading

from tests.doubles.wechat.double import WeChatDouble

APP_ID = "wx0123456789demo01"
SECRET = "demo-app-secret-of-the-double"  # not-a-secret
TOKEN = "demotoken"
AES_KEY = "DemoKeyDemoKeyDemoKeyDemoKeyDemoKeyDemoKey0"  # not-a-secret


def serve(host: str, port: int) -> None:
    """Serve until KeyboardInterrupt; says where it is and how a demo store finds it."""
    double = WeChatDouble(host, port)
    account = double.add_account(APP_ID, SECRET, TOKEN, AES_KEY, mode="safe", name="键铺演示号")
    double.follower(account, "小明")
    double.follower(account, "Alex", "en")
    double.start()
    try:
        print("\n".join(connected(double.url, account.original_id)), flush=True)
        threading.Event().wait()
    finally:
        double.stop()


def connected(url: str, original_id: str) -> list[str]:
    """What to do to have a demo store answer here."""
    return [
        f"The WeChat double answers at {url} : open that page to talk to the account.",
        "Connect a demo store, in another terminal:",
        f"  export KEYSTALL_WECHAT__API_BASE={url}",
        "  make demo",
        "and, while it runs, in a third one:",
        f"  export KEYSTALL_WECHAT__API_BASE={url}",
        f"  export WX_TOKEN={TOKEN} WX_AES_KEY={AES_KEY} WX_SECRET={SECRET}",
        f"  .venv/bin/python run.py channel add wechat --merchant demo --app-id {APP_ID} \\",
        f"    --original-id {original_id} --token env:WX_TOKEN --aes-key env:WX_AES_KEY \\",
        "    --secret env:WX_SECRET --verified --ios-rule off",
        "  .venv/bin/python run.py channel menu 1    # the number that channel add printed",
        "Paste the server address that it prints into the page (Server configuration, Save), then say 你好.",
        "Ctrl-C ends the double; its chats are forgotten.",
    ]
