"""Cards that staff and suppliers bring by a chat: sealed as they arrive, imported by the vault, the result told.

What arrives is sealed to the vault in the transaction that writes the restock down; no other copy of it is kept. The
worker asks the vault, which derives everything from the sealed row: `core.custody.imports.restocking`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.conversations.staff import StaffChat
from core.db import changed, execute, in_transaction
from core.errors import Invalid, Limited, NotFound
from core.ids import new_id
from core.messages.service import MessageKind, tell
from core.money import micro_from_decimal
from core.parties.rules import PartyKind
from core.secret import Secret
from core.vault.client import FileNotImported, ImportReport, RefusedRow, VaultCode, VaultRefused
from core.vault.restocks import SealedRestock, restock_seal
from core.vault.uploads import upload_file
from core.work import Work, enqueue, enqueue_missing

A_DAY = 30
"""So many restocks a member of staff may ask within a day; each answer says which cards were brought before."""

ROWS_TOLD = 5
"""So many refused rows are told in the chat, with their reasons; the panel and `import --report` have all."""

AGAIN_AFTER = timedelta(seconds=60)
"""A restock that nobody has seen to by then is asked of the worker again."""

SKU = """
SELECT k.id, k.names, p.names FROM sku k JOIN product p ON p.id = k.product_id JOIN party o ON o.id = p.owner_id
WHERE k.archived_at IS NULL AND (o.kind = 'platform' OR o.id = %(party)s OR EXISTS (
    SELECT 1 FROM offer f WHERE f.sku_id = k.id AND f.seller_id = %(party)s
    AND f.valid_from <= %(now)s AND (f.valid_to IS NULL OR f.valid_to > %(now)s)))
"""
"""The SKUs that a party may hold cards of: shared ones, its own, and those that it offers."""

SKU_BY_CODE = f"{SKU} AND k.code = %(code)s"

LOCK_CHAT = "SELECT 1 FROM staff_chat WHERE id = %s AND ended_at IS NULL FOR NO KEY UPDATE"
ASKED_TODAY = "SELECT count(*) FROM restock WHERE staff_id = %s AND asked_at > %s"
UPLOAD_KEY = "SELECT sealed_key FROM upload WHERE id = %s"
ASKED = """
SELECT k.code, k.names, p.names FROM restock r JOIN sku k ON k.id = r.sku_id JOIN product p ON p.id = k.product_id
WHERE r.conversation_id = %s AND r.submission = %s
"""
ASK = """
INSERT INTO restock (id, staff_id, party_id, sku_id, unit_cost_micro, upload_id, conversation_id, secret_column,
                     asked_at, submission, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
OPEN = """
SELECT r.conversation_id, k.code, p.kind FROM restock r JOIN sku k ON k.id = r.sku_id JOIN party p ON p.id = r.party_id
WHERE r.id = %s AND r.state = 'asked'
"""
END = """
UPDATE restock SET state = %(state)s, added = %(added)s, duplicates = %(duplicates)s, refused = %(refused)s,
    problem = %(problem)s, ended_at = %(now)s
WHERE id = %(restock)s AND state = 'asked'
"""
LEFT = "SELECT id FROM restock WHERE state = 'asked' AND asked_at < %s ORDER BY asked_at LIMIT %s"


class RestockState(StrEnum):
    """What became of a restock; the last two are for good."""

    ASKED = "asked"  # sealed and written down; the vault imports it
    DONE = "done"  # imported, and its counts are told
    REFUSED = "refused"  # not one row was imported; `problem` says why


class RestockProblem(StrEnum):
    """Why the vault imports nothing, where it is not the file: that is a `FileProblem` of the decoder's."""

    NOT_ALLOWED = "not_allowed"  # the person was disabled, lost the role, or the goods are not the party's
    TOO_OFTEN = "too_often"  # the party's own quota of a day
    CANCELLED = "cancelled"  # somebody took it back: none of its cards is there
    LOST = "lost"  # the sealed file is not whole any more: it waited for more than a day, or somebody altered it


class RestockTooOften(Limited):
    """As many restocks as one person may ask within a day (`most`)."""


class UnknownGoods(NotFound):
    """No SKU of this code that the party may hold cards of; missing and foreign alike."""

    def __init__(self) -> None:
        super().__init__("sku")


class CostNotYours(Invalid):
    """What consigned cards cost is agreed in offers, not said with a file."""


class BadCost(Invalid):
    """No amount: a decimal with at most six places."""


class ChatLeft(NotFound):
    """The chat was let go in the meantime."""

    def __init__(self) -> None:
        super().__init__("staff_chat")


@dataclass(frozen=True, slots=True)
class Goods:
    """What is brought: the SKU's code and names (its own, else its product's)."""

    code: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Brought:
    """One file, or lines as a file; the content never prints."""

    name: str
    content: Secret


class RestockVault(Protocol):
    """The one way to the vault: `core.vault.client.VaultClient`, or what a test puts in its place."""

    def import_restock(self, restock: UUID, /) -> ImportReport: ...


def find_asked(*, conversation_id: UUID, submission_id: str) -> Goods | None:
    """What this very message brought, if it was written down before."""
    rows = execute(ASKED, (conversation_id, submission_id))
    return _goods(*rows[0]) if rows else None


def ask_restock(
    *,
    chat: StaffChat,
    code: str,
    unit_cost: str,
    brought: Brought,
    submission_id: str,
    vault_public: bytes,
    seal_key: Secret,
    now: datetime,
) -> Goods:
    """Seal what was brought and ask for its import, in one transaction; the same message twice asks once.

    `code` is the SKU's, `unit_cost` in major units of the store's currency or empty. Raises `UnknownGoods`, `BadCost`,
    `CostNotYours`, `RestockTooOften`, `ChatLeft`, `FileTooLarge`; then nothing is kept.
    """
    cost = checked_cost(chat.kind, unit_cost)

    def work() -> Goods:
        if not execute(LOCK_CHAT, (chat.id,)):
            raise ChatLeft
        before = find_asked(conversation_id=chat.conversation_id, submission_id=submission_id)
        if before is not None:
            return before
        if execute(ASKED_TODAY, (chat.staff_id, now - timedelta(days=1)))[0][0] >= A_DAY:
            raise RestockTooOften(most=A_DAY)
        rows = execute(SKU_BY_CODE, {"code": code, "party": chat.party_id, "now": now})
        if not rows:
            raise UnknownGoods
        sku_id, own, names = rows[0]
        file = io.BytesIO(brought.content.reveal())
        upload = upload_file(file=file, name=brought.name, owner_id=chat.party_id, vault_public=vault_public, now=now)
        asked = SealedRestock(
            *(new_id(), chat.staff_id, chat.party_id, sku_id, cost, upload, b""), chat.conversation_id, now
        )
        write_down(asked, actor=chat.actor, submission_id=submission_id, seal_key=seal_key)
        return _goods(code, own, names)

    return in_transaction(work, repeatable=True)


def write_down(asked: SealedRestock, *, actor: Actor, submission_id: str, seal_key: Secret) -> None:
    """Ask for an import under its seal, which takes the file's key from its row. In the caller's transaction."""
    sealed = replace(asked, upload_key=bytes(execute(UPLOAD_KEY, (asked.upload_id,))[0][0]))
    who = (sealed.id, sealed.staff_id, sealed.party_id)
    what = (sealed.sku_id, sealed.unit_cost_micro, sealed.upload_id, sealed.conversation_id, sealed.column)
    execute(ASK, (*who, *what, sealed.asked_at, submission_id, restock_seal(seal_key, sealed)))
    enqueue(Work.RESTOCK, sealed.id)
    audit.append(
        actor=actor,
        action="restock.asked",
        object_kind="restock",
        object_id=sealed.id,
        party_id=sealed.party_id,
        now=sealed.asked_at,
    )


def carry_out_restock(*, restock_id: UUID, vault: RestockVault, now: datetime) -> bool:
    """Have the vault import it and tell the result in the chat; False where that was done before.

    Whatever passes (`VaultAway`, a vault that is closed or busy) is raised, and a sweep asks again.
    """
    rows = execute(OPEN, (restock_id,))
    if not rows:
        return False
    conversation_id, code, kind = rows[0]  # nobody is told of what the panel brought: its page shows it
    ended: dict[str, Any] = dict.fromkeys(("added", "duplicates", "refused", "problem"))
    body: dict[str, Any] = {"sku": code}
    try:
        report = vault.import_restock(restock_id)
    except (FileNotImported, VaultRefused) as refused:
        problem = _problem_for_good(refused)
        ended |= {"state": RestockState.REFUSED.value, "problem": problem}
        body |= {"problem": problem}
    else:
        counts = {"added": report.added, "duplicates": report.duplicates, "refused": report.refused}
        ended |= {"state": RestockState.DONE.value, **counts}
        rows_told = [_told(row) for row in report.refusals[:ROWS_TOLD]]
        body |= {**counts, "rows": rows_told, "consigned": kind == PartyKind.SUPPLIER, "unread": report.unread}
    told_as = MessageKind.RESTOCK_REFUSED if "problem" in body else MessageKind.RESTOCKED

    def work() -> bool:
        if not changed(END, ended | {"restock": restock_id, "now": now}):
            return False
        if conversation_id is not None:
            tell(conversation_id=conversation_id, kind=told_as, body=body, now=now)
        return True

    return in_transaction(work, repeatable=True)


def restocks_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for restocks that nobody has seen to; returns how many."""
    return enqueue_missing(Work.RESTOCK, [one for (one,) in execute(LEFT, (now - AGAIN_AFTER, limit))])


def _problem_for_good(refused: FileNotImported | VaultRefused) -> str:
    """The problem that is told; what passes is raised again. Names of columns are not told: they may be cards."""
    problem = str(refused.params.get("problem", ""))
    if isinstance(refused, FileNotImported):
        return problem
    if refused.vault_code is VaultCode.IMPORT_CANCELLED:
        return RestockProblem.CANCELLED.value
    if refused.vault_code is not VaultCode.IMPORT_REFUSED or problem not in set(RestockProblem):
        raise refused
    return problem


def _told(row: RefusedRow) -> list[str]:
    """Place, reason and shape; of the place no column's name, of the shape the drawing only."""
    return [row.place.partition(",")[0], row.reason, row.shape.partition(" (")[0]]


def checked_cost(kind: PartyKind, unit_cost: str) -> int:
    """What a card cost, in 10⁻⁶ major units; empty: 0. Raises `BadCost`, `CostNotYours` for all but merchants."""
    if not unit_cost:
        return 0
    if kind is not PartyKind.MERCHANT:
        raise CostNotYours
    try:
        return micro_from_decimal(unit_cost)
    except Invalid:
        raise BadCost from None


def _goods(code: str, own: dict[str, str], names: dict[str, str]) -> Goods:
    return Goods(code, own or names)
