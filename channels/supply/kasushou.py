"""卡速售 (kasushou) and the many sites that run its software: signed JSON, asynchronous, asked about by our own number.

`POST /api/v1/order/buy`, `/api/v1/order/info`, `/api/v1/goods/info` with the headers `UserId`, `Timestamp` (ms) and
`Sign` = SHA-1 of timestamp, body as sorted JSON, and API key. An order shows its keys only when it is asked about
(`card_list`), so that nothing is ever taken from a callback (fault 93): none is asked for, and none is listened to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.egress import Egress, NoAnswer, NotSent
from core.clock import Clock
from core.errors import Invalid
from core.money import from_decimal
from core.ports import SuppliedKey, SupplierStock, SupplyAnswer, SupplyOutcome, Wish
from core.secret import Secret

DONE = 3
WAITING = frozenset({1, 2})  # accepted, being worked on
OVER = frozenset({4, 5})  # cancelled, money given back to us
UNPAID = -1  # our balance there did not reach; nothing was bought

ON_SALE = 1
GOOD = 200
REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Kasushou:
    """One account; `api_base` as `https://shop.example`, without a path."""

    api_base: str
    user_id: str
    api_key: Secret
    egress: Egress
    clock: Clock

    def buy(self, wish: Wish) -> SupplyAnswer:
        """Ask for keys; the supplier refuses a price above `most`, and never shows the keys at once."""
        body = {
            "id": int(wish.product),
            "quantity": wish.quantity,
            "external_orderno": wish.request_id.hex,
            "safe_price": wish.most.decimal(),
        }
        try:
            code, found = self._call("/api/v1/order/buy", body)
        except NotSent:
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="not_sent")  # asked about all the same
        except NoAnswer:
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="no_answer")
        if code is None:
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="not_understood")
        if code in REFUSALS:
            return self._refused(wish, code)
        if code != GOOD:  # a defect of theirs may have come after the purchase; some sites say yes by another number
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem=f"code_{code}")
        return SupplyAnswer(SupplyOutcome.ACCEPTED, external_ref=_reference(found))

    def _refused(self, wish: Wish, code: int) -> SupplyAnswer:
        """A refusal's reason is free text, and an order may be there all the same: a no only if it knows none."""
        found = self.query(wish.request_id)
        if found.outcome is SupplyOutcome.ABSENT:
            return SupplyAnswer(SupplyOutcome.REJECTED, problem=f"code_{code}")
        return found

    def query(self, request_id: UUID) -> SupplyAnswer:
        """What became of a request; only the order that has our number counts."""
        number = request_id.hex
        try:
            code, found = self._call("/api/v1/order/info", {"day": 0, "external_orderno": number, "ordersn": ""})
        except (NotSent, NoAnswer):
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="no_answer")
        if code != GOOD or not isinstance(found, list):
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem=f"code_{code}" if code else "not_understood")
        ours = [one for one in found if isinstance(one, dict) and one.get("external_orderno") == number]
        if not found:
            return SupplyAnswer(SupplyOutcome.ABSENT, problem="absent")
        if len(ours) != 1 or len(found) != 1:
            return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="other_order")
        return _read(ours[0])

    def stock(self, product: str, currency: str) -> SupplierStock | None:
        """How many it has and for how much; None for whatever is no clear answer."""
        try:
            code, found = self._call("/api/v1/goods/info", {"id": int(product)})
            if code != GOOD or not isinstance(found, dict) or found.get("id") != int(product):
                return None
            count = found.get("stock_num")
            price = from_decimal(str(found.get("goods_price")), currency)
        except (NotSent, NoAnswer, Invalid):
            return None
        if type(count) is not int:
            return None
        return SupplierStock(count if found.get("status") == ON_SALE else 0, price.minor)

    def _call(self, path: str, body: Mapping[str, Any]) -> tuple[int | None, Any]:
        """The answer's code and data; None for what is none. Raises `NotSent`, `NoAnswer`."""
        said = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        stamp = str(int(self.clock.now().timestamp() * 1000))
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json; charset=utf-8",
            "UserId": self.user_id,
            "Timestamp": stamp,
            "Sign": signature(said, stamp, self.api_key),
        }
        answer = self.egress.post(self.api_base + path, body=said.encode(), headers=headers)
        try:
            found = json.loads(answer.body) if answer.status == GOOD else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or type(found.get("code")) is not int:
            return None, None
        return found["code"], found.get("data")


def signature(body: str, stamp: str, key: Secret) -> str:
    """What this system takes for a signature."""
    return hashlib.sha1((stamp + body + key.reveal().decode()).encode(), usedforsecurity=False).hexdigest()


def _reference(found: Any) -> str | None:
    number = found.get("ordersn") if isinstance(found, dict) else None
    fits = isinstance(number, str) and number.isascii() and number.isprintable() and 0 < len(number) <= 64
    return number if fits else None


def _read(order: Mapping[str, Any]) -> SupplyAnswer:
    status, reference = order.get("status"), _reference(order)
    if type(status) is not int:
        return SupplyAnswer(SupplyOutcome.UNKNOWN, external_ref=reference, problem="status_unknown")
    if status == DONE:
        listed = order.get("card_list")
        keys = tuple(_key(one) for one in listed) if isinstance(listed, list) else ()
        return SupplyAnswer(SupplyOutcome.DELIVERED, keys, reference)
    if status in WAITING:
        return SupplyAnswer(SupplyOutcome.ACCEPTED, external_ref=reference)
    if status in OVER or status == UNPAID:
        return SupplyAnswer(SupplyOutcome.REJECTED, external_ref=reference, problem=f"status_{status}")
    return SupplyAnswer(SupplyOutcome.UNKNOWN, external_ref=reference, problem="status_unknown")


def _key(card: Any) -> SuppliedKey:
    """One key as it stands there; what is no text is an empty one."""
    fields = card if isinstance(card, dict) else {}
    return SuppliedKey(Secret(_text(fields.get("card_password"))), Secret(_text(fields.get("card_no"))))


def _text(value: Any) -> str:
    """What can be written down; half a character (JSON allows it) would end in an error that quotes the key."""
    if not isinstance(value, str) or "\x00" in value:
        return ""
    return value if value.encode(errors="replace").decode() == value else ""
