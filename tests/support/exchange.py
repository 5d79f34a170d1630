"""Pick-up codes end to end below the doors: minted by the worker, typed in another chat, judged by a real vault."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core import db
from core.clock import FixedClock
from core.config import Config
from core.fulfilment.pickup import carry_out_pickup, request_pickup
from core.fulfilment.service import reread
from core.ids import new_id
from core.members.confirmed import confirmed_contact
from core.ports import SendAnswer, SendOutcome
from core.vault.bindings import Side
from core.vault.client import Opened, PickedUp, VaultCode, VaultRefused
from core.vault.pickups import PickupWish, read_code, seal_typed
from core.vault.seal import answer_context, open_answer
from tests.builders import Talker
from tests.support.pickups import codes_of, confirmed
from tests.support.sales import Counter, Sale

SENT = SendAnswer(SendOutcome.SENT)
ADDRESS = "me@example.com"


@dataclass
class Exchange:
    """A shop whose vault is real; the store is connected as shop before and after everything."""

    counter: Counter
    urls: dict[str, str] = field(repr=False)

    @property
    def config(self) -> Config:
        return self.counter.vault.config

    @contextlib.contextmanager
    def as_worker(self) -> Iterator[None]:
        """With the rights of the worker's role."""
        db.connect(self.urls["worker"], size=4)
        try:
            yield
        finally:
            db.connect(self.urls["shop"], size=4)

    def delivered(self, quantity: int = 2, *, talker: Talker | None = None) -> Sale:
        """A sale whose cards were opened and whose delivery has ended."""
        sale, sql = self.counter.sell(quantity, talker=talker), self.counter.shop.sql
        self.counter.vault.client.open_delivery(sale.delivery)
        sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE line_id = %s", [sale.line])
        sql("UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %s", [sale.delivery])
        return sale

    def code(self, sale: Sale, *, age: timedelta = timedelta(0), answer: SendAnswer = SENT) -> str:
        """The code of a message about a sale that was sent `age` ago, as its reader sees it."""
        if confirmed_contact(shopper_id=sale.talker.shopper_id, kind="email") is None:
            confirmed(self.counter.shop, sale.talker, email=ADDRESS)
        return self.code_to(sale.talker.shopper_id, sale, age=age, answer=answer)

    def code_to(self, shopper: UUID, sale: Sale, *, age: timedelta = timedelta(0), answer: SendAnswer = SENT) -> str:
        """The code of a message to the mail address that a shopper's row has, whatever it is about."""
        codes, merchant = codes_of(self.config, FixedClock(datetime.now(UTC) - age)), sale.talker.merchant_id
        with self.as_worker():
            contact = confirmed_contact(shopper_id=shopper, kind="email")
            assert contact is not None
            with codes.for_message(order_id=sale.order, merchant_id=merchant, contact=contact) as minted:
                minted.settled(answer)
        return minted.text()

    def types(self, talker: Talker, code: str, *, network: str = "", address: str = "", message: str = "") -> UUID:
        """取卡 CODE in a chat; the wish that comes of it."""
        before = {wish for (wish,) in self.counter.shop.sql("SELECT id FROM pickup_wish")}
        request_pickup(
            actor=talker.actor,
            conversation_id=talker.conversation_id,
            address=address or f"web:{talker.identity_id}",
            code=code,
            network=network,
            vault_public=self.config.secret(self.config.vault.public_key).reveal(),
            submission_id=message or str(new_id()),
            now=datetime.now(UTC),
        )
        (wish,) = {wish for (wish,) in self.counter.shop.sql("SELECT id FROM pickup_wish")} - before
        return UUID(str(wish))

    def exchanged(self, wish: UUID) -> PickedUp | VaultCode:
        """What the vault answers."""
        try:
            return self.counter.vault.client.pick_up(wish)
        except VaultRefused as refusal:
            return refusal.vault_code

    def writes(self, talker: Talker, code: str, *, network: str = "", address: str = "") -> UUID:
        """A wish written with the web's login, past the shop's own limits: its public key seals anything."""
        sql, typed = self.counter.shop.sql, read_code(code)
        assert typed is not None
        ((vault,),) = sql("SELECT vault_id FROM installation")
        chat = Side(talker.identity_id, address or f"web:{talker.identity_id}")
        wish = PickupWish(new_id(), talker.conversation_id, chat)
        public = self.config.secret(self.config.vault.public_key).reveal()
        sealed = seal_typed(public, vault=vault, wish=wish, code=typed, network=network)
        row = [wish.id, talker.conversation_id, sealed]
        sql("INSERT INTO pickup_wish VALUES (%s, %s, %s, now())", row, role="shop")
        return wish.id

    def exchange(self, talker: Talker, code: str, *, network: str = "") -> PickedUp | VaultCode:
        """Have a code judged for a chat."""
        return self.exchanged(self.writes(talker, code, network=network))

    def carries_out(self, wish: UUID) -> bool:
        """What the worker does with a wish, with the rights of its role."""
        with self.as_worker():
            return carry_out_pickup(wish_id=wish, vault=WorkersVault(self), now=datetime.now(UTC))

    def reads_again(self) -> None:
        """The worker sees to every wish for 取卡."""
        readings = [reading for (reading,) in self.counter.shop.sql("SELECT id FROM reading")]
        with self.as_worker():
            for reading in readings:
                reread(reading_id=reading, vault=WorkersVault(self), now=datetime.now(UTC))

    def reads(self, talker: Talker, sale: Sale) -> set[str] | VaultCode:
        """The secrets of a sale as a session of a chat reads them."""
        session, token = self.counter.a_session(talker)
        try:
            opened = self.counter.vault.client.open_delivery(sale.delivery, reader=talker.conversation_id)
        except VaultRefused as refusal:
            return refusal.vault_code
        answer = open_answer(token, opened.sealed[session], answer_context(delivery=sale.delivery, session=session))
        return {card["secret"] for card in json.loads(answer)["cards"]}

    def told(self, talker: Talker) -> list[tuple[str, dict[str, Any]]]:
        """What was told in a chat."""
        sql = "SELECT kind, body FROM message WHERE conversation_id = %s ORDER BY seq"
        return list(self.counter.shop.sql(sql, [talker.conversation_id]))

    def left(self) -> list[Any]:
        """Everything that a refused code must not have changed."""
        sql = self.counter.shop.sql
        codes = "SELECT id, order_id, part_hash, code_hash, made_at, expires_at, proof FROM pickup_code ORDER BY id"
        log = self.config.data_dir / "vault" / "openings.log"
        return [*self.counter.traces(), sql("SELECT * FROM pickup_use"), sql(codes), log.read_text()]

    def guesses(self) -> dict[str, int]:
        """Wrong codes by who typed them, without who it was."""
        rows = self.counter.shop.sql("SELECT split_part(asker, ':', 1), wrong FROM pickup_guess ORDER BY 1")
        return dict(rows)


@dataclass
class WorkersVault:
    """The vault as the worker asks it: the desk's connections are not the worker's."""

    exchange: Exchange

    def pick_up(self, wish: UUID, /) -> PickedUp:
        try:
            return self.exchange.counter.vault.client.pick_up(wish)
        finally:
            db.connect(self.exchange.urls["worker"], size=4)

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        try:
            return self.exchange.counter.vault.client.open_delivery(delivery, reader=reader, plain=plain)
        finally:
            db.connect(self.exchange.urls["worker"], size=4)
