"""A shopper's accounts on the channels, named so that their owner knows them and nobody else learns who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from core.db import execute
from core.errors import NotFound
from core.members.service import Channel

HINT = 4
"""How many signs of a person's number on a platform are shown: enough to tell one's own accounts apart."""

LIVING = "SELECT merged_into FROM shopper WHERE id = %s FOR KEY SHARE"
OF_SHOPPER = "SELECT id, channel, external_id, created_at FROM identity WHERE shopper_id = %s ORDER BY created_at, id"
OF_IDENTITY = "SELECT id, channel, external_id, created_at FROM identity WHERE id = %s"
JOINED = """
WITH RECURSIVE joined (id) AS (
    SELECT %(one)s::uuid
    UNION
    SELECT CASE j.id WHEN b.kept_identity_id THEN b.merged_identity_id ELSE b.kept_identity_id END
    FROM joined j JOIN binding b ON b.ended_at IS NULL AND j.id IN (b.kept_identity_id, b.merged_identity_id)
)
SELECT EXISTS (SELECT 1 FROM joined WHERE id = %(other)s)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Where one person speaks with a merchant: one identity, or several where a platform knows the person at all bots.

    `hint` are the last signs of the person's number there, empty where there is none to recognise; `since` is when it
    spoke first. The account that spoke first of all is the one that the others were bound to: it keeps the wallet.
    """

    identity_ids: tuple[UUID, ...]
    channel: Channel
    hint: str
    since: datetime
    is_first: bool = False

    @property
    def identity_id(self) -> UUID:
        """The one that spoke first."""
        return self.identity_ids[0]

    def as_body(self) -> dict[str, str]:
        """What a stored message keeps of it."""
        return {"channel": self.channel.value, "hint": self.hint, "since": self.since.isoformat()}


def account_in(body: Mapping[str, str]) -> Account:
    """The account that a stored message names."""
    return Account((), Channel(body["channel"]), body["hint"], datetime.fromisoformat(body["since"]))


def accounts_of(*, shopper_id: UUID) -> list[Account]:
    """All accounts of a shopper, the first of all first."""
    rows = [(_person(Channel(channel), number, one), one, channel, number, at)
            for one, channel, number, at in execute(OF_SHOPPER, (shopper_id,))]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    found = [_account(Channel(group[0][2]), group[0][3], group[0][4], *(row[1] for row in group)) for group in groups]
    found.sort(key=lambda account: (account.since, account.identity_id))
    return [
        Account(one.identity_ids, one.channel, one.hint, one.since, is_first=place == 0)
        for place, one in enumerate(found)
    ]


def account_of(*, identity_id: UUID) -> Account:
    """The account of one identity. Raises `NotFound`."""
    rows = execute(OF_IDENTITY, (identity_id,))
    if not rows:
        raise NotFound("identity")
    one, channel, number, at = rows[0]
    return _account(Channel(channel), number, at, one)


def living_shopper(*, shopper_id: UUID) -> UUID:
    """The shopper itself, or the one that it became part of; it stays so until the caller's transaction ends.

    For money on its way: whoever it was for when it was sent, it arrives in the wallet that can be spent.
    """
    while rows := execute(LIVING, (shopper_id,)):
        if rows[0][0] is None:
            break
        shopper_id = rows[0][0]
    return shopper_id


def are_joined(*, one: UUID, other: UUID) -> bool:
    """Whether bindings that last lead from one identity to the other."""
    return bool(execute(JOINED, {"one": one, "other": other})[0][0])


def _account(channel: Channel, number: str, since: datetime, *identity_ids: UUID) -> Account:
    person = number.rpartition(":")[0] or number
    return Account(identity_ids, channel, "" if channel is Channel.WEB else person[-HINT:], since)


def _person(channel: Channel, number: str, identity_id: UUID) -> tuple[str, str]:
    return channel.value, number.rpartition(":")[0] if channel.is_one_person else str(identity_id)
