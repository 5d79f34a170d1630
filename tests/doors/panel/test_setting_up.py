"""A merchant opens its shop and sees to its connections: what it types is kept for others, tried, and never shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from admin import reading
from admin.app import make_app
from channels.chat.wechat.courier import Apis
from core import db
from core.config import Config, Telegram, WeChat
from core.connections.chats import chat_account
from core.connections.checks import carry_out_check
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.handed_in import MARK, PURPOSE, public_key
from core.secret import Secret
from core.vault.primitives import SealError, framed, hpke_seal
from core.work import Work, decode
from ops import wiring
from ops.channels.examining import StoreExaminer
from ops.channels.platforms import connecting_of
from tests.builders import Shop
from tests.doubles.telegram import TelegramDouble
from tests.doubles.wechat import WeChatDouble
from tests.support.panel import ERROR_ID, Browser, panel_values
from tests.support.panel_platforms import SaidPlatforms, connecting
from tests.support.seated import a_seat
from tests.support.vaults import TestVault

Panel = Callable[[], Browser]
APP_ID, APP_SECRET, CALLBACK = "wx0123456789abcdef", "canaryOfTheAppSecret1234", "callbacktoken"
AES_KEY = "a" * 43
BRING = 'href="/imports/new"'
JUNK = ("", "abc", "1:2", "a\0b", "x" * 60_000, "123456:" + "é" * 35, "../../getMe")


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


@dataclasses.dataclass
class Desk:
    """A panel that asks the doubles, and the worker's side of it."""

    config: Config
    browser: Panel
    shop: Shop
    urls: dict[str, str]

    def owner(self, merchant: int) -> Browser:
        browser = self.browser()
        a_seat(browser, self.shop, merchant, "owner")
        return browser

    def examine(self) -> int:
        """Do the checks that were asked for, with the keys of the worker; returns how many."""
        apis = Apis(self.config.secret(self.config.secrets.act_key), self.config.wechat.api_base, bare(self.config))
        examiner = StoreExaminer(self.config, apis, wiring.clock(), None, None)
        asked = [decode(bytes(data)) for (data,) in self.shop.sql("DELETE FROM keystall_task RETURNING data")]
        checks = [reference for kind, reference in asked if kind is Work.CHECK_CONNECTION]
        db.connect(self.urls["worker"], size=2)
        for check in checks:
            carry_out_check(check_id=check, examiner=examiner, now=db.database_now())
        apis.close()
        db.connect(self.urls["shop"], size=4)
        self.shop.sql("UPDATE connection_check SET asked_at = asked_at - interval '10 seconds'")
        return len(checks)


def bare(config: Config) -> Any:
    return wiring.bare_context(config)


@pytest.fixture
def desk(shop: Shop, vault: TestVault, urls: dict[str, str]) -> Iterator[tuple[Desk, TelegramDouble, WeChatDouble]]:
    with TelegramDouble() as telegram, WeChatDouble() as wechat:
        config = dataclasses.replace(
            vault.config, telegram=Telegram(api_base=telegram.url), wechat=WeChat(api_base=wechat.url)
        )
        keys = {Holder.BOT: config.secrets.bot_key, Holder.ACT: config.secrets.act_key}
        publics = [public_key(config.secret(name), holder) for holder, name in keys.items()]
        shop.sql("UPDATE installation SET bot_public_key = %s, act_public_key = %s", publics)
        values = dataclasses.replace(panel_values(vault), connecting=connecting_of(config))
        app = make_app(values)
        reading.connect(urls["panel"], size=4)
        yield Desk(config, lambda: Browser(app), shop, urls), telegram, wechat
        reading.disconnect()


def test_what_is_no_token_or_does_not_work_is_said_and_changes_nothing(
    desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop
) -> None:
    here, telegram, _ = desk
    bot, owner = telegram.add_bot(), here.owner(shop.merchant)
    before = shop.fingerprint()

    for junk in JUNK:
        refused = owner.post("/channels/telegram", {"token": junk})
        assert (refused.status_code, junk in text(refused) if len(junk) > 3 else False) == (422, False)
    unknown = owner.post("/channels/telegram", {"token": "123456:" + "A" * 35})
    telegram.outage()
    away = owner.post("/channels/telegram", {"token": bot.token})
    telegram.outage(on=False)

    assert (unknown.status_code, "does not know this token" in text(unknown)) == (422, True)
    assert (away.status_code, "does not answer from this store" in text(away)) == (503, True)
    assert shop.fingerprint() == before


def test_a_bots_token_is_sealed_for_the_bot_alone_and_shown_nowhere(
    desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop
) -> None:
    """INV-K1, INV-T1: web does not open what was typed into it, and no other merchant sees or takes the bot."""
    here, telegram, _ = desk
    bot, other = telegram.add_bot(username="star_shop_bot"), telegram.add_bot("88:" + "B" * 35, "other_bot")
    owner, rival = here.owner(shop.merchant), here.owner(shop.a_party("rival"))

    made = owner.post("/channels/telegram", {"token": bot.token})

    ((number, external, username),) = shop.sql("SELECT id, external_id, username FROM chat_account")
    page = f"/channels/chat/{number}"
    assert (made.status_code, made.location, external, username) == (302, page, str(bot.id), "star_shop_bot")
    keys = here.config.secrets
    found = {"kind": AccountKind.CHAT, "account_id": number, "name": "token", "holder": Holder.BOT}
    for key in (keys.verify_key, keys.session_key, keys.act_key):
        with pytest.raises(SealError):
            find_credential(here.config.secret(key), **found)
    with psycopg.connect(here.urls["panel"]) as panel:
        for party, is_seen in ((shop.merchant, True), (shop.a_party("rival"), False)):
            panel.execute("SELECT set_config('keystall.party', %s, false)", [str(party)])
            for table in ("chat_account", "connection_check", "credential"):
                assert panel.execute(f"SELECT count(*) > 0 FROM {table}").fetchone() == (is_seen,), table
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            panel.execute("SELECT sealed FROM credential")
    stolen = rival.post("/channels/telegram", {"token": bot.token})
    wrong = owner.post(f"{page}/secrets", {"token": other.token})
    assert (stolen.status_code, "serves another merchant" in text(stolen)) == (409, True)
    assert (wrong.status_code, "another bot, @other_bot" in text(wrong)) == (422, True)
    assert find_credential(here.config.secret(keys.bot_key), **found) == Secret(bot.token)
    assert bot.token not in text(owner.get(page))


def test_a_bot_is_tried_paused_and_left(desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop) -> None:
    """INV-K1: what was disconnected leaves no secret behind."""
    here, telegram, _ = desk
    owner = here.owner(shop.merchant)
    owner.post("/channels/telegram", {"token": telegram.add_bot().token})
    ((number,),) = shop.sql("SELECT id FROM chat_account")
    page = f"/channels/chat/{number}"

    assert ("It is being checked" in text(owner.get(page)), here.examine()) == (True, 1)
    shown = text(owner.get(page))
    assert ("It works." in shown, "No message came in by it yet." in shown) == (True, True)
    shop.sql("UPDATE chat_account SET external_id = '99' WHERE id = %s", [number])
    owner.post(f"{page}/check", shown=page)
    assert here.examine() == 1
    assert "The token belongs to another bot." in text(owner.get(page))

    assert "get no answer" in text(owner.get(f"{page}/pause"))
    for act, is_on in (("pause", False), ("resume", True)):
        owner.post(f"{page}/{act}", shown=page)
        assert shop.sql("SELECT enabled FROM chat_account") == [(is_on,)]
    assert "cannot be brought back" in text(owner.get(f"{page}/leave"))
    assert owner.post(f"{page}/leave").location == "/channels"
    assert shop.sql("SELECT enabled, left_at IS NOT NULL FROM chat_account") == [(False, True)]
    assert shop.sql("SELECT count(*) FROM credential") == [(0,)]
    owner.post(f"{page}/resume", shown=page)
    assert (chat_account(account_id=number).enabled, "connect it again" in text(owner.get(page))) == (False, True)
    actions = [
        one for (one,) in shop.sql("SELECT action FROM audit_entry WHERE object_kind = 'chat_account' ORDER BY id")
    ]
    assert actions == [f"chat_account.{one}" for one in ("created", "disabled", "enabled", "disconnected")]


def test_an_official_account_is_tried_before_it_is_kept(
    desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop
) -> None:
    here, _, wechat = desk
    wechat.add_account(APP_ID, APP_SECRET, CALLBACK, AES_KEY)
    owner = here.owner(shop.merchant)
    given = {"name": "星海", "app_id": APP_ID, "token": CALLBACK, "aes_key": AES_KEY, "app_secret": "x" * 32}
    before = shop.fingerprint()

    wrong = owner.post("/channels/wechat", given)
    short = owner.post("/channels/wechat", {**given, "aes_key": "a" * 42})

    assert (wrong.status_code, "do not belong together" in text(wrong)) == (422, True)
    assert (short.status_code, "43 letters and digits" in text(short)) == (422, True)
    assert shop.fingerprint() == before
    made = owner.post("/channels/wechat", {**given, "app_secret": APP_SECRET})
    ((number, opaque),) = shop.sql("SELECT id, opaque_id FROM chat_account")
    assert made.location == f"/channels/chat/{number}"
    assert here.examine() == 1
    shown = text(owner.get(f"/channels/chat/{number}"))
    assert ("It works." in shown, f"/hooks/wechat/{opaque}" in shown, shown.count("set on")) == (True, True, 3)
    assert not [secret for secret in (APP_SECRET, CALLBACK, AES_KEY) if secret in shown]
    sealed = dict(shop.sql("SELECT name, opened_by FROM credential"))
    assert sealed == {"token": "verify", "aes_key": "verify", "app_secret": "act"}
    owner.post(f"/channels/chat/{number}/secrets", {"app_secret": "y" * 32})
    key = here.config.secret(here.config.secrets.act_key)
    kept = find_credential(key, kind=AccountKind.CHAT, account_id=number, name="app_secret", holder=Holder.ACT)
    assert kept == Secret(APP_SECRET)


def test_a_new_merchant_goes_through_the_set_up_leaves_it_and_takes_it_up_again(
    shop: Shop, vault: TestVault, urls: dict[str, str]
) -> None:
    platforms = SaidPlatforms(page="away")
    values = dataclasses.replace(panel_values(vault), connecting=connecting(platforms), is_demo=True)
    app = make_app(values)
    reading.connect(urls["panel"], size=4)
    merchant = shop.a_party("fresh")
    owner, clerk = Browser(app), Browser(app)
    a_seat(owner, shop, merchant, "owner")
    a_seat(clerk, shop, merchant, "catalog")
    try:
        assert ('href="/setup"' in text(owner.get("/")), 'href="/setup"' in text(clerk.get("/"))) == (True, False)
        assert owner.get("/setup").location == "/setup/shop"
        assert "does not answer at its address" in text(owner.get("/setup/shop/check"))
        platforms.page = ""
        assert "page answers." in text(owner.get("/setup/shop/check"))
        front = {"name_zh": "星海", "name_en": "", "greeting_en": "<b>Hi</b>", "contact": "wx: star", "language": "en"}
        for bad in ({"name_zh": ""}, {"name_zh": "a\0b"}, {"greeting_zh": "x" * 201}, {"contact": "a\u202eb"}):
            refused = owner.post("/setup/shop", {**front, **bad})
            assert (refused.status_code, bool(ERROR_ID.search(text(refused)))) == (422, True), bad
        assert shop.sql("SELECT count(*) FROM shop_front") == [(0,)]
        assert owner.post("/setup/shop", front).location == "/setup/goods"
        saved = "SELECT p.names, f.greeting, f.contact, f.locale FROM party p JOIN shop_front f ON f.merchant_id = p.id"
        assert shop.sql(saved) == [({"zh-CN": "星海"}, {"en": "<b>Hi</b>"}, "wx: star", "en")]
        assert "&lt;b&gt;Hi" in text(owner.get("/shop"))

        assert "Nothing is on sale yet." in text(owner.get("/setup/goods"))
        shop.a_listing("A1", merchant=merchant)
        assert all(one in text(owner.get("/setup/goods")) for one in ("no cards to deliver", BRING))
        shop.a_batch("A1", cards=3, owner=merchant)
        assert "3 in stock" in text(owner.get("/setup/goods"))
        assert owner.get("/setup").location == "/setup/gateway"
        for _ in range(2):
            assert owner.post("/channels/sandbox?then=setup", shown="/setup/gateway").location == "/setup/gateway"
        assert shop.sql("SELECT gateway, enabled, merchant_id FROM gateway_account") == [("sandbox", True, merchant)]
        assert owner.get("/setup").location == "/setup/chats"
        assert owner.post("/setup/chats").location == "/setup/finished"
        assert "Shoppers can buy and pay now." in text(owner.get("/setup/finished"))
        assert 'href="/setup"' not in text(owner.get("/"))
        ((gateway,),) = shop.sql("SELECT id FROM gateway_account")
        owner.post(f"/channels/gateway/{gateway}/leave")
        assert 'href="/setup"' in text(owner.get("/"))
    finally:
        reading.disconnect()


def test_whoever_writes_the_database_hands_in_nothing_but_what_a_person_may_type(
    desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop
) -> None:
    """INV-K2: a seal of web's for an address or another account opens for nobody; only secrets are taken in so."""
    here, telegram, _ = desk
    owner = here.owner(shop.merchant)
    owner.post("/channels/telegram", {"token": telegram.add_bot().token})
    ((number,),) = shop.sql("SELECT id FROM chat_account")
    key = here.config.secret(here.config.secrets.bot_key)
    public = public_key(key, Holder.BOT)
    forged = MARK + hpke_seal(public, b"https://evil.test", framed(PURPOSE, "chat", number, "api_base", "bot"))
    shop.sql(
        "INSERT INTO credential (account_kind, account_id, name, opened_by, sealed, created_at)"
        " VALUES ('chat', %s, 'api_base', 'bot', %s, now())",
        [number, forged],
    )
    shop.sql("UPDATE credential SET account_id = %s WHERE name = 'webhook_secret_told'", [number + 1])

    for account, name in ((number, "api_base"), (number + 1, "webhook_secret_told")):
        with pytest.raises(SealError):
            find_credential(key, kind=AccountKind.CHAT, account_id=account, name=name, holder=Holder.BOT)
    assert here.examine() == 1
    shown = text(owner.get(f"/channels/chat/{number}"))
    assert "A secret is missing, or does not open" in shown


def test_a_check_that_nobody_answers_says_so(desk: tuple[Desk, TelegramDouble, WeChatDouble], shop: Shop) -> None:
    here, telegram, _ = desk
    owner = here.owner(shop.merchant)
    owner.post("/channels/telegram", {"token": telegram.add_bot().token})
    ((number,),) = shop.sql("SELECT id FROM chat_account")
    page = f"/channels/chat/{number}"

    assert "some seconds ago" in text(owner.client.get(owner.post(f"{page}/check", shown=page).location))
    assert 'hx-trigger="every 2s"' in text(owner.get(f"{page}/checked"))
    shop.sql("UPDATE connection_check SET asked_at = asked_at - %s", [timedelta(minutes=2)])

    shown = text(owner.get(f"{page}/checked"))
    assert ("the worker does not answer" in shown, "hx-trigger" in shown) == (True, False)
