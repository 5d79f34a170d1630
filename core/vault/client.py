"""The one way to the vault process: what the worker and the command line may ask of it, and how it says no."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from core.errors import Conflict, Invalid, Unavailable
from core.ports import PlainCard
from core.secret import Secret
from core.vault.audit_requests import AuditRequests
from core.vault.book_requests import BookRequests
from core.vault.callers import Credential
from core.vault.field_requests import FieldRequests
from core.vault.frames import LONGEST_ANSWER, BrokenFrame, read_frame, send_frame
from core.vault.import_requests import ImportRequests
from core.vault.link_requests import LinkRequests
from core.vault.payout_requests import PayoutRequests
from core.vault.second_factor import SecondFactorRequests
from core.vault.trace_requests import TraceRequests

Progress = Callable[[int, int], None]  # rows done, rows there are (about)


class VaultCode(StrEnum):
    """How the vault says no; the worker decides by it what becomes of a delivery."""

    CLOSED = "closed"  # no usable keys: nothing is opened or imported until that is mended
    BUSY = "busy"  # its database or disk is away: try again
    NOT_SENDING = "not_sending"  # nobody has taken this delivery, or its gate is closed
    UNPAID = "unpaid"  # the order is not paid, or its evidence does not prove it
    UNCONFIRMED = "unconfirmed"  # its gateway signs nothing and the worker has not asked it yet
    ORDER_ALTERED = "order_altered"  # the order seal does not fit what the tables say
    CARDS_ALTERED = "cards_altered"  # other or more cards than this line may have, or an unsigned batch
    BATCH_STOPPED = "batch_stopped"  # a batch was locked or recalled before its cards were opened
    BROKEN_CARD = "broken_card"  # a card did not open and was quarantined
    OTHER_READER = "other_reader"  # the chat that asks is not one that may read these cards
    TASK_REFUSED = "task_refused"  # secret buyer fields: not for this member of staff, or not now
    LINK_GONE = "link_gone"  # a card page's link: unknown, over, used up, paid back, pressed without its key; all alike
    PICKUP_REFUSED = "pickup_refused"  # a pick-up code: unknown, another merchant's, too old or used; all alike
    OVER_BUDGET = "over_budget"  # more openings in this hour than usual: a person looks at it first
    AUDIT_REFUSED = "audit_refused"  # of the audit: what was asked cannot be done, the text says why
    TOO_OFTEN = "too_often"  # read again, or a wrong code typed, too many times in an hour
    FILE_REFUSED = "file_refused"  # an import: the file as a whole
    IMPORT_REFUSED = "import_refused"  # an import: the request does not fit the tables
    KEYS_REFUSED = "keys_refused"  # an act on the keys: not now, or not so
    IMPORT_WAITS = "import_waits"  # an import: interrupted; the vault goes on with it by itself
    IMPORT_CANCELLED = "import_cancelled"  # an import: somebody took it back; none of its cards is there
    CONTEST_REFUSED = "contest_refused"  # a decision about contested cards that does not fit
    SECOND_REFUSED = "second_refused"  # a second factor: wrong, old or used code, or one that is there already
    ACT_REFUSED = "act_refused"  # a rule refuses what a person asked with a right code; the text names it
    UNKNOWN_REQUEST = "unknown_request"
    NOT_ALLOWED = "not_allowed"  # whoever asks did not prove to be one who may ask this
    FAILED = "failed"  # a defect of ours, written to the vault's log under its error id


RETRY_LATER = frozenset(
    {
        VaultCode.CLOSED,
        VaultCode.BUSY,
        VaultCode.TOO_OFTEN,
        VaultCode.FAILED,
        VaultCode.NOT_SENDING,
        VaultCode.NOT_ALLOWED,
        VaultCode.UNCONFIRMED,
    }
)
"""After these a delivery waits and is tried again; after the others a person looks at it (`in_review`)."""


class VaultAway(Unavailable):
    """The vault process does not answer; deliveries wait in the queue (fault 72)."""


class VaultRefused(Conflict):
    """The vault said no: `vault_code` says why, nothing was given away. `text` is safe to show to staff."""

    def __init__(self, vault_code: VaultCode, text: str, **params: str | int) -> None:
        self.vault_code = vault_code
        self.text = text
        super().__init__(code=vault_code.value, **params)

    def __str__(self) -> str:
        return self.text or self.vault_code.value


class FileNotImported(Invalid):
    """A file was refused as a whole: `problem` is a `FileProblem`, params name columns and limits."""


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """`reason` is None while the vault opens cards, else one sentence that says why not."""

    reason: str | None
    key_id: str | None
    vault_id: UUID | None
    public_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OpenedCard:
    """What may be stored of a card: its public token and its mask."""

    token: str
    mask: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The cards of one delivery and, per chat session, the same cards sealed to that session's key.

    `plain` has them open where they are to be written into a platform's chat, else nothing; `address` is the chat that
    the seal of the order, or of a binding, names: they may go there and nowhere else, whatever the tables say then.
    """

    cards: tuple[OpenedCard, ...]
    sealed: dict[UUID, bytes]
    read_again: bool
    plain: tuple[PlainCard, ...] = field(default=(), repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class PickedUp:
    """The order whose cards a chat may read by a pick-up code, and its deliveries so far."""

    order: UUID
    deliveries: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What to import: a finished upload, and whose cards of which SKU it brings (codes as people know them)."""

    upload: UUID
    sku: str
    merchant: str | None = None  # None: the default merchant
    supplier: str | None = None  # None: own stock
    terms: str | None = None  # owned | consigned; None: consigned with a supplier, owned without
    unit_cost_micro: int = 0  # 10⁻⁶ of the major unit, a card
    column: str | None = None
    dry_run: bool = False


IMPORT_FIELDS = ("sku", "merchant", "supplier", "terms", "unit_cost_micro", "column", "dry_run")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Where a row is, why it is no card, and the shape of what stood there."""

    place: str
    reason: str
    shape: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Exact counts of an import; `refusals` holds at most the first 1,000; `batch` is None for a dry run or no card.

    `unread`: the file could not be read to its end; the counts are of the rows before, and the batch holds those.
    """

    added: int
    duplicates: int
    refused: int
    refusals: tuple[RefusedRow, ...]
    batch: UUID | None
    dry_run: bool
    unread: bool = False


def _plain_card(card: dict[str, Any]) -> PlainCard:
    return PlainCard(card["token"], card["mask"], {name: Secret(value) for name, value in card["fields"].items()})


def _report(answer: dict[str, Any], *, dry_run: bool) -> ImportReport:
    return ImportReport(
        **{name: int(answer[name]) for name in ("added", "duplicates", "refused")},
        refusals=tuple(RefusedRow(*row) for row in answer["refusals"]),
        batch=UUID(answer["batch"]) if answer["batch"] else None,
        dry_run=dry_run,
        unread=bool(answer["unread"]),
    )


class VaultClient(
    LinkRequests,
    FieldRequests,
    AuditRequests,
    BookRequests,
    SecondFactorRequests,
    PayoutRequests,
    ImportRequests,
    TraceRequests,
):
    """Requests to the vault; each opens a connection of its own, so one client serves all threads.

    Without a `credential` it may ask for `status` only.
    """

    def __init__(self, path: Path, *, credential: Credential | None = None, timeout: float = 30.0) -> None:
        self._path = path
        self._credential = credential
        self._timeout = timeout

    def status(self) -> VaultStatus:
        """Whether it opens cards. Raises `VaultAway`."""
        answer = self._ask({"op": "status"})
        vault, public = answer.get("vault_id"), answer.get("public_key")
        return VaultStatus(
            answer.get("reason"),
            answer.get("key_id"),
            UUID(vault) if vault else None,
            base64.b64decode(public) if public else None,
        )

    def open_delivery(self, delivery: UUID, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        """Open the cards of a delivery that is being sent, or read a delivered one again.

        Raises `VaultAway`, `VaultRefused`. The secrets come sealed to the chat sessions of the conversation that
        ordered, or of `reader`; with `plain`, and for an order of a platform's chat only, open as well.
        """
        asked = {"op": "open", "delivery": str(delivery), "reader": str(reader) if reader else None, "plain": plain}
        answer = self._ask(asked)
        return Opened(
            tuple(OpenedCard(card["token"], card["mask"]) for card in answer["cards"]),
            {UUID(session): base64.b64decode(sealed) for session, sealed in answer["sealed"].items()},
            bool(answer["read_again"]),
            tuple(_plain_card(card) for card in answer["plain"]),
            str(answer["address"]),
        )

    def pick_up(self, wish: UUID, /) -> PickedUp:
        """Exchange the pick-up code of a wish, once; asked again for the same chat it answers the same.

        Raises `VaultAway`, `VaultRefused` (PICKUP_REFUSED for whatever is wrong with the code, TOO_OFTEN).
        """
        answer = self._ask({"op": "pickup", "wish": str(wish)})
        return PickedUp(UUID(answer["order"]), tuple(UUID(one) for one in answer["deliveries"]))

    def import_upload(self, order: ImportOrder, *, progress: Progress | None = None) -> ImportReport:
        """Import an upload. Raises `VaultAway`, `VaultRefused`, `FileNotImported`.

        When the vault goes away in between, it goes on with the import by itself as soon as it is back.
        """
        request = (
            {"op": "import"} | {name: getattr(order, name) for name in IMPORT_FIELDS} | {"upload": str(order.upload)}
        )
        return _report(self._ask(request, progress=progress, timeout=600.0), dry_run=order.dry_run)

    def import_restock(self, restock: UUID, /) -> ImportReport:
        """Import the file of a restock, once however often it is asked; the vault derives all else from its row.

        Raises like `import_upload`; a refusal for good carries its `problem`.
        """
        return _report(self._ask({"op": "restock", "restock": str(restock)}, timeout=600.0), dry_run=False)

    def import_supplied(self, request: UUID, /) -> ImportReport:
        """Import what a supplier answered to one of our requests, once however often it is asked; its batch is locked
        until the request's lines have their cards. Raises like `import_restock`.
        """
        return _report(self._ask({"op": "supplied", "request": str(request)}, timeout=600.0), dry_run=False)

    def act(self, request: dict[str, Any], *, progress: Progress | None = None) -> dict[str, Any]:
        """An act on the vault itself, which `core.vault.key_requests` puts into words; some take long.

        Raises `VaultAway`, `VaultRefused`.
        """
        return self._ask(request, progress=progress, timeout=600.0)

    def _ask(
        self, request: dict[str, Any], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        try:
            with self._connected(timeout or self._timeout) as connection:
                send_frame(connection, self._signed(request, read_frame(connection, longest=LONGEST_ANSWER)))
                while (answer := read_frame(connection, longest=LONGEST_ANSWER)) is not None:
                    if "progress" not in answer:
                        return self._checked(answer)
                    if progress:
                        progress(*answer["progress"])
        except (OSError, BrokenFrame):
            pass
        raise VaultAway(what="vault")

    def _signed(self, request: dict[str, Any], greeting: dict[str, Any] | None) -> dict[str, Any]:
        if greeting is None or not isinstance(greeting.get("challenge"), str):
            raise BrokenFrame
        if self._credential is None:
            return request
        return self._credential.signed(request, greeting["challenge"])

    @contextlib.contextmanager
    def _connected(self, timeout: float) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self._path))
            yield connection

    @staticmethod
    def _checked(answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("ok"):
            return answer
        code, params = VaultCode(answer.get("code", VaultCode.FAILED)), answer.get("params") or {}
        if code is VaultCode.FILE_REFUSED:
            raise FileNotImported(**params)
        raise VaultRefused(code, str(answer.get("text") or ""), **params)
