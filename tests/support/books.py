"""A vault's checkpointer beside a test, and money that moves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from core import db
from core.custody.chains.checkpoints import Checkpointer
from core.ids import new_id
from core.ledger.rules import AccountKind, TransferCode
from core.ledger.service import NewTransfer, open_account, post
from core.vault.book_requests import Vouched
from tests.builders import NOON

VAULT = UUID(int=7)


class Books:
    """Checkpoints of the test's database, made and checked with the rights of the vault's role."""

    def __init__(self, urls: dict[str, str], folder: Path, *, key: bytes = bytes(32)) -> None:
        self.urls = urls
        self.vault = Checkpointer(audit_key=key, vault_id=VAULT, folder=folder)

    def checkpoint(self, now: datetime = NOON) -> int:
        """Make what is due; how many."""
        with self.as_vault():
            return self.vault.run(now)

    def vouch(self) -> Vouched:
        """What the vault says of the chain."""
        with self.as_vault():
            return self.vault.vouch()

    @contextlib.contextmanager
    def as_vault(self) -> Iterator[None]:
        """`core.db` is connected as the vault within, as shop afterwards."""
        db.connect(self.urls["vault"], size=4)
        try:
            yield
        finally:
            db.connect(self.urls["shop"], size=24)


def world() -> int:
    """An account of the outside."""
    return account(AccountKind.WORLD, "source:test")


def wallet(name: str = "1") -> int:
    """A bounded account."""
    return account(AccountKind.WALLET, f"shopper:{name}")


def account(kind: AccountKind, holder: str, currency: str = "CNY") -> int:
    """One of party 1's accounts."""
    return open_account(kind=kind, holder=holder, counterparty="party:1", currency=currency)


def move(debit: int, credit: int, amount: int) -> None:
    """Post one transfer."""
    post(transfers=[NewTransfer(debit, credit, amount, "CNY", TransferCode.TOP_UP, new_id())], now=NOON)
