"""Redis keeps nothing that a shopper would miss."""

from __future__ import annotations

import redis

from tests.builders import Shop
from tests.support.web import Chatter, WebServer


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
