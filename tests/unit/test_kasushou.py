"""What 卡速售 says and what is made of it: signatures as its pages show them, and answers that mean nothing certain."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from channels.egress import Answer, NoAnswer, NotSent
from channels.supply.kasushou import Kasushou, signature
from core.clock import FixedClock
from core.ids import new_id
from core.money import Money
from core.ports import SupplierStock, SupplyOutcome, Wish
from core.secret import Secret
from tests.builders import NOON


@dataclass
class Scripted:
    """An egress that answers as it is told."""

    answer: Any
    later: Any = None  # to every question after the first
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def post(self, url: str, *, body: bytes, headers: dict[str, str]) -> Answer:
        self.sent.append((url, body, headers))
        if isinstance(self.answer, Exception):
            raise self.answer
        said = self.later if self.later is not None and len(self.sent) > 1 else self.answer
        return Answer(200, said if isinstance(said, bytes) else json.dumps(said).encode())


def asked(answer: Any) -> tuple[Kasushou, Scripted]:
    way = Scripted(answer)
    return Kasushou("https://shop.example", "10000", Secret("apikey"), way, FixedClock(NOON)), way  # type: ignore[arg-type]


def order(number: str, **fields: Any) -> dict[str, Any]:
    return {"ordersn": "D1", "external_orderno": number, "status": 3, "card_list": []} | fields


def test_the_signature_is_over_time_sorted_body_and_key_as_its_pages_write_them() -> None:
    body = '{"day":10,"external_orderno":"","ordersn":"D100759274105949519872"}'

    assert signature(body, "1696644296195", Secret("apikey")) == "de353128ec098981ba7b3c1af332d3424ee873bc"


def test_a_purchase_says_our_number_the_quantity_and_the_dearest_price() -> None:
    supplier, way = asked({"code": 200, "msg": "成功", "data": {"ordersn": "D7"}})
    wish = Wish(new_id(), "1001", 2, Money(950, "CNY"))

    answer = supplier.buy(wish)

    ((url, body, headers),) = way.sent
    assert (answer.outcome, answer.external_ref, answer.keys) == (SupplyOutcome.ACCEPTED, "D7", ())
    assert url == "https://shop.example/api/v1/order/buy"
    assert json.loads(body) == {
        "id": 1001, "quantity": 2, "external_orderno": wish.request_id.hex, "safe_price": "9.50",
    }  # fmt: skip
    assert headers["UserId"] == "10000"
    assert "apikey" not in str((url, body, headers))


@pytest.mark.parametrize(
    ("answer", "outcome", "problem"),
    [
        (NotSent(), SupplyOutcome.UNKNOWN, "not_sent"),
        (NoAnswer(), SupplyOutcome.UNKNOWN, "no_answer"),
        (b"<html>", SupplyOutcome.UNKNOWN, "not_understood"),
        ({"code": "200"}, SupplyOutcome.UNKNOWN, "not_understood"),
        ({"code": 500, "msg": "系统异常"}, SupplyOutcome.UNKNOWN, "code_500"),
        ({"code": 1, "msg": "成功"}, SupplyOutcome.UNKNOWN, "code_1"),
        ({"code": 400, "msg": "库存不足"}, SupplyOutcome.UNKNOWN, "code_400"),
    ],
)
def test_only_a_clear_no_is_one(answer: Any, outcome: SupplyOutcome, problem: str) -> None:
    """INV-O4."""
    found = asked(answer)[0].buy(Wish(new_id(), "1001", 1, Money(950, "CNY")))

    assert (found.outcome, found.problem) == (outcome, problem)


@pytest.mark.parametrize(
    ("listed", "outcome", "problem"),
    [
        ([], SupplyOutcome.REJECTED, "code_400"),
        ([{"status": 2}], SupplyOutcome.ACCEPTED, ""),
        ([{"external_orderno": "other"}], SupplyOutcome.UNKNOWN, "other_order"),
    ],
)
def test_a_refused_purchase_is_a_no_only_where_the_supplier_knows_no_such_order(
    listed: list[Any], outcome: SupplyOutcome, problem: str
) -> None:
    """INV-O4: its pages say of 400 that the order may be there all the same."""
    supplier, way = asked({"code": 400, "msg": "请求异常"})
    wish = Wish(new_id(), "1001", 1, Money(950, "CNY"))
    way.later = {"code": 200, "data": [order(wish.request_id.hex) | one for one in listed]}

    found = supplier.buy(wish)

    assert (found.outcome, found.problem) == (outcome, problem)
    assert [url.rpartition("/")[2] for url, _, _ in way.sent] == ["buy", "info"]
    assert json.loads(way.sent[1][1])["external_orderno"] == wish.request_id.hex


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([], SupplyOutcome.ABSENT),
        ([{"external_orderno": "other"}], SupplyOutcome.UNKNOWN),
        ([{"status": 1}], SupplyOutcome.ACCEPTED),
        ([{"status": 2}], SupplyOutcome.ACCEPTED),
        ([{"status": 4}], SupplyOutcome.REJECTED),
        ([{"status": 5}], SupplyOutcome.REJECTED),
        ([{"status": -1}], SupplyOutcome.REJECTED),
        ([{"status": 9}], SupplyOutcome.UNKNOWN),
        ([{"status": "3"}], SupplyOutcome.UNKNOWN),
        ([{"status": []}], SupplyOutcome.UNKNOWN),
        ([{"status": True}], SupplyOutcome.UNKNOWN),
        ([{}, {}], SupplyOutcome.UNKNOWN),
        ({"status": 3}, SupplyOutcome.UNKNOWN),
    ],
)
def test_fault_93_an_order_counts_only_with_our_own_number_and_a_state_that_is_known(
    said: Any, outcome: SupplyOutcome
) -> None:
    number = new_id()
    listed = [order(number.hex) | one for one in said] if isinstance(said, list) else said

    found = asked({"code": 200, "data": listed})[0].query(number)

    assert (found.outcome, found.keys) == (outcome, ())


def test_keys_are_taken_as_they_stand_and_what_is_no_text_is_empty() -> None:
    number = new_id()
    listed = [
        {"card_no": "N-1", "card_password": "K-1"},
        {"card_no": "", "card_password": " K-2\t"},
        {"card_no": None, "card_password": 5},
        "K-4",
        None,
        {"card_no": "N-\x00", "card_password": "K-\ud800"},
    ]

    found = asked({"code": 200, "data": [order(number.hex, card_list=listed, ordersn="D\x00")]})[0].query(number)

    assert found.outcome is SupplyOutcome.DELIVERED
    assert [(key.number.reveal(), key.secret.reveal()) for key in found.keys] == [
        (b"N-1", b"K-1"), (b"", b" K-2\t"), (b"", b""), (b"", b""), (b"", b""), (b"", b""),
    ]  # fmt: skip
    assert found.external_ref is None
    assert "K-1" not in repr(found)


@pytest.mark.parametrize(
    ("said", "stock"),
    [
        ({"id": 1001, "goods_price": "8.0000", "status": 1, "stock_num": 7}, SupplierStock(7, 800)),
        ({"id": 1001, "goods_price": "8.00", "status": 2, "stock_num": 7}, SupplierStock(0, 800)),
        ({"id": 1002, "goods_price": "8.00", "status": 1, "stock_num": 7}, None),
        ({"id": 1001, "goods_price": "8.001", "status": 1, "stock_num": 7}, None),
        ({"id": 1001, "goods_price": "8.00", "status": 1, "stock_num": "7"}, None),
        ({"id": 1001, "goods_price": "8.00", "status": 1, "stock_num": True}, None),
        ([], None),
    ],
)
def test_a_stock_figure_is_believed_only_where_it_is_one(said: Any, stock: SupplierStock | None) -> None:
    assert asked({"code": 200, "data": said})[0].stock("1001", "CNY") == stock
