"""Sells from a vault's stock as orders and payments do, by rows, so that a test can bend each of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from core import db
from core.ids import bound_id, new_id
from core.orders.service import OrderKeys
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.client import VaultCode, VaultRefused
from core.vault.notices import SandboxNotice, sandbox_private_key, sign_notice
from core.vault.seal import answer_context, answer_public_key, open_answer
from core.vault.sessions import SealedSession, session_seal
from tests.builders import Shop, Talker
from tests.support.vaults import TestVault

LINES = [f"KEY{number:03}-{number * 7919 % 10000:04}-ABCD" for number in range(1, 41)]
FILE = "\n".join(LINES).encode()
ACCOUNT = "sandbox-of-demo-0001"


@dataclass
class Sale:
    """A paid order of one line whose delivery somebody has taken, and the chat session of its shopper."""

    talker: Talker
    order: UUID
    line: UUID
    delivery: UUID
    payment: UUID
    session: UUID
    token: str
    total: int


@dataclass
class Counter:
    """Sells from a vault's stock as orders and payments do, by rows, so that a test can bend each of them."""

    shop: Shop
    vault: TestVault
    listing: int
    gateway: int

    def sell(self, quantity: int = 2, *, notice: bool = True, talker: Talker | None = None) -> Sale:
        shop, talker = self.shop, talker or self.shop.a_shopper()
        placed = shop.place(talker, self.listing, quantity)
        db.close()
        order, total = placed.order_id, placed.total.minor
        line = shop.sql("SELECT id FROM order_line WHERE order_id = %s", [order])[0][0]
        shop.sql(
            "UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now() WHERE id = %s", [order]
        )
        shop.sql("UPDATE card SET state = 'claimed' WHERE line_id = %s", [line])
        delivery = shop.sql(
            "INSERT INTO delivery (line_id, order_id, state, created_at)"
            " VALUES (%s, %s, 'sending', now()) RETURNING id",
            [line, order],
        )[0][0]
        payment = self.pay(talker, order, total, notice=notice)
        session, token = self.a_session(talker)
        return Sale(talker, order, line, delivery, payment, session, token, total)

    def pay(
        self, talker: Talker, order: UUID | None, amount: int, *, notice: bool = True, booked: str = "order"
    ) -> UUID:
        payment, shop = bound_id(order or talker.shopper_id), self.shop
        shop.sql(
            "INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor,"
            " currency, state, created_at, expires_at, succeeded_at)"
            " VALUES (%s, %s, %s, %s, 'gateway', %s, %s, 'CNY', 'succeeded', now(), now(), now())",
            [payment, order, talker.merchant_id, talker.shopper_id, self.gateway, amount],
        )
        if notice:
            self.note(payment, order, amount, booked=booked)
        return payment

    def note(self, paid: UUID, order: UUID | None, amount: int, *, booked: str = "order", **changes: Any) -> None:
        act = self.vault.config.secret(self.vault.config.secrets.act_key).reveal()
        said = {"account": ACCOUNT, "transaction": uuid4().hex, "kind": "paid", "payment": str(paid)}
        said |= {"amount_minor": amount, "currency": "CNY", "at": 1772424000} | changes
        body, headers = sign_notice(sandbox_private_key(act), SandboxNotice(**said))
        self.shop.sql(
            "INSERT INTO payment_event (id, gateway_account_id, external_id, kind, payment_id, order_id, amount_minor,"
            " currency, body, headers, received_at, booked_to) VALUES (%s, %s, %s, 'paid', %s, %s, %s, 'CNY', %s, %s,"
            " now(), %s)",
            [new_id(), self.gateway, said["transaction"], paid, order, max(1, amount), body, Jsonb(headers), booked],
        )

    def a_session(self, talker: Talker, *, minutes: int = 24 * 60) -> tuple[UUID, str]:
        token, find = uuid4().hex, "SELECT identity_id, chat_address, now() FROM conversation WHERE id = %s"
        identity, address, now = self.shop.sql(find, [talker.conversation_id])[0]
        session = SealedSession(
            new_id(), Side(identity, address), answer_public_key(token), now + timedelta(minutes=minutes)
        )
        seal = session_seal(self.shop.keys.seal, session)
        hashed = hashlib.sha256(token.encode()).digest()
        self.shop.sql(
            "INSERT INTO chat_session (id, conversation_id, token_hash, answer_public_key, network, created_at,"
            " expires_at, seal) VALUES (%s, %s, %s, %s, 'n', %s, %s, %s)",
            [session.id, talker.conversation_id, hashed, session.public_key, now, session.expires_at, seal],
        )
        return session.id, token

    def open(self, sale: Sale) -> list[dict[str, str]]:
        """What the shopper reads with the token of the session."""
        opened = self.vault.client.open_delivery(sale.delivery)
        context = answer_context(delivery=sale.delivery, session=sale.session)
        cards: list[dict[str, str]] = json.loads(open_answer(sale.token, opened.sealed[sale.session], context))["cards"]
        assert [card["token"] for card in cards] == [card.token for card in opened.cards]
        return cards

    def refused(self, sale: Sale) -> VaultCode:
        """Why the vault does not open; asserts that it opened and recorded nothing."""
        before = self.traces()
        with pytest.raises(VaultRefused) as refused:
            self.vault.client.open_delivery(sale.delivery)
        assert self.traces() == before
        return refused.value.vault_code

    def traces(self) -> list[Any]:
        sql = self.shop.sql
        return [
            sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL")[0][0],
            sql("SELECT count(*) FROM audit_entry WHERE action LIKE 'cards.%%'")[0][0],
            sql("SELECT * FROM opening_budget"),
            sql("SELECT * FROM pool_budget"),
            sql("SELECT * FROM evidence_use ORDER BY 1"),
            sql("SELECT * FROM wallet_use ORDER BY 1"),
        ]


def a_counter(vault: TestVault, sql: Callable[..., Any]) -> Counter:
    config = vault.config
    seal, session = config.secret(config.secrets.seal_key), Secret(b"t" * 32)
    shop = Shop(sql, keys=OrderKeys(seal=seal, session=session))
    listing = shop.a_listing("A1", price=1500)
    report = vault.import_bytes(FILE, "keys.txt", owner=shop.merchant, sku="A1")
    assert report.added == 40
    gateway = sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        " VALUES (%s, 'sandbox', %s, 'CNY', '{}', now()) RETURNING id",
        [ACCOUNT, shop.merchant],
    )[0][0]
    return Counter(shop, vault, listing, gateway)


def account(counter: Counter, kind: str, holder: str, merchant: int, *, bounded: bool = True) -> int:
    """An account of the books, made if it is missing."""
    zero = 0 if bounded else None
    found = counter.shop.sql(
        "INSERT INTO account (kind, holder, counterparty, currency, bounded, balance, floor)"
        " VALUES (%s, %s, %s, 'CNY', %s, %s, %s)"
        " ON CONFLICT (kind, holder, counterparty, currency) DO UPDATE SET kind = excluded.kind RETURNING id",
        [kind, holder, f"party:{merchant}", bounded, zero, zero],
    )
    return int(found[0][0])


def fill_wallet(counter: Counter, talker: Talker, payment: UUID) -> None:
    """The money of a payment's notice goes into the wallet, as the books say it."""
    wallet = account(counter, "wallet", f"shopper:{talker.shopper_id}", talker.merchant_id)
    clearing = account(counter, "clearing", f"gateway:{counter.gateway}", talker.merchant_id, bounded=False)
    counter.shop.sql(
        "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
        " SELECT %s, %s, amount_minor, currency, 'top_up', id, now() FROM payment_event WHERE payment_id = %s",
        [clearing, wallet, payment],
    )


def hold_from_wallet(counter: Counter, sale: Sale) -> None:
    accounts = [
        account(counter, kind, f"shopper:{sale.talker.shopper_id}", sale.talker.merchant_id)
        for kind in ("wallet", "wallet_hold")
    ]
    counter.shop.sql(
        "INSERT INTO money_hold (id, account_id, held_in_id, order_id, amount, captured, state, created_at, settled_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'captured', now(), now())",
        [new_id(), *accounts, sale.order, sale.total, sale.total],
    )
