"""Private chats in which a member of staff acts for a party: bound by a one-time code, and what is open there.

The switch is the chat account's (`restock`). Where it is off, and for whoever is not bound, nothing of this exists.
Roles are read at each act, and the seal with the chat's own address: a row alone binds nobody.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.conversations.binding import GUESSED_WRONG, LOCK_SHOPPER, WRONG, WRONG_CODES, TooManyWrongCodes, read_code
from core.conversations.requests import CODE_LASTS, own_chat
from core.db import changed, execute, in_transaction
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.parties.rules import PartyKind, may_bring_stock
from core.parties.service import require_platform
from core.secret import Secret
from core.vault.restocks import SealedStaffChat, staff_chat_seal, staff_code_hash

CODE_BYTES = 5  # 40 bits

IS_OPEN = """
SELECT 1 FROM conversation v JOIN chat_account a ON a.id = v.chat_account_id
WHERE v.id = %s AND a.enabled AND a.settings @> '{"restock": true}'
"""
STANDING = """
SELECT c.id, c.staff_id, c.party_id, c.conversation_id, c.chat_address, c.bound_at, c.seal, p.kind, p.names,
       ARRAY(SELECT r.role FROM staff_role r WHERE r.staff_id = c.staff_id AND r.party_id = c.party_id)
FROM staff_chat c
JOIN conversation v ON v.id = c.conversation_id
JOIN chat_account a ON a.id = v.chat_account_id AND a.enabled AND a.settings @> '{"restock": true}'
JOIN party p ON p.id = c.party_id AND p.status = 'active'
JOIN staff s ON s.id = c.staff_id AND s.disabled_at IS NULL
WHERE c.conversation_id = %s AND c.ended_at IS NULL
"""
PLACES = """
SELECT s.id, p.id, p.code, p.kind, p.names, array_agg(r.role)
FROM staff s JOIN staff_role r ON r.staff_id = s.id JOIN party p ON p.id = r.party_id AND p.status = 'active'
WHERE s.email = lower(%s) AND s.disabled_at IS NULL GROUP BY s.id, p.id ORDER BY p.id
"""
REPLACE_CODE = "UPDATE staff_code SET used_at = %s WHERE staff_id = %s AND party_id = %s AND used_at IS NULL"
MINT = """
INSERT INTO staff_code (id, staff_id, party_id, code_hash, created_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
USE = """
UPDATE staff_code SET used_at = %(now)s WHERE code_hash = %(hash)s AND used_at IS NULL AND expires_at > %(now)s
RETURNING staff_id, party_id
"""
USED_HERE = """
SELECT 1 FROM staff_code k
JOIN staff_chat c ON (c.staff_id, c.party_id, c.bound_at) = (k.staff_id, k.party_id, k.used_at)
WHERE k.code_hash = %s AND c.conversation_id = %s AND c.ended_at IS NULL
"""
END_OTHERS = """
UPDATE staff_chat SET ended_at = %(now)s
WHERE ended_at IS NULL AND (conversation_id = %(conversation)s OR (staff_id = %(staff)s AND party_id = %(party)s))
"""
BIND = """
INSERT INTO staff_chat (id, staff_id, party_id, conversation_id, chat_address, bound_at, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
LEAVE = "UPDATE staff_chat SET ended_at = %s WHERE id = %s AND ended_at IS NULL"
END_ALL = """
UPDATE staff_chat c SET ended_at = %s FROM staff s
WHERE s.id = c.staff_id AND s.email = lower(%s) AND c.ended_at IS NULL RETURNING c.staff_id, c.party_id
"""


class UnknownStaffCode(NotFound):
    """No such code: mistyped, used, replaced, too old, or of somebody who may bring no stock; all alike."""

    def __init__(self) -> None:
        super().__init__("code")


class WhichParty(Conflict):
    """This person may bring stock for several parties (`codes`), or not for the one that was named."""


@dataclass(frozen=True, slots=True)
class StaffChat:
    """Who acts for which party in a private chat, as it is allowed at this moment."""

    id: UUID
    staff_id: UUID
    party_id: int
    kind: PartyKind
    names: Mapping[str, str]
    conversation_id: UUID
    roles: frozenset[str]

    @property
    def actor(self) -> Actor:
        """The member of staff as the one who acts."""
        return Actor(ActorKind.STAFF, id=self.staff_id, party_id=self.party_id, roles=self.roles)


@dataclass(frozen=True, slots=True)
class StaffCode:
    """What is typed in the chat, once; and for which party it counts."""

    text: str
    party_code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"StaffCode(****, {self.party_code})"


def is_open(*, conversation_id: UUID) -> bool:
    """Whether the bot of this chat takes stock from staff at all."""
    return bool(execute(IS_OPEN, (conversation_id,)))


def staff_chat(*, conversation_id: UUID, address: str, seal_key: Secret) -> StaffChat | None:
    """Who may bring stock in this chat now; None for everybody else, whatever the reason.

    `address` is the chat as the platform named it in the message at hand, not as the tables do.
    """
    rows = execute(STANDING, (conversation_id,)) if address else []
    if not rows:
        return None
    chat_id, staff_id, party_id, conversation, kept, bound_at, seal, kind, names, roles = rows[0]
    sealed = SealedStaffChat(chat_id, staff_id, party_id, conversation, kept, bound_at)
    is_sealed = hmac.compare_digest(staff_chat_seal(seal_key, sealed), bytes(seal))
    if not is_sealed or kept != address or not may_bring_stock(kind, frozenset(roles)):
        return None
    return StaffChat(chat_id, staff_id, party_id, PartyKind(kind), names, conversation, frozenset(roles))


def mint_staff_code(
    *, actor: Actor, email: str, party_code: str | None = None, seal_key: Secret, now: datetime
) -> StaffCode:
    """A code of 40 random bits for a person who may bring stock; an older one of the same place is void with that.

    Raises `NotAllowed`, `NotFound` (nobody of this address, disabled, or without such a role), `WhichParty`.
    """
    require_platform(actor)
    raw = secrets.token_bytes(CODE_BYTES)

    def work() -> StaffCode:
        found = [row for row in execute(PLACES, (email,)) if may_bring_stock(row[3], frozenset(row[5]))]
        if not found:
            raise NotFound("staff")
        places = [row for row in found if party_code in (None, row[2])]
        if len(places) != 1:
            raise WhichParty(codes=", ".join(row[2] for row in found))
        staff_id, party_id, code = places[0][:3]
        changed(REPLACE_CODE, (now, staff_id, party_id))
        kept = staff_code_hash(seal_key, code=raw)
        execute(MINT, (new_id(), staff_id, party_id, kept, now, now + CODE_LASTS))
        _note(actor, "staff_chat.code_made", staff_id, party_id, now)
        return StaffCode(shown(raw), code, now + CODE_LASTS)

    return in_transaction(work)


def bind_staff_chat(
    *, actor: Actor, conversation_id: UUID, address: str, code: str, seal_key: Secret, now: datetime
) -> None:
    """Bind the acting shopper's private chat to the person whose code this is, in the place of any chat before.

    The same message heard twice binds once. Raises `UnknownStaffCode`, `TooManyWrongCodes`, `NotFound`.
    """
    raw = read_code(code)
    if raw is None or not address:
        raise UnknownStaffCode
    kept = staff_code_hash(seal_key, code=raw)

    def work() -> bool:
        chat = own_chat(actor, conversation_id)
        if not execute(LOCK_SHOPPER, (chat.shopper_id,)):
            raise NotFound("shopper")
        if execute(USED_HERE, (kept, chat.id)):
            return True
        if execute(WRONG, (chat.shopper_id, now - CODE_LASTS))[0][0] >= WRONG_CODES:
            raise TooManyWrongCodes(minutes=CODE_LASTS // timedelta(minutes=1))
        rows = execute(USE, {"hash": kept, "now": now})
        if not rows:
            execute(GUESSED_WRONG, {"identity": chat.identity_id, "now": now, "since": now - CODE_LASTS})
            return False
        staff_id, party_id = rows[0]
        named: dict[str, Any] = {"conversation": chat.id, "staff": staff_id, "party": party_id, "now": now}
        changed(END_OTHERS, named)
        bound = SealedStaffChat(new_id(), staff_id, party_id, chat.id, address, now)
        row = (bound.id, staff_id, party_id, chat.id, address, now, staff_chat_seal(seal_key, bound))
        execute(BIND, row)
        _note(actor, "staff_chat.bound", staff_id, party_id, now)
        return True

    if not in_transaction(work, repeatable=True):  # the guess is counted by now
        raise UnknownStaffCode


def leave_staff_chat(*, chat: StaffChat, now: datetime) -> None:
    """From now on this chat is a shopper's like any other."""

    def work() -> None:
        if changed(LEAVE, (now, chat.id)):
            _note(chat.actor, "staff_chat.left", chat.staff_id, chat.party_id, now)

    in_transaction(work, repeatable=True)


def end_staff_chats(*, actor: Actor, email: str, now: datetime) -> int:
    """End every binding of a person, for example of a lost phone; returns how many. Raises `NotAllowed`."""
    require_platform(actor)

    def work() -> int:
        ended = execute(END_ALL, (now, email))
        for staff_id, party_id in ended:
            _note(actor, "staff_chat.ended", staff_id, party_id, now)
        return len(ended)

    return in_transaction(work)


def shown(raw: bytes) -> str:
    """A code as people read it: `K7QD-2MXA`."""
    text = base64.b32encode(raw).decode()
    return f"{text[:4]}-{text[4:]}"


def _note(actor: Actor, action: str, staff_id: UUID, party_id: int, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="staff", object_id=staff_id, party_id=party_id, now=now)
