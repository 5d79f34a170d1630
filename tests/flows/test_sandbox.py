"""The sandbox gateway end to end over loopback: intent, charge, signed notice, query, refund; and where it refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from channels.pay.sandbox import SandboxGateway, SandboxVerifier, pay_in_sandbox, refuse_elsewhere
from core import db
from core.config import ConfigError
from core.ids import new_id
from core.money import Money
from core.orders.service import pay_token
from core.payments.rules import NotForSale, OrderNotPayable
from core.payments.service import find_payment, query_payment, request_sandbox_payment
from core.ports import Outcome, RawNotice, Unauthentic
from tests.builders import Shop
from tests.support.till import PRIVATE_KEY, PUBLIC_KEY, Till


@dataclass
class Door:
    """A shop's door on loopback that hands notices to the till; the first answers may be scripted troubles."""

    till: Till
    troubles: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def order(shop: Shop, till: Till):
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
    return shop.place(shop.a_shopper(), listing)


@pytest.fixture
def door(till: Till) -> Iterator[Door]:
    door = Door(till)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            raw = RawNotice(body, {name.lower(): value for name, value in self.headers.items()})
            with db.connection():
                status = door.troubles.pop(0) if door.troubles else till.receive(raw).status
            door.taken.append(status)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    door.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield door
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sandbox(till: Till, door: Door, urls) -> SandboxGateway:
    """The worker's half, connected as the worker's role."""
    db.connect(urls["worker"], size=8)
    return SandboxGateway(PRIVATE_KEY, clock=till.clock, address=door.address)


def test_the_button_charges_and_the_notice_pays_the_order(till: Till, order, door: Door, sandbox) -> None:
    token = pay_token(keys=till.shop.keys, order_id=order.order_id)
    payment = request_sandbox_payment(token=token, now=till.now)

    done = pay_in_sandbox(payment, sandbox=sandbox, now=till.now)

    assert (till.queued("sandbox_pay"), done, door.taken) == ([payment], True, [200])
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.shop.sql("SELECT payment_id, amount_minor FROM sandbox_charge") == [(payment, 1000)]
    assert till.violations() == {}


def test_the_button_pressed_ten_times_charges_once(till: Till, order, sandbox) -> None:
    token = pay_token(keys=till.shop.keys, order_id=order.order_id)

    pressed = {request_sandbox_payment(token=token, now=till.now) for _ in range(10)}
    done = [pay_in_sandbox(payment, sandbox=sandbox, now=till.now) for payment in till.queued("sandbox_pay")]

    assert (len(pressed), done) == (1, [True] + [False] * 9)
    assert (till.shop.count("sandbox_charge"), till.shop.count("payment_event")) == (1, 1)
    with pytest.raises(OrderNotPayable):
        request_sandbox_payment(token=token, now=till.now)


def test_a_shop_that_is_away_for_a_moment_gets_the_notice_again(till: Till, order, door: Door, sandbox) -> None:
    payment = till.start(order)
    door.troubles = [503, 500]

    assert pay_in_sandbox(payment, sandbox=sandbox, now=till.now)
    assert door.taken == [503, 500, 200]
    assert till.order_state(order) == "paid"


def test_a_notice_that_never_arrives_is_made_good_by_the_query(till: Till, order, door: Door, sandbox) -> None:
    payment = till.start(order)
    door.troubles = [503] * 4

    sent = pay_in_sandbox(payment, sandbox=sandbox, now=till.now)
    state_before = till.order_state(order)
    outcome = query_payment(
        payment_id=payment,
        gateways={"sandbox": sandbox},
        verifiers=till.verifiers,
        policy=till.shop.policy,
        now=till.now,
    )

    assert (sent, state_before, outcome) == (False, "awaiting_payment", Outcome.YES)
    assert till.order_state(order) == "paid"
    assert till.violations() == {}


def test_an_unpaid_payment_is_asked_about_until_its_time_is_over(till: Till, order, sandbox) -> None:
    payment = till.start(order)
    asked = {"gateways": {"sandbox": sandbox}, "verifiers": till.verifiers, "policy": till.shop.policy}

    first = query_payment(payment_id=payment, now=till.now, **asked)
    state_before = till.payment_state(payment)
    till.wait(minutes=16)
    second = query_payment(payment_id=payment, now=till.now, **asked)
    poll_then = till.shop.sql("SELECT poll_at FROM payment")[0][0]
    till.wait(hours=25)
    query_payment(payment_id=payment, now=till.now, **asked)

    assert (first, second, state_before, till.payment_state(payment)) == (Outcome.NO, Outcome.NO, "pending", "expired")
    assert poll_then is not None
    assert till.shop.sql("SELECT poll_at FROM payment") == [(None,)]


def test_the_sandbox_refunds_a_charge_once_per_refund_and_never_more_than_it_took(till: Till, order, sandbox) -> None:
    payment = till.start(order)
    pay_in_sandbox(payment, sandbox=sandbox, now=till.now)
    number = till.shop.sql("SELECT transaction_no FROM sandbox_charge")[0][0]
    first, second = new_id(), new_id()

    answers = [
        sandbox.refund(first, payment, number, Money(600, "CNY")),
        sandbox.refund(first, payment, number, Money(600, "CNY")),
        sandbox.refund(second, payment, number, Money(401, "CNY")),
        sandbox.refund(second, payment, number, Money(400, "JPY")),
        sandbox.refund(second, payment, "sbx_another", Money(400, "CNY")),
        sandbox.refund(second, new_id(), number, Money(400, "CNY")),
        sandbox.refund(second, payment, number, Money(400, "CNY")),
    ]

    assert answers == [Outcome.YES, Outcome.YES, *[Outcome.NO] * 4, Outcome.YES]
    assert till.shop.sql("SELECT sum(amount_minor)::int, count(*) FROM sandbox_refund") == [(1000, 2)]


def test_what_the_worker_signs_the_verifier_reads(till: Till, order, sandbox) -> None:
    payment = till.start(order)
    pay_in_sandbox(payment, sandbox=sandbox, now=till.now)
    view = find_payment(payment_id=payment)

    _, evidence = sandbox.query(payment)
    notice = SandboxVerifier(PUBLIC_KEY, clock=till.clock).verify(evidence, opaque_id=view.opaque_id)

    assert (notice.payment_id, notice.amount, notice.kind) == (payment, Money(1000, "CNY"), "paid")
    with pytest.raises(Unauthentic):
        SandboxVerifier(bytes(32), clock=till.clock).verify(evidence, opaque_id=view.opaque_id)


def test_a_merchant_without_a_sandbox_account_cannot_be_paid_there(till: Till, order) -> None:
    till.shop.sql("UPDATE gateway_account SET gateway = 'wechatpay'")
    token = pay_token(keys=till.shop.keys, order_id=order.order_id)

    with pytest.raises(NotForSale):
        request_sandbox_payment(token=token, now=till.now)


@pytest.mark.parametrize(
    ("kind", "host"), [("demo", "127.0.0.1"), ("test", "::1"), ("demo", "localhost"), ("test", "127.9.9.9")]
)
def test_play_money_is_allowed_in_a_demo_on_loopback(kind: str, host: str) -> None:
    assert refuse_elsewhere(kind=kind, host=host) is None


@pytest.mark.parametrize(
    ("kind", "host", "names"),
    [
        ("production", "127.0.0.1", "not a demo database"),
        ("demo", "0.0.0.0", "web.host"),
        ("demo", "192.168.1.5", "web.host"),
        ("demo", "shop.example.com", "web.host"),
        ("demo", "::", "web.host"),
    ],
)
def test_play_money_is_refused_in_a_real_shop_and_beyond_loopback(kind: str, host: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        refuse_elsewhere(kind=kind, host=host)


def test_the_sandbox_never_sends_beyond_loopback(till: Till) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        SandboxGateway(PRIVATE_KEY, clock=till.clock, address="http://192.0.2.1:8000")


def test_the_shop_role_cannot_read_or_write_what_the_sandbox_keeps(till: Till) -> None:
    for statement in ("SELECT 1 FROM sandbox_charge", "SELECT 1 FROM sandbox_refund", "DELETE FROM sandbox_charge"):
        with pytest.raises(Exception, match="permission denied"):
            till.shop.sql(statement, role="shop")
