"""Pages of the panel that no link leads to: they come of a state, of a form that was sent, or before signing in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from core import db
from tests.browser.panel.life import database
from tests.browser.panel.walking import ROOT, logins_of
from tests.support.panel import code_of
from tests.support.whole import WholeStore

Shot = Callable[[Page, str], None]
STALE = "UPDATE staff_session SET second_at = now() - interval '6 minutes', created_at = now() - interval '1 hour'"
NEWCOMER = "sun@demo.test"
GATE = ".gate button.primary"
SEND = "main form:not([role=search]) .form-acts button, main form:not([role=search]) button.primary"


def send(page: Page, button: str = SEND) -> None:
    """Press the first button of the page's form; what comes of it is there with its styles when this returns."""
    with page.expect_navigation():
        page.locator(button).first.click()
    page.wait_for_load_state("networkidle")


def gates(page: Page, shot: Shot) -> None:
    """Before signing in: the form, a wrong password, asking to be let in, an address that is none."""
    page.goto(f"{ROOT}/sign-in")
    shot(page, "sign-in")
    page.fill("[name=email]", "lost@demo.test")
    page.fill("[name=password]", "not my password at all")
    send(page, GATE)
    shot(page, "sign-in-refused")
    page.goto(f"{ROOT}/apply")
    shot(page, "apply")
    for name, said in APPLICATION.items():
        page.fill(f"[name={name}]", said)
    page.fill("[name=code]", "demo")
    send(page, GATE)
    shot(page, "apply-refused")
    page.fill("[name=code]", "orchid")
    page.fill("[name=password]", APPLICATION["password"])
    send(page, GATE)
    shot(page, "applied")
    page.goto(f"{ROOT}/sign-in")
    page.fill("[name=email]", APPLICATION["email"])
    page.fill("[name=password]", APPLICATION["password"])
    send(page, GATE)
    shot(page, "waiting")


APPLICATION = {
    "name": "兰花数字商品",
    "english": "Orchid Digital",
    "contact": "赵敏",
    "email": "zhao@orchid.test",
    "password": "correct horse battery",  # not-a-secret
    "sells": "腾讯视频、爱奇艺和网易云的月卡与年卡，每月约三千张，都由品牌方直接供货。",
}


def merchant(page: Page, shot: Shot, files: dict[str, Path]) -> None:
    """A merchant's forms as they are sent and refused, and orders in each state."""
    page.goto(f"{ROOT}/goods/new")
    for name, said in NEW_GOODS.items():
        page.fill(f"[name={name}]", said)
    page.fill("[name=price]", "abc")
    send(page)
    shot(page, "goods-new-refused")
    page.fill("[name=price]", "18.80")
    page.fill("[name=cards]", NEW_GOODS["cards"])
    send(page)
    page.wait_for_timeout(2500)
    shot(page, "goods-new-done")
    variants(page, shot)
    bring(page, shot, NEW_GOODS["name_zh"], files["cards"])
    page.goto(f"{ROOT}/goods/sheet")
    page.set_input_files("[name=file]", files["sheet"])
    send(page)
    shot(page, "goods-sheet-look")
    orders(page, shot)


NEW_GOODS = {
    "name_zh": "哔哩哔哩大会员 月卡",
    "name_en": "Bilibili Premium, 1 month",
    "code": "BILI1",
    "cards": "\n".join(f"BILI-{at:04}-DEMO-KEYS" for at in range(1, 13)),
}


def variants(page: Page, shot: Shot) -> None:
    """The grid of a product's variants, from the page that says that its goods are there."""
    page.locator("main a[href*='/product/']").first.click()
    page.locator("main a[href$='/variants']").first.click()
    for tick in page.locator("main input[type=checkbox]").all()[:2]:
        tick.check()
    send(page)
    shot(page, "product-variants-grid")


def bring(page: Page, shot: Shot, goods: str, file: Path) -> None:
    """A file of cards: chosen, looked at, taken in, with its report."""
    page.goto(f"{ROOT}/imports/new")
    page.locator("a.pick", has_text=goods).click()
    page.wait_for_selector("[name=file]")
    page.set_input_files("[name=file]", file)
    page.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}"))
    page.wait_for_selector("main form .form-acts button.primary", timeout=60_000)
    shot(page, "imports-looked-at")
    page.locator("main form .form-acts button.primary").first.click()
    page.wait_for_selector("main a[href*='/batches/']", timeout=60_000)
    shot(page, "imports-done")


def orders(page: Page, shot: Shot) -> None:
    """An order in each state, and what can be done with it."""
    for state, called in (("待付款", "awaiting"), ("已完成", "done"), ("已取消", "cancelled")):
        open_order(page, state)
        shot(page, f"orders-{called}")
    open_order(page, "已完成")
    page.click("a[href$='/refund']")
    shot(page, "orders-refund")
    send(page)
    page.wait_for_timeout(1500)
    page.reload()
    shot(page, "orders-refunded")
    open_order(page, "", path="/orders/?needs=1")
    shot(page, "orders-task")
    page.click("main a[href$='/task']")
    shot(page, "orders-task-free")
    send(page)
    shot(page, "orders-task-taken")


def open_order(page: Page, said: str, *, path: str = "/orders/") -> None:
    """The first order whose row says something."""
    page.goto(f"{ROOT}{path}")
    page.locator("tbody tr", has_text=said).first.locator("th a").click()
    page.wait_for_selector(".moments")


def traced(page: Page, shot: Shot, store: WholeStore, secret: str) -> None:
    """A card that two parties brought, found by its secret; the code of signing in may still be the clock's."""
    page.goto(f"{ROOT}/cards/by-secret")
    for _ in range(3):
        page.fill("[name=secret]", secret)
        page.fill("[name=code]", code_of(logins_of(store.folder)[1]["platform@demo.test"]))
        send(page)
        if page.locator("main .head-sums").count():
            break
        shot(page, "cards-by-secret-refused")
        page.wait_for_timeout(25_000)
    page.wait_for_selector("main .head-sums")
    shot(page, "cards-by-secret-found")


def setting_up(page: Page, shot: Shot) -> None:
    """Somebody who opens a shop: each step as it begins, then a shop that is open."""
    page.goto(f"{ROOT}/")
    shot(page, "today")
    for step in ("shop", "goods", "gateway", "chats"):
        page.goto(f"{ROOT}/setup/{step}")
        page.wait_for_load_state("networkidle")
        shot(page, f"setup-{step}")
    page.goto(f"{ROOT}/setup/finished")
    shot(page, "setup-finished")


def late(page: Page, shot: Shot, store: WholeStore) -> None:
    """A new login, made by a form that comes more than five minutes after the last code; its first sign-in; trouble."""
    page.goto(f"{ROOT}/people/new")
    page.fill("[name=name]", "孙月")
    page.fill("[name=email]", NEWCOMER)
    page.check("[name=roles][value=finance]")
    _make_stale(store)
    send(page)
    shot(page, "step-up")
    letters = logins_of(store.folder)[1]["merchant@demo.test"]
    page.locator("input.code").fill(code_of(letters))
    send(page, GATE)
    page.wait_for_selector("code.letters")
    password = page.inner_text("code.letters")
    shot(page, "people-made")
    page.goto(f"{ROOT}/orders/nothing")
    shot(page, "trouble")
    page.goto(f"{ROOT}/reports/orders?range=today")
    shot(page, "reports-orders-today")
    page.context.clear_cookies()
    _first_sign_in(page, shot, password)


def _make_stale(store: WholeStore) -> None:
    with database(store, "owner"):
        db.execute(STALE)


def _first_sign_in(page: Page, shot: Shot, password: str) -> None:
    """Somebody whose password another one chose sets a second factor up, then another password."""
    page.goto(f"{ROOT}/sign-in")
    page.fill("[name=email]", NEWCOMER)
    page.fill("[name=password]", password)
    send(page, GATE)
    shot(page, "second-asked")
    send(page, GATE)
    page.wait_for_selector(".qr img")
    shot(page, "second-shown")
    page.fill("[name=code]", code_of(page.inner_text("code.letters")))
    send(page, GATE)
    page.wait_for_selector("[name=again]")
    shot(page, "first-password")
