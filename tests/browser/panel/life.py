"""What happens in a demo before its panel is painted: orders of each kind, files with bad rows, somebody who asks.

All of it goes through the doors that people use. Only the figures of earlier days do not: no door sells yesterday.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from channels.pay.sandbox import SIGNATURE_HEADER
from core import db
from core.config import Config
from core.config.loading import load
from core.vault.notices import SandboxNotice, sandbox_private_key, sign_notice
from ops.demo.seed import FOLDER as DEMO_FILES
from ops.store import opened
from tests.browser.conftest import SIZES
from tests.support.chatter import Chatter, Screen
from tests.support.whole import WholeStore

BOUGHT = (("A1", 2), ("A1", 1), ("B1", 1), ("C1", 3), ("D1", 1), ("A2", 2))
EARLIER = (3, 2, 4, 3, 5, 2, 3, 4, 2, 3, 1, 2, 3)
"""Today's figures so many times, for the days before, yesterday first."""

LATEST = """
SELECT p.id::text, a.opaque_id::text FROM payment p JOIN gateway_account a ON a.id = p.gateway_account_id
WHERE p.order_id IS NOT NULL ORDER BY p.created_at DESC LIMIT 1
"""
ROLLED_UP = "SELECT coalesce(sum(orders), 0) FROM report_order"
ORDER_DAYS = """
INSERT INTO report_order SELECT merchant_id, day - %(back)s, channel, currency, orders * %(times)s,
    quantity * %(times)s, revenue * %(times)s, refunded, profit * %(times)s
FROM report_order WHERE day = (SELECT max(day) FROM report_order)
"""
SALE_DAYS = """
INSERT INTO report_sale SELECT merchant_id, day - %(back)s, listing_id, channel, terms, supplier_id, currency, sku_id,
    lines * %(times)s, quantity * %(times)s, listed * %(times)s, discounts * %(times)s, revenue * %(times)s, refunded,
    hop_cost * %(times)s, own_cost * %(times)s, fees * %(times)s, profit * %(times)s, refunded_lines,
    delivered * %(times)s, within_10s * %(times)s, within_1m * %(times)s, within_10m * %(times)s, within_1h * %(times)s,
    failed
FROM report_sale WHERE day = (SELECT max(day) FROM report_sale)
"""
HOP_DAYS = """
INSERT INTO report_hop SELECT seller_id, day - %(back)s, buyer_id, merchant_id, sku_id, currency, lines * %(times)s,
    cards * %(times)s, earned * %(times)s, returned, refunded_lines, delivered * %(times)s, late, failed
FROM report_hop WHERE day = (SELECT max(day) FROM report_hop)
"""


@contextmanager
def database(store: WholeStore, role: str) -> Iterator[Config]:
    """The database of a store that runs, as one of its logins; yields its settings."""
    with opened(load(None, store.environment)) as found:
        logins = found.config.database
        db.connect(logins.url if role == "owner" else getattr(logins.roles, role), size=1)
        try:
            yield found.config
        finally:
            db.disconnect()


def sell(store: WholeStore, chromium: Browser) -> None:
    """Orders: delivered, waiting for money, cancelled, waiting for a person, and one that was paid twice."""
    for code, quantity in BOUGHT:
        with_chatter(store, lambda one, code=code, quantity=quantity: one.buy(code, quantity))  # type: ignore[misc]
    with_chatter(store, lambda one: one.tap(one.order("A2", 1), "取消", "cancel"))
    with_chatter(store, lambda one: top_up(one.order("E1", 1), chromium))
    with_chatter(store, lambda one: paid_twice(store, one, one.order("B1", 1)))
    with_chatter(store, lambda one: one.order("C1", 2))


def with_chatter(store: WholeStore, does: object) -> None:
    """One shopper's visit."""
    chatter = Chatter(store.address)
    try:
        does(chatter)  # type: ignore[operator]
    finally:
        chatter.close()


def address_of(pay: Screen) -> str:
    """The checkout page of an order."""
    return next(choice["url"] for choice in pay["options"] if "/pay/" in choice.get("url", ""))


def top_up(pay: Screen, chromium: Browser) -> None:
    """Tell what a top-up by hand needs, and pay it."""
    context = chromium.new_context(viewport=SIZES["phone"], locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address_of(pay))
    page.locator("input[name$=':account']").fill("10001")
    page.locator("input[name$=':password']").fill("hunter2 hunter2")
    page.locator("[name=fields]").click()
    page.locator("[name=sandbox-pay]").click()
    page.locator("[name=sandbox-pay]").wait_for(state="detached")
    context.close()


def paid_twice(store: WholeStore, chatter: Chatter, pay: Screen) -> None:
    """After the money of an order more comes for it, of another amount: nobody but a person knows why."""
    chatter.press_sandbox_pay(pay)
    chatter.wait_for("cards")
    with database(store, "worker") as config:
        payment, account = db.execute(LATEST)[0]
    said = SandboxNotice(account, "sbx_second", "paid", payment, 30000, "CNY", int(time.time()))
    body, headers = sign_notice(sandbox_private_key(config.secret(config.secrets.act_key).reveal()), said)
    sent = {name: headers[name] for name in ("content-type", SIGNATURE_HEADER)}
    answer = chatter.http.post(f"/hooks/pay/sandbox/{account}", content=body, headers=sent)
    assert answer.status_code == 200, answer.text


def earlier_days(store: WholeStore, orders: int) -> None:
    """Once today's sales are in the reports, like ones stand in the days before, so that charts have a shape."""
    with database(store, "worker"):
        end = time.monotonic() + 120
        while db.execute(ROLLED_UP)[0][0] < orders:
            assert time.monotonic() < end, "the reports do not follow the sales"
            time.sleep(1)
        with db.atomic():
            for back, times in enumerate(EARLIER, 1):
                for statement in (ORDER_DAYS, SALE_DAYS, HOP_DAYS):
                    db.execute(statement, {"back": back, "times": times})


def files(folder: Path) -> dict[str, Path]:
    """Files for the panel: cards with bad rows, cards that somebody else has, and a sheet of goods."""
    folder.mkdir(exist_ok=True)
    fresh = [f"BILI{at:06},BILI-{at:04}-JULY-KEYS," + ("2029-06-30," if at % 9 else "30/02/2029,") for at in range(60)]
    there = [f"BILI9{at:05},BILI-{at:04}-DEMO-KEYS,2029-06-30," for at in range(1, 4)]
    foreign = (DEMO_FILES / "steam_50_usd.txt").read_text("utf-8-sig").splitlines()[:6]
    fresh_codes = [f"QA{at:03}-PICTS-DEMO{at % 9}" for at in range(40)]
    made = {
        "cards": ("bilibili_july.csv", "\n".join([CARDS_HEAD, *fresh, *there, "BILI000999,,2029-06-30,", fresh[1]])),
        "copies": ("steam_reseller.txt", "\n".join([*foreign, *fresh_codes])),
        "sheet": ("goods.csv", SHEET),
    }
    for name, content in made.values():
        (folder / name).write_text(content + "\n", "utf-8")
    return {called: folder / name for called, (name, _) in made.items()}


CARDS_HEAD = "卡号,卡密,有效期,备注"
SHEET = """编号,中文名称,英文名称,分类,价格,单笔最多购买,排序,在售
A1,,,,18.80,,,
B1,,,,abc,,,
C1,,,,,20,,否
G1,网易云音乐黑胶 月卡,NetEase Music Vinyl 1 month,music,13.50,5,9,是"""
