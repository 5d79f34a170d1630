"""What belongs to someone else looks, at every address with a name in it, like what does not exist.

The addresses come from the application's own table: a new one fails here until it is tried too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from starlette.routing import Route

from channels.web.app import routes
from channels.web.door import Door
from core.actor import OPERATOR
from core.config import Config
from core.connections.verify_files import set_verify_file
from ops.channels.page_hosts import keep_page_url
from tests.builders import Shop, Talker
from tests.support.chats import an_account
from tests.support.pages import an_order
from tests.support.web import Chatter, WebServer

TABLE = routes(cast("Door", SimpleNamespace(pages=SimpleNamespace(digest="digest"))), "/k.js")
OF_NOBODY = "/k/{link}"  # one file for every link; what a press of another's is told: test_card_page.py
NAMED = [
    (method, route.path)
    for route in TABLE
    if isinstance(route, Route) and route.param_convertors and route.path != OF_NOBODY
    for method in sorted((route.methods or {"GET"}) - {"HEAD"})
]
MISSING = "no-such-thing-0000000"


@dataclass(frozen=True)
class Asked:
    """What stands in the address, and the session's token of who asks."""

    names: dict[str, str]
    token: str = ""


@dataclass(frozen=True)
class Case:
    """One address asked for someone else's, for what nobody has, and (where anyone but a gateway can) for one's own."""

    foreign: Asked
    missing: Asked
    own: Asked | None


@pytest.fixture
def cases(web: WebServer, web_config: Config, goods: Shop, follower: Talker) -> dict[str, Case]:
    """By the beginning of an address. Pages are known by their tokens: a token leads to no other kind of page."""
    goods.a_party("maker", "supplier")
    me = Chatter(web.url)
    bought, filled = token_in(me.place("买 A1 1")["options"], "/pay/"), topped_up(me)
    at = [Asked({"merchant": name}) for name in ("maker", MISSING, "demo")]
    heard = [Asked({"merchant": "other"}, me.token), Asked({"merchant": "other"}, MISSING)]
    pages = {name: Asked({"token": name}) for name in (bought, filled, MISSING)}
    gateways = [Asked({"gateway": "sandbox", "opaque_id": name}) for name in ("sandbox-account-0001", MISSING)]
    linked = {name: Asked({"token": name}) for name in (bought, MISSING, a_paid_page(goods, follower))}
    bot = an_account(goods, "telegram").opaque_id
    official = goods.sql("SELECT opaque_id FROM chat_account WHERE channel = 'wechat'")[0][0]
    return {
        "/w/": Case(*linked.values()),
        "/MP_verify_": Case(*verify_files(goods, web_config)),
        "/hooks/telegram/": Case(*[Asked({"opaque_id": name}) for name in (official, MISSING)], None),
        "/hooks/wechat/": Case(*[Asked({"opaque_id": name}) for name in (bot, MISSING)], None),
        "/s/": Case(*at),
        "/api/v1/chat/{merchant}/sessions": Case(*at),
        "/api/v1/chat/{merchant}/messages": Case(*heard, Asked({"merchant": "demo"}, me.token)),
        "/pay/": Case(pages[filled], pages[MISSING], pages[bought]),
        "/topup/": Case(pages[bought], pages[MISSING], pages[filled]),
        "/hooks/pay/": Case(*gateways, None),
    }


def token_in(options: list[dict[str, str]], page: str) -> str:
    (link,) = [option["url"] for option in options if "url" in option]
    return link.rpartition(page)[2]


def a_paid_page(goods: Shop, follower: Talker) -> str:
    """The token of a follower's own page, of an order that was paid."""
    _, path = an_order(goods, follower)
    goods.sql(
        "UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now() WHERE shopper_id = %s",
        [follower.shopper_id],
    )
    return path.rpartition("/")[2]


def verify_files(goods: Shop, config: Config) -> list[Asked]:
    """A file of an account at another host, one of nobody, and one of an account that is here."""
    there = an_account(goods, "wechat", "wx_elsewhere")
    keep_page_url(config, there, "https://cards.example", datetime.now(UTC))
    here = an_account(goods, "wechat", "wx_here")
    for account, name in ((there, "A" * 16), (here, "B" * 16)):
        file, now = f"MP_verify_{name}.txt", datetime.now(UTC)
        set_verify_file(actor=OPERATOR, account_id=account.id, name=file, content="x", now=now)
    return [Asked({"name": sign * 16}) for sign in "ACB"]


def topped_up(me: Chatter) -> str:
    """The token of the page of a top-up."""
    (wallet,) = me.say("钱包")
    (asked,) = me.act(wallet["options"][0]["action"])
    return token_in(asked["options"], "/topup/")


def answer(web: WebServer, method: str, path: str, asked: Asked) -> tuple[int, str]:
    """Status and text, without error ids and the names that were asked for; a stream's text is not awaited."""
    headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
    address = web.url + path.format(**asked.names)
    with httpx.stream(method, address, headers=headers, trust_env=False, timeout=30) as got:
        text = "" if "event-stream" in got.headers.get("content-type", "") else got.read().decode()
    for name in asked.names.values():
        text = text.replace(name, "")
    return got.status_code, re.sub(r"err_\w+", "", text)


@pytest.mark.parametrize(("method", "path"), NAMED, ids=lambda part: part)
def test_inv_t1_at_every_address_the_foreign_looks_like_the_missing_and_stays_as_it_was(
    web: WebServer, goods: Shop, cases: dict[str, Case], method: str, path: str
) -> None:
    (case,) = [case for beginning, case in cases.items() if path.startswith(beginning)]
    before = goods.fingerprint()

    foreign, missing = answer(web, method, path, case.foreign), answer(web, method, path, case.missing)

    assert foreign == missing
    assert foreign[0] in {401, 404} or path == "/s/{merchant}/"  # which only takes the slash away
    assert goods.fingerprint() == before
    if case.own and path != "/s/{merchant}/":
        assert answer(web, method, path, case.own)[0] != missing[0]
