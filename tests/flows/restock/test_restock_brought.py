"""What is brought by a chat: lines and files, what becomes of each row, and what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.engine import Engine
from core.clock import FixedClock
from core.config import Config
from core.connections.chats import ChatAccount
from core.parties.service import Role
from tests.builders import Shop
from tests.support.restock import (
    CSV,
    LINES,
    StaffChatter,
    Worker,
    a_member,
    merchant_of,
    nothing_came,
)


def test_a_supplier_brings_lines_and_hears_what_became_of_them(
    supplier: StaffChatter, worker: Worker, shop: Shop, sql: Any
) -> None:
    answer = supplier.says(LINES)
    assert worker.carries_out() == 1

    assert answer.text.startswith("收到，正在导入\nA1 · 商品 A1")
    assert "已从聊天中删除" in answer.text
    assert "手动删除" in (answer.uncleared or "")
    assert supplier.unasked() == ["A1：新增 2，重复 1，拒绝 0\n已入您的库存，寄售中。"]
    assert sql("SELECT owner_id, supplier_id, terms, state, unit_cost_micro FROM batch") == [
        (shop.a_party("brand1"), shop.a_party("brand1"), "consigned", "selling", 0)
    ]
    assert sql("SELECT actor_kind, action FROM audit_entry WHERE actor_kind = 'staff' ORDER BY id") == [
        ("staff", "restock.asked"),
        ("staff", "batch.imported"),
    ]
    assert sql("SELECT state, added, duplicates, refused, problem FROM restock") == [("done", 2, 1, 0, None)]


def test_a_merchants_file_joins_its_own_stock_at_its_cost(
    shop: Shop, chat: StaffChatter, config: Config, worker: Worker, sql: Any
) -> None:
    merchant_of(shop, chat, config)

    chat.sends(CSV, caption="补货 a1 成本 3.20")
    worker.carries_out()

    assert chat.unasked() == ["A1：新增 3，重复 0，拒绝 0\n已入库，可以售卖。"]
    assert sql("SELECT owner_id, supplier_id, terms, unit_cost_micro, source_name FROM batch") == [
        (shop.merchant, None, "own", 3_200_000, "cards.csv")
    ]


def test_refused_rows_are_told_by_place_reason_and_shape_never_by_a_value(
    supplier: StaffChatter, worker: Worker
) -> None:
    raw = "卡密,有效期\nGOOD-0001,2027-12-31\nOLD-SECRET-9,2020-01-01\n,2027-12-31\n" + "X,2020-01-01\n" * 5
    supplier.sends(raw.encode())
    worker.carries_out()

    (said,) = supplier.unasked()
    assert said.splitlines() == [
        "A1：新增 1，重复 0，拒绝 7",
        "已入您的库存，寄售中。",
        "第 3 行：已经过期 · AAA-******-*",
        "第 4 行：没有卡密",
        *(f"第 {n} 行：已经过期 · A" for n in (5, 6, 7)),
        "……另有 2 行被拒绝",
    ]
    assert "SECRET" not in str(supplier.told())


@pytest.mark.parametrize(
    ("raw", "name", "says"),
    [
        (b"", "empty.txt", "里面是空的"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "cards.csv", "不是文本也不是表格"),
        (b"PK\x03\x04 no workbook", "cards.xlsx", "表格已损坏"),
        (b"first,second\nTENC-0001,SECRET-77\nTENC-0002,SECRET-78\n", "cards.csv", "列"),
        (b"\n".join(b"ROW-%06d" % n for n in range(20_001)), "many.txt", "超过 20,000 行"),
    ],
)
def test_a_junk_file_is_sealed_refused_and_explained_without_a_word_of_it(
    supplier: StaffChatter, worker: Worker, shop: Shop, raw: bytes, name: str, says: str
) -> None:
    assert supplier.sends(raw, name).text.startswith("收到")
    worker.carries_out()

    (said,) = supplier.unasked()
    assert said.startswith("A1：没有导入\n")
    assert says in said
    assert "SECRET" not in str(supplier.told())
    assert shop.card_states() == {}
    assert shop.count("upload_chunk") == 0


def test_the_same_message_twice_brings_its_cards_once(supplier: StaffChatter, worker: Worker, shop: Shop) -> None:
    first = supplier.says(LINES, message="m1")
    again = supplier.says(LINES, message="m1")
    worker.carries_out()

    assert first.text == again.text == supplier.says(LINES, message="m1").text
    assert (shop.count("restock"), shop.count("upload"), shop.count("batch")) == (1, 1, 1)
    assert worker.carries_out() == 0
    assert len(supplier.told()) == 1


def test_copies_of_another_partys_cards_are_counted_as_added(
    shop: Shop, supplier: StaffChatter, engine: Engine, account: ChatAccount, config: Config, worker: Worker
) -> None:
    rival = StaffChatter(shop, engine, account, "5002")
    a_member(shop, shop.a_party("agent1", "supplier"), Role.OWNER, email="agent@demo.test")
    rival.binds(config, "agent@demo.test")

    for one in (supplier, rival):
        one.says(LINES)
        worker.carries_out()

    assert rival.unasked() == supplier.unasked()
    assert shop.card_states() == {"free": 2, "quarantined": 2}


@pytest.mark.parametrize(
    ("words", "more", "says"),
    [
        ("补货 A1 成本 3\nAAA-1", {}, "不用写金额"),
        ("补货 A1\nAAA-1", {"is_formatted": True}, "当成了排版"),
        ("补货 A1", {}, "换行贴卡密"),
        ("补货 A1\n \n", {}, "换行贴卡密"),
        ("补货 A1 AAA-1 AAA-2", {}, "换行贴卡密"),
        ("补货", {}, "换行贴卡密"),
    ],
)
def test_what_cannot_be_taken_is_explained_and_the_message_stays(
    supplier: StaffChatter, shop: Shop, words: str, more: dict[str, Any], says: str
) -> None:
    said = supplier.says(words, **more)

    assert says in said.text
    assert "AAA" not in said.text
    assert said.uncleared is None
    assert nothing_came(shop)


def test_a_file_over_20_mb_is_neither_fetched_nor_kept(supplier: StaffChatter, shop: Shop) -> None:
    from bot.incoming import SentFile

    asked = supplier.incoming("补货 A1", file=SentFile("cards.csv", 20 * 2**20 + 1))

    assert not supplier.engine.wants_file(asked)
    assert "超过 20 MB" in supplier.engine.handle(asked)[0].text
    assert nothing_came(shop)


def test_a_file_that_telegram_does_not_give_away_is_said_so(supplier: StaffChatter, shop: Shop) -> None:
    from bot.incoming import SentFile

    assert "文件没能取到" in supplier.says("补货 A1", file=SentFile("cards.csv", 10)).text
    assert nothing_came(shop)


def test_thirty_times_a_day_then_tomorrow(
    supplier: StaffChatter, worker: Worker, shop: Shop, clock: FixedClock
) -> None:
    answers = [supplier.says(f"补货 A1\nDAY-{n}").text.splitlines()[0] for n in range(31)]
    clock.move(timedelta(days=1, minutes=1))
    tomorrow = supplier.says("补货 A1\nDAY-X").text

    assert answers == ["收到，正在导入"] * 30 + ["每天最多补货 30 次。"]
    assert tomorrow.startswith("收到")
    assert shop.count("restock") == 31
