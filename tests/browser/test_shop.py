"""Shopping in a real browser: by keyboard, on a phone and at a desk, light and dark, through a broken network."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, serious

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def say(page: Page, text: str) -> None:
    """Write a message and send it with the keyboard alone."""
    page.locator("#say").focus()
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")


def turns(page: Page) -> int:
    return page.locator("#log > .turn:not(.you):not([aria-hidden])").count()


def buy(page: Page, text: str, confirm: str, pay: str) -> None:
    """Order, confirm, pay with the sandbox and come back to the chat."""
    say(page, text)
    page.get_by_role("button", name=confirm).click()
    page.get_by_role("link", name=pay).click()
    page.locator("button[name=sandbox-pay]").click()
    page.locator(".outcome.ok a.button").click()


@pytest.mark.parametrize(
    ("size", "theme"), [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_a_purchase_from_the_first_page_to_the_cards(visit: Open, size: str, theme: str) -> None:
    page = visit("/", size=size, theme=theme)
    expect(page.locator("#shelf .row").first).to_be_enabled()
    assert serious(page) == []

    say(page, "买 A1 2")
    expect(page.locator(".card.confirm")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name="确认下单").click()
    page.get_by_role("link", name=re.compile("去支付")).click()
    expect(page.locator("#left")).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert serious(page) == []
    page.locator("button[name=sandbox-pay]").click()
    expect(page.locator(".outcome.ok")).to_be_visible()
    assert serious(page) == []
    page.locator(".outcome.ok a.button").click()

    cards = page.locator(".card.cards .key")
    expect(cards).to_have_count(2)
    assert serious(page) == []
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0


def test_everything_works_with_the_keyboard_alone(visit: Open) -> None:
    page = visit("/")
    expect(page.locator("#send")).to_be_attached()
    say(page, "买 A1 1")
    confirm = page.get_by_role("button", name="确认下单")
    expect(confirm).to_be_visible()

    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if confirm.evaluate("node => node === document.activeElement"):
            break
    outline = confirm.evaluate("node => getComputedStyle(node).outlineStyle")
    page.keyboard.press("Enter")
    expect(page.locator(".card.pay")).to_be_visible()
    for _ in range(10):
        if page.evaluate(
            "document.activeElement.closest('.card.pay') !== null && document.activeElement.href !== undefined"
        ):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/pay/"))
    assert outline != "none"


def test_a_copied_card_is_the_card(visit: Open) -> None:
    page = visit("/", size="phone")
    buy(page, "买 A1 1", "确认下单", "去支付")
    secret = page.locator(".card.cards .key code").last.text_content()

    page.locator(".card.cards .key .copy:not(.plain)").click()

    expect(page.locator(".copy.done")).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == secret


def test_a_reload_shows_the_conversation_again_and_keeps_no_card_on_the_device(visit: Open) -> None:
    page = visit("/")
    buy(page, "买 A1 1", "确认下单", "去支付")
    secret = page.locator(".card.cards .key code").last.text_content()
    before = turns(page)

    page.reload()

    expect(page.locator(".card.cards .key code").last).to_have_text(secret or "")
    assert turns(page) == before
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert secret
    assert secret not in kept


def test_a_message_sent_while_offline_goes_out_once_when_the_network_is_back(visit: Open) -> None:
    page = visit("/")
    say(page, "菜单")
    expect(page.locator(".card.menu")).to_have_count(1)

    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    say(page, "订单")
    expect(page.locator(".turn.you.pending")).to_have_count(1)
    page.context.set_offline(False)

    expect(page.locator(".turn.you.pending")).to_have_count(0)
    expect(page.locator("#offline")).to_be_hidden()
    assert turns(page) == 2


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again_under_the_same_id(visit: Open) -> None:
    page = visit("/")
    ids: list[str] = []

    def lose_first(route: object) -> None:
        ids.append(route.request.post_data_json["id"])  # type: ignore[attr-defined]
        if len(ids) == 1:
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/messages", lose_first)
    say(page, "买 A1 1")

    expect(page.locator(".card.confirm")).to_have_count(1)
    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_names_are_text_and_never_markup(visit: Open) -> None:
    """Fault 88."""
    page = visit("/")

    say(page, "<img src=x onerror=alert(1)> &amp; `买`")

    expect(page.locator(".turn.you .bubble")).to_have_text("<img src=x onerror=alert(1)> &amp; `买`")
    expect(page.locator("#log img")).to_have_count(0)


def test_rows_keep_their_order_however_long_a_name_is_and_a_lone_total_has_no_line_above(visit: Open) -> None:
    page = visit("/", size="phone")
    text = "请付款\n商品：一个名字很长很长的商品，长到在手机上要占两行才放得下的那一种\n数量：2\n合计：¥50.00"
    screens = [{"kind": "pay", "text": text}, {"kind": "pay", "text": "充值\n应付：¥50.00"}]
    page.route("**/messages", lambda route: route.fulfill(json={"screens": screens}))

    say(page, "付款")

    expect(page.locator(".card.pay").first.locator("dt")).to_have_text(["商品", "数量", "合计"])
    widths = [
        total.evaluate("row => getComputedStyle(row).borderBlockStartWidth")
        for total in page.locator(".card.pay .total").all()
    ]
    assert widths == ["1px", "0px"]


def test_theme_and_language_are_chosen_and_remembered(visit: Open) -> None:
    page = visit("/", theme="light")
    page.locator("#theme").click()
    page.locator("#language").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/s/demo")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    say(page, "buy A1 1")
    expect(page.get_by_role("button", name=re.compile("Confirm"))).to_be_visible()
    assert serious(page) == []


def test_the_page_does_not_move_while_it_loads_and_answers(visit: Open) -> None:
    page = visit("/", size="phone")
    page.wait_for_load_state("networkidle")

    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            const add = one => { if (!one.hadRecentInput) sum += one.value; };
            new PerformanceObserver(list => list.getEntries().forEach(add))
                .observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 500);
        })"""
    )

    assert shift < 0.02


def test_an_unknown_page_is_a_page(visit: Open) -> None:
    page = visit("/no-such-thing", size="phone", theme="dark")

    expect(page.get_by_role("heading")).to_have_text("这里什么也没有")
    assert serious(page) == []


def test_the_page_about_the_api_is_readable(visit: Open) -> None:
    page = visit("/api/docs", size="phone")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_an_ended_session_begins_anew_and_shows_nothing_of_the_old_one(visit: Open) -> None:
    page = visit("/")
    say(page, "菜单")
    expect(page.locator(".card.menu")).to_have_count(1)

    page.context.clear_cookies()
    say(page, "订单")

    expect(page.locator(".turn.you")).to_have_count(1)
    expect(page.locator(".turn.you")).to_contain_text("订单")
    expect(page.locator(".turn.you.pending")).to_have_count(0)
    assert turns(page) == 1
