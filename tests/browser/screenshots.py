"""`python -m tests.browser.screenshots`: pictures of real chats in a running demo, written to docs/images/."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, SIZES
from tests.browser.test_shop import buy, say
from tests.house.tree import ROOT
from tests.support.browser import find
from tests.support.chatter import press_sandbox_pay
from tests.support.pages import IN_WECHAT
from tests.support.telegram import last
from tests.transcripts.town import Town, town

FOLDER = ROOT / "docs" / "images"
ONLY_THE_CHAT = ".side { display: none !important } .frame { grid-template-rows: minmax(0, 1fr) !important }"
BOARD = """
<style>
  body { margin: 0; height: 100vh; position: relative; overflow: hidden;
         background: linear-gradient(120deg, #dff0ea, #f4f2ec 45%, #f1e3d6) }
  img { position: absolute; display: block; box-shadow: 0 18px 50px #0003 }
  .phone { border: 9px solid #15191b; border-radius: 36px }
  .desk { border-radius: 14px }
</style>
"""


def main() -> None:
    """All pictures, from one store."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with town() as made, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        phones = [telegram(made, chromium), *wechat(made, chromium)]
        row = [placed(name, "phone", 40 + 440 * place, 28, 390) for place, name in enumerate(phones)]
        board(chromium, "chats", row, width=1350, height=920)
        desk = shopping(made, chromium, "desk-light", "desk", "light", "en-US", ("buy A1 2", "Confirm order", "Pay"))
        phone = asking(made, chromium)
        both = [placed(desk, "desk", 60, 50, 1060), placed(phone, "phone", 1080, 90, 350)]
        board(chromium, "chat", both, width=1500, height=890)
        for piece in (desk, phone):
            picture(piece).unlink()
        chromium.close()
    print("\n".join(f"{file.relative_to(ROOT)} {file.stat().st_size // 1024} KB" for file in sorted(FOLDER.glob("*"))))


def picture(name: str) -> Path:
    """The file of a picture."""
    return FOLDER / f"{name}.png"


def telegram(made: Town, chromium: Browser) -> str:
    """Two cards in Telegram, as the double shows the chat; the name of the picture."""
    user = made.tg.user(5001, first_name="小明")
    user.start(made.bot, "A1")
    user.tap(made.bot, "购买", message=last(user, made.bot, "购买")).answer()
    user.tap(made.bot, "+1", message=last(user, made.bot, "数量：1")).answer()
    user.tap(made.bot, "确认下单", message=last(user, made.bot, "数量：2")).answer()
    press_sandbox_pay(last(user, made.bot, "去支付").links[0])
    last(user, made.bot, "使用方法", "再来一单", seconds=40)
    return double(chromium, made.tg.url, {"#user": "5001"}, "telegram")


def wechat(made: Town, chromium: Browser) -> list[str]:
    """An order in WeChat: the page of its link, and the chat with its cards; the names of the pictures."""
    fan = made.wx.follower(made.off, "小明", follows=False)
    fan.subscribe()
    fan.say("A1 2")
    link = next(link.address for seen in reversed(fan.messages()) for link in seen.links)
    page = opened(chromium, link, "phone", user_agent=IN_WECHAT)
    page.locator("button[name=place]").wait_for()
    page.screenshot(path=picture("wechat-page"))
    page.locator("button[name=place]").click()
    page.locator("button[name=sandbox-pay]").click()
    page.locator("#show").wait_for()
    page.context.close()
    fan.say("取卡")
    chosen = {"#account": made.off.app_id, "#follower": fan.openid}
    return [double(chromium, made.wx.url, chosen, "wechat"), "wechat-page"]


def double(chromium: Browser, url: str, chosen: dict[str, str], name: str) -> str:
    """The chat of one person on a double's page, without what stands beside it."""
    page = opened(chromium, url, "phone")
    for select, value in chosen.items():
        page.locator(f"{select} option[value='{value}']").wait_for(state="attached")
        page.select_option(select, value)
    page.add_style_tag(content=ONLY_THE_CHAT)
    page.wait_for_timeout(1500)
    page.locator("#messages").evaluate("list => { list.scrollTop = list.scrollHeight }")
    page.screenshot(path=picture(name))
    page.context.close()
    return name


def shopping(
    made: Town, chromium: Browser, name: str, size: str, theme: str, locale: str, words: tuple[str, str, str]
) -> str:
    """Cards in the web chat; the name of the picture."""
    page = opened(chromium, made.store.address, size, color_scheme=theme, locale=locale)
    page.locator("#send").wait_for()
    buy(page, *words)
    page.locator(".card.cards .key").first.wait_for()
    page.wait_for_timeout(800)
    page.mouse.move(500, 400)
    page.mouse.wheel(0, 4000)
    page.wait_for_timeout(400)
    page.screenshot(path=picture(name))
    page.context.close()
    return name


def asking(made: Town, chromium: Browser) -> str:
    """An order that waits for its payment, in the web chat on a phone in the dark; the name of the picture."""
    page = opened(chromium, made.store.address, "phone", color_scheme="dark", locale="zh-CN")
    page.locator("#send").wait_for()
    say(page, "买 A1 2")
    page.get_by_role("button", name="确认下单").click()
    page.locator(".card.pay").wait_for()
    page.wait_for_timeout(800)
    page.screenshot(path=picture("phone-dark"))
    page.context.close()
    return "phone-dark"


def opened(chromium: Browser, address: str, size: str, **more: Any) -> Page:
    """A page of a person of its own."""
    settings = {"viewport": SIZES[size], "locale": "zh-CN", "color_scheme": "light", "has_touch": size == "phone"}
    page = chromium.new_context(**settings | more).new_page()
    page.goto(address)
    return page


def placed(name: str, kind: str, left: int, top: int, width: int) -> str:
    """A picture on the board."""
    content = base64.b64encode(picture(name).read_bytes()).decode()
    place = f"left:{left}px;top:{top}px;width:{width}px"
    return f'<img class="{kind}" style="{place}" src="data:image/png;base64,{content}">'


def board(chromium: Browser, name: str, pictures: list[str], *, width: int, height: int) -> None:
    """Several pictures on one."""
    page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_content(BOARD + "".join(pictures))
    page.screenshot(path=picture(name))
    page.context.close()


if __name__ == "__main__":
    main()
