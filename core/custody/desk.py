"""What the vault answers to each request; a failure of ours becomes an error id, never a value."""

from __future__ import annotations

import base64
import binascii
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import peewee
import structlog

from core import db
from core.clock import Clock
from core.config import Config
from core.custody import sql
from core.custody.chains.auditing import Auditor, AuditRefused
from core.custody.chains.checkpoints import checkpointer
from core.custody.imports import import_sql
from core.custody.imports.contesting import DecisionRefused
from core.custody.imports.filling import Filler, ImportCancelled, ImportLeft
from core.custody.imports.importing import Counts, Importer, Progress
from core.custody.imports.jobs import ImportRefused, begin, wanted
from core.custody.imports.panel_desk import PanelDesk
from core.custody.imports.preparing import Job
from core.custody.imports.restocking import job_of_restock, lost, restock_of
from core.custody.imports.stock_desk import StockDesk
from core.custody.imports.supplied import job_of_request, request_of
from core.custody.imports.tracing import cards_with
from core.custody.keychain.key_desk import KeyDesk
from core.custody.keychain.keys import OpenVault
from core.custody.keychain.versions import KeyRefused
from core.custody.openings.checks import OpeningRefused
from core.custody.openings.fields import Fields, fields_opened
from core.custody.openings.link_desk import link_made, link_opened
from core.custody.openings.links import Links
from core.custody.openings.opening import Opener
from core.custody.openings.opening_log import OpeningLog
from core.custody.openings.pickups import Pickups
from core.custody.restored.epoch_desk import EpochDesk
from core.custody.restored.epochs import Epoch, EpochRefused
from core.custody.rounds import Round, vault_rounds
from core.custody.staff.fields_by_code import FieldsByCode
from core.custody.staff.giving_way import GivingWay
from core.custody.staff.judging import Judge
from core.custody.staff.second_factors import SecondFactors
from core.custody.staff.tracing_by_code import TracingByCode
from core.custody.throttle import Throttle
from core.errors import error_id
from core.secret import Secret
from core.vault.client import VaultCode
from core.vault.primitives import SealError
from core.workbooks.problems import FileRefused

Answer = dict[str, Any]

TRACES_A_MINUTE = 20
LOG_FAILED = (
    "the disk did not keep the vault's opening log: make room or mend the disk (`doctor`), then the vault starts again"
    " by itself"
)

log = structlog.get_logger()


class Further(Protocol):
    """Makes another part of the desk, of a room above this one."""

    def __call__(self, judge: Judge, config: Config, /) -> Any: ...


class Desk:
    """One vault, open or closed. `closed` is the sentence that says why nothing is opened."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        vault: OpenVault | None = None,
        closed: str | None = None,
        epoch: Epoch | None = None,
        further: Sequence[Further] = (),
    ) -> None:
        self._vault = vault
        self._closed = closed
        self._imports: list[threading.Thread] = []
        self._traces = Throttle(TRACES_A_MINUTE)
        if vault is None:
            return
        self._folder = config.data_dir / "vault"
        self._journal = OpeningLog(self._folder / "openings.log")
        self._books = checkpointer(vault, self._folder)
        self._auditor = Auditor(vault, self._folder, clock.now)
        self._opener = Opener(vault, self._journal, clock.now)
        self._pickups = Pickups(vault, self._journal, clock.now)
        self._links = Links(vault, self._opener, clock.now)
        self._fields = Fields(vault, self._journal, clock.now)
        unvetted, zone = config.vault.unvetted_rows_per_day, ZoneInfo(config.store.timezone)
        self._importer = Importer(vault, zone, config.store.currency, clock.now, unvetted)
        self._filler = Filler(self._importer)
        self._stock = StockDesk(clock.now)
        self._panel = PanelDesk(self._importer)
        self._keys = KeyDesk(vault, clock.now)
        judge = Judge(vault, clock.now)
        self._seconds, self._giving_way = SecondFactors(judge), GivingWay(judge)
        by_code = [FieldsByCode(judge, self._fields.open), TracingByCode(judge)]
        self._further = [*by_code, *(make(judge, config) for make in further)]
        self._epochs = EpochDesk(epoch, self._books.put_aside, clock.now)

    def answer(self, operation: str, request: Mapping[str, Any], progress: Progress) -> Answer:
        """The answer to one request; never raises."""
        try:
            if operation == "status":
                return self._status()
            if why := self._why_not(operation):
                return refusal(VaultCode.CLOSED, why)
            return self._act(operation, request, progress)
        except OpeningRefused as refused:
            log.info("not opened", code=refused.code.value)
            return refusal(refused.code, refused.text)
        except AuditRefused as refused:
            return refusal(refused.code, str(refused))
        except ImportCancelled:
            return refusal(VaultCode.IMPORT_CANCELLED, "it was cancelled; none of its cards is there")
        except DecisionRefused as refused:
            return refusal(VaultCode.CONTEST_REFUSED, str(refused))
        except ImportLeft:
            return refusal(VaultCode.IMPORT_WAITS, "it was interrupted; the vault goes on with it by itself")
        except ImportRefused as refused:
            return refusal(VaultCode.IMPORT_REFUSED, str(refused), **refused.params)
        except FileRefused as refused:
            return refusal(
                VaultCode.FILE_REFUSED, refused.problem.value, problem=refused.problem.value, **refused.params
            )
        except (KeyRefused, EpochRefused) as refused:
            return refusal(VaultCode.KEYS_REFUSED, str(refused))
        except (peewee.OperationalError, peewee.InterfaceError, OSError) as error:
            log.warning("the vault cannot reach its database or disk", kind=type(error).__name__)
            self.close_if_spent()
            return refusal(VaultCode.BUSY, "the vault cannot reach its database or disk")
        except Exception as error:  # noqa: BLE001 - a thread per connection ends here; its text may quote a value
            return failure(error)

    def _why_not(self, operation: str) -> str | None:
        """Why this is not answered now: no usable keys, or a restored database that nobody has released yet."""
        if self._vault is None or self._closed:
            return self._closed or "the vault is closed"
        return self._epochs.sentence if self._epochs.holds(operation) else None

    @property
    def is_spent(self) -> bool:
        """Whether this vault opens nothing any more, and another one, which starts anew, may."""
        return self._vault is not None and self._journal.has_failed

    def close_if_spent(self) -> None:
        """Orders are taken only while the vault opens: say at once that it does not, until it has started again."""
        if not self.is_spent or self._closed:
            return
        log.error("the vault opens nothing", reason=LOG_FAILED)
        try:
            db.execute(sql.SAY_STATE, (LOG_FAILED, LOG_FAILED))
        except (peewee.OperationalError, peewee.InterfaceError):
            log.warning("the database could not be told that the vault is closed")
            return  # it is tried again with the next request
        self._closed = LOG_FAILED

    def resume_imports(self) -> None:
        """Go on with the imports that a crash or an absent database left behind, beside the requests."""
        if self._vault is not None:
            thread = threading.Thread(target=self._filler.keep_going, name="resume imports", daemon=True)
            self._imports.append(thread)
            thread.start()

    def rounds(self) -> list[Round]:
        """What this vault does by itself; nothing while it is closed."""
        if self._vault is None:
            return []
        return [*self._auditor.rounds(), *vault_rounds(self._vault, self._folder), *self._keys.rounds()]

    def close(self, *, wait_seconds: float) -> None:
        """Give imports a moment to finish their chunk; what is left goes on at the next start."""
        if self._vault is not None:
            self._filler.stop.set()
        end = time.monotonic() + wait_seconds
        for thread in self._imports:
            thread.join(max(0.0, end - time.monotonic()))

    def _act(self, operation: str, request: Mapping[str, Any], progress: Progress) -> Answer:
        acts: dict[str, Callable[[], Answer]] = {
            "open": lambda: self._open(request),
            "pickup": lambda: self._pick_up(request),
            "task_fields": lambda: fields_opened(self._fields, request),
            "link": lambda: link_made(self._links, request),
            "open_link": lambda: link_opened(self._links, request),
            "audit": lambda: self._auditor.answer(request, progress),
            "books": self._books.answer,
            "import": lambda: self._import(request, progress),
            "restock": lambda: self._restock(request),
            "supplied": lambda: self._supplied(request),
            "trace": lambda: self._trace(request),
        }
        for desk in (self._seconds, self._giving_way, self._stock, self._panel, self._epochs, *self._further):
            if operation in desk.operations:
                answer: Answer = {"ok": True} | desk.answer(operation, request)
                return answer
        if operation in self._keys.operations:
            return {"ok": True} | self._keys.answer(operation, request, progress)
        return acts[operation]()

    def _status(self) -> Answer:
        if self._vault is None:
            return {"ok": True, "reason": self._closed, "key_id": None, "vault_id": None}
        key, vault = self._vault.keys.ring.current, str(self._vault.vault_id)
        public = base64.b64encode(key.public).decode()
        why = self._closed or self._epochs.sentence
        return {"ok": True, "reason": why, "key_id": key.id, "vault_id": vault, "public_key": public}

    def _open(self, request: Mapping[str, Any]) -> Answer:
        try:
            delivery = UUID(str(request.get("delivery")))
            reader = UUID(str(request["reader"])) if request.get("reader") else None
        except ValueError:
            raise OpeningRefused(VaultCode.NOT_SENDING, "the delivery's or the reader's id is no id") from None
        opened = self._opener.open_delivery(delivery, reader=reader, plain=request.get("plain") is True)
        return {
            "ok": True,
            "read_again": opened.read_again,
            "address": opened.address,
            "cards": [{"token": card.token, "mask": card.mask} for card in opened.cards],
            "sealed": {str(session): base64.b64encode(sealed).decode() for session, sealed in opened.sealed.items()},
            "plain": [
                {"token": card.token, "mask": card.mask, "fields": _revealed(card.fields)} for card in opened.plain
            ],
        }

    def _pick_up(self, request: Mapping[str, Any]) -> Answer:
        try:
            wish = UUID(str(request.get("wish")))
        except ValueError:
            raise OpeningRefused(VaultCode.PICKUP_REFUSED, "the wish's id is no id") from None
        found = self._pickups.pick_up(wish)
        return {"ok": True, "order": str(found.order), "deliveries": [str(one) for one in found.deliveries]}

    def _import(self, request: Mapping[str, Any], progress: Progress) -> Answer:
        importer, asked = self._importer, wanted(request)
        db.execute(import_sql.FORGET_OLD_UPLOADS, {"but": asked.upload, "now": importer.now()})
        job = begin(importer.vault, asked, now=importer.now())
        if asked.dry_run:
            try:
                counts, refused = importer.look(job, progress)
            finally:
                db.execute(import_sql.FORGET_UPLOAD, (job.upload,))
            rows = [[row.place, row.reason, row.shape] for row in refused]
            return _reported(job, counts, rows, False, is_dry=True)
        return self._filled(job, progress)

    def _restock(self, request: Mapping[str, Any]) -> Answer:
        importer, restock = self._importer, restock_of(request)
        db.execute(import_sql.FORGET_OLD_UPLOADS, {"but": None, "now": importer.now()})
        job = job_of_restock(importer.vault, restock, now=importer.now())
        try:
            return self._filled(job, lambda done, about: None)
        except SealError:  # its job has ended with that
            raise lost() from None

    def _supplied(self, request: Mapping[str, Any]) -> Answer:
        importer = self._importer
        job = job_of_request(importer.vault, request_of(request), now=importer.now())
        try:
            return self._filled(job, lambda done, about: None)
        except SealError:  # its job has ended with that
            raise ImportRefused("the answer to this request is lost", problem="lost") from None

    def _filled(self, job: Job, progress: Progress) -> Answer:
        filled = self._filler.fill(job, progress)
        rows = [list(row) for row in db.execute(import_sql.REFUSALS, (job.id,))]
        return _reported(job, filled.counts, rows, filled.unread)

    def _trace(self, request: Mapping[str, Any]) -> Answer:
        if not self._traces.may_pass():  # a fast answer would be an oracle for guessed secrets
            return refusal(VaultCode.TOO_OFTEN, f"secrets may be traced {TRACES_A_MINUTE} times a minute")
        try:
            secret = base64.b64decode(str(request.get("secret")), validate=True)
        except binascii.Error:
            return {"ok": True, "cards": []}
        return {"ok": True, "cards": [str(one) for one in cards_with(self._importer.vault.keys.fingerprint, secret)]}


def _revealed(fields: Mapping[str, Secret]) -> dict[str, str]:
    return {name: value.reveal().decode() for name, value in fields.items()}


def _reported(job: Job, counts: Counts, refusals: list[list[str]], unread: bool, *, is_dry: bool = False) -> Answer:
    batch = str(job.batch) if counts.added and not is_dry else None
    figures = {"added": counts.added, "duplicates": counts.duplicates, "refused": counts.refused}
    return {"ok": True, **figures, "refusals": refusals, "batch": batch, "unread": unread}


def refusal(code: VaultCode, text: str, **params: str | int) -> Answer:
    """A no in the form in which it goes over the socket."""
    return {"ok": False, "code": code.value, "text": text, "params": params}


def failure(error: Exception) -> Answer:
    """A defect of ours: where it happened goes to the log under an error id; its text, which may quote, nowhere."""
    number = error_id()
    where = traceback.extract_tb(error.__traceback__)[-1]
    log.error("a request failed", error_id=number, kind=type(error).__name__, file=where.filename, line=where.lineno)
    return refusal(VaultCode.FAILED, f"the vault failed ({number})", error_id=number)
