"""Redis keeps nothing that a shopper would miss."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import httpx
import pytest
import redis

from channels.web.api.sessions import SESSIONS_PER_HOUR
from core import db
from core.config import Config, Redis
from ops.counter import FallingBackCounter
from tests.builders import Shop
from tests.support.web import Chatter, WebServer, web_server


def test_fault_12_a_redis_flushed_in_mid_dialog_loses_neither_the_dialog_nor_the_open_order(
    web: WebServer, goods: Shop, valkey: redis.Redis
) -> None:
    chatter = Chatter(web.url)
    confirm = chatter.say("买 A1 2")[0]
    assert valkey.dbsize() > 0  # something was lost
    valkey.flushall()

    placed = [screen for screen in chatter.act(confirm["options"][0]["action"]) if screen["kind"] == "pay"]
    valkey.flushall()
    (menu,) = chatter.say("菜单")
    orders = chatter.say("我的订单")
    again = chatter.act(confirm["options"][0]["action"])

    (order,) = {screen["order"] for screen in placed}
    assert menu["kind"] == "menu"
    assert order in str(orders) or "A1" in str(orders)
    assert [screen["kind"] for screen in again] == ["pay"]
    assert [screen["order"] for screen in again] == [order]
    assert goods.count("shop_order") == 1
    assert goods.card_states() == {"free": 8, "held": 2}


def test_fault_11_without_redis_ordering_works_and_the_limit_on_sessions_is_kept(
    web_config: Config, goods: Shop, tmp_path: Path
) -> None:
    nowhere = Redis(url=f"unix://{tmp_path}/nobody.sock")
    with web_server(dataclasses.replace(web_config, redis=nowhere)) as web:
        placed = Chatter(web.url).place("买 A1 2")
        used = goods.sql("SELECT name, period, hits FROM throttle WHERE name LIKE 'sessions:%%'")
        goods.sql("UPDATE throttle SET hits = %s WHERE name LIKE 'sessions:%%'", [SESSIONS_PER_HOUR])
        one_too_many = httpx.post(f"{web.url}/api/v1/chat/demo/sessions", trust_env=False)

    assert placed["order"].startswith("ord_")
    assert goods.card_states() == {"free": 8, "held": 2}
    assert [hits for _, _, hits in used] == [1]
    assert one_too_many.status_code == 429


@pytest.mark.usefixtures("store_db")
def test_fault_11_what_is_counted_without_redis_is_counted_alike_and_redis_is_asked_again_later(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, here = FallingBackCounter(f"unix://{tmp_path}/nobody.sock"), FallingBackCounter(redis_url)
    monkeypatch.setattr(time, "time", lambda: 1_772_424_000.0)

    counted = [[one.hit("login:somebody", seconds=60) for _ in range(3)] for one in (away, here)]

    assert counted == [[1, 2, 3], [1, 2, 3]]
    assert db.execute("SELECT name, hits FROM throttle") == [("login:somebody", 3)]
    assert [one.seen("login:somebody", seconds=60) for one in (away, here)] == [3, 3]
    assert [one.seen("login:nobody", seconds=60) for one in (away, here)] == [0, 0]
    monkeypatch.setattr(time, "time", lambda: 1_772_424_060.0)
    assert [one.seen("login:somebody", seconds=60) for one in (away, here)] == [0, 0]
    for one in (away, here):
        one.close()
