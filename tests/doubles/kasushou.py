"""卡速售 on loopback: headers, signature and every field checked, a number used once, keys shown to questions only."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, KEY = "10086", "e3yw37fe2zhb4wb6p2zzmxerpr835pjy"
BUY = {"id": int, "quantity": int, "external_orderno": str, "safe_price": str}
INFO = {"day": int, "external_orderno": str, "ordersn": str}
GOODS = {"id": int}


@dataclass
class Order:
    """One order that this supplier took."""

    number: str
    ordersn: str
    quantity: int
    status: int = 1
    cards: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class KasushouDouble:
    """A supplier that sells product 1001. Set `keys` (what it will deliver), `stock`, `price`, or how it misbehaves."""

    port: int = 0
    makes_keys: bool = False  # new ones for each order, beside `keys`
    stock: int = 100
    price: str = "8.0000"
    keys: list[str] = field(default_factory=list)
    status: int = 3  # what a bought order is at once
    buys: str = "well"  # well | drops (takes the order, then no answer) | refuses | breaks (500 in the answer)
    raw: bytes | None = None  # an answer instead of ours
    orders: dict[str, Order] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    address: str = ""
    is_away: bool = False

    def paths(self) -> list[str]:
        """The last part of each path that was asked, in order."""
        return [path.rpartition("/")[2] for path, _ in self.asked]

    def answer(self, path: str, headers: Any, raw: bytes) -> dict[str, Any] | None:
        """What it says to one request; None: the connection ends without an answer."""
        shapes = {"/api/v1/order/buy": BUY, "/api/v1/order/info": INFO, "/api/v1/goods/info": GOODS}
        said = headers.get("Timestamp", "") + raw.decode() + KEY
        signed = hashlib.sha1(said.encode()).hexdigest()
        body = json.loads(raw)
        shape = shapes.get(path)
        if (
            shape is None
            or headers.get("UserId") != USER
            or not hmac.compare_digest(headers.get("Sign", ""), signed)
            or len(headers.get("Timestamp", "")) != 13
            or raw.decode() != json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            or {name: type(value) for name, value in body.items()} != shape
        ):
            self.refused.append(path)
            return {"code": 401, "msg": "签名错误", "data": []}
        self.asked.append((path, body))
        if self.is_away:
            return None
        return {"buy": self._buy, "info": self._info}[path.rpartition("/")[2]](body, path)

    def _buy(self, body: dict[str, Any], _: str) -> dict[str, Any] | None:
        number = body["external_orderno"]
        dearer = Decimal(self.price) > Decimal(body["safe_price"])
        if number in self.orders or body["id"] != 1001 or self.buys == "refuses" or dearer:
            return {"code": 400, "msg": "库存不足", "data": []}
        quantity = body["quantity"]
        keys = [*self.keys, *(secrets.token_hex(8).upper() for _ in range(quantity if self.makes_keys else 0))]
        cards = [{"card_no": "", "card_password": key, "card_show_type": 1} for key in keys]
        self.orders[number] = Order(number, f"D{len(self.orders) + 1:020}", quantity, self.status, cards)
        self.stock -= quantity
        if self.buys == "drops":
            return None
        if self.buys == "breaks":
            return {"code": 500, "msg": "系统异常", "data": []}
        return {"code": 200, "msg": "成功", "data": {"ordersn": self.orders[number].ordersn}}

    def _info(self, body: dict[str, Any], path: str) -> dict[str, Any]:
        if "goods" in path:
            found = {"id": body["id"], "goods_price": self.price, "status": 1, "stock_num": self.stock}
            return {"code": 200, "msg": "成功", "data": found}
        order = self.orders.get(body["external_orderno"])
        listed = [] if order is None else [
            {
                "ordersn": order.ordersn, "external_orderno": order.number, "recharge_info": [],
                "recharge_hints": "", "status": order.status, "card_list": order.cards if order.status == 3 else [],
            }
        ]  # fmt: skip
        return {"code": 200, "msg": "成功", "data": listed}

    @contextmanager
    def served(self) -> Iterator[KasushouDouble]:
        """On loopback until the block ends: at `port`, or at a free one."""
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                found = double.answer(self.path, self.headers, raw)
                body = double.raw if double.raw is not None else json.dumps(found).encode()
                if found is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: its answers are keys."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)


def serve(host: str, port: int) -> None:
    """Serve until KeyboardInterrupt; says how a demo store finds it."""
    assert host == "127.0.0.1"
    with KasushouDouble(port=port, makes_keys=True).served() as double:
        print("\n".join(connected(double.address)), flush=True)
        threading.Event().wait()


def connected(address: str) -> list[str]:
    """What to do to have a demo store buy here."""
    return [
        f"A supplier's system answers at {address} : it has 100 pieces of product 1001, at 8.00 a piece.",
        "Connect a demo store that runs (`make demo`), in another terminal:",
        f"  export SUPPLIER_KEY={KEY}",
        f"  python run.py supplier add brand1 --api-base {address} --user-id {USER} --api-key env:SUPPLIER_KEY",
        "  python run.py supplier sku brand1 --sku A1 --product 1001 --most 8.00",
        "Its own cards are sold first: `imports` names their batches, `batch lock bat_…` takes one off sale.",
    ]
