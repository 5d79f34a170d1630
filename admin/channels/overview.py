"""All connections of a merchant with how they are, and the page of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.channels.findings import Tried, tried
from admin.channels.rows import ChatRow, CheckRow, CredentialRow, GatewayRow
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, signed_in, words
from admin.reading import reading
from admin.rows import PartyRow
from admin.scoped import SELLING
from admin.shown import GATEWAYS, pill
from bot.texts import mark
from core.money import Rate
from core.parties.rules import Role

pages = Blueprint("channels", __name__, url_prefix="/channels")
OWNERS = (Role.OWNER, Role.PLATFORM_OWNER)
MOST = 200

CALLED = {
    "telegram": mark("Telegram bot"),
    "wechat": mark("WeChat official account"),
    **GATEWAYS,
}
SECRETS = {
    ("telegram", "token"): mark("Bot token"),
    ("wechat", "token"): mark("Token (server configuration)"),
    ("wechat", "aes_key"): mark("EncodingAESKey"),
    ("wechat", "app_secret"): mark("AppSecret"),
}
"""Secrets that people know; others (a webhook secret) the store makes itself."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as it is drawn; `kind` is `chat` or `gateway`, `state` one of `admin.shown.STATES`."""

    kind: str
    id: int
    sort: str  # telegram, wechat, sandbox, stars
    name: str
    merchant_id: int
    merchant: str
    state: str
    left_at: datetime | None
    created_at: datetime
    currency: str
    external_id: str
    opaque_id: str
    rate: Rate | None
    check: Tried | None
    secrets: Sequence[tuple[str, datetime | None]] = ()

    @property
    def called(self) -> str:
        """What sort of connection it is (a message id)."""
        return CALLED.get(self.sort, self.sort)

    @property
    def is_on(self) -> bool:
        """Whether it works for shoppers now."""
        return self.state == "connected"

    @property
    def has_left(self) -> bool:
        """Whether it was disconnected."""
        return self.left_at is not None


@pages.get("", endpoint="index")
@for_roles(*OWNERS, kinds=SELLING)
def index() -> Response:
    """Where shoppers talk and pay."""
    with reading(signed_in()):
        chats, gateways = chats_of(), gateways_of()
    return draw(
        "channels/index.html.jinja", chats=chats, gateways=gateways, public_url=panel().connecting.public_url, pill=pill
    )


@pages.get("/<kind>/<int:number>", endpoint="one")
@for_roles(*OWNERS, kinds=SELLING)
def one(kind: str, number: int) -> Response:
    """One connection: how it is, since when its secrets are set, what can be done."""
    found = a_connection(kind, number)
    return draw("channels/one.html.jinja", one=found, callback=callback_of(found), pill=pill)


@pages.get("/<kind>/<int:number>/checked", endpoint="checked")
@for_roles(*OWNERS, kinds=SELLING)
def checked(kind: str, number: int) -> Response:
    """The piece of a page that says how the last check ended; it asks again while that is open."""
    return draw("channels/checked.html.jinja", one=a_connection(kind, number))


def chats_of(party_id: int | None = None) -> list[Connection]:
    """Bots and official accounts that the party may see, those that left last; inside `reading`."""
    query = ChatRow.select(ChatRow, PartyRow).join(PartyRow).order_by(ChatRow.left_at.is_null(False), ChatRow.id)
    return _all("chat", query if party_id is None else query.where(ChatRow.merchant == party_id), _chat)


def gateways_of(party_id: int | None = None) -> list[Connection]:
    """Gateway accounts that the party may see, those that left last; inside `reading`."""
    joined = GatewayRow.select(GatewayRow, PartyRow).join(PartyRow)
    query = joined.order_by(GatewayRow.left_at.is_null(False), GatewayRow.id)
    return _all("gateway", query if party_id is None else query.where(GatewayRow.merchant == party_id), _gateway)


def a_connection(kind: str, number: int) -> Connection:
    """One connection with its secrets' dates. Raises NotFound, also for a foreign one."""
    if kind not in ("chat", "gateway") or number >= 2**63:
        raise NotFound()
    model, draw_one = (ChatRow, _chat) if kind == "chat" else (GatewayRow, _gateway)
    with reading(signed_in()):
        row = model.select(model, PartyRow).join(PartyRow).where(model.id == number).first()
        if row is None:
            raise NotFound()
        check = CheckRow.get_or_none((CheckRow.account_kind == kind) & (CheckRow.account_id == number))
        query = CredentialRow.select().where(
            (CredentialRow.account_kind == kind) & (CredentialRow.account_id == number)
        )
        set_at = {one.name: one.created_at for one in query}
        found: Connection = draw_one(row, check, set_at)
    return found


def callback_of(found: Connection) -> str:
    """Where WeChat shall post; empty for what is told by the store itself."""
    return f"{panel().connecting.public_url}/hooks/wechat/{found.opaque_id}" if found.sort == "wechat" else ""


def _all(kind: str, query: Any, draw_one: Any) -> list[Connection]:
    rows = list(query.limit(MOST))
    numbers = [row.id for row in rows]
    checks = CheckRow.select().where((CheckRow.account_kind == kind) & CheckRow.account_id.in_(numbers))
    last = {check.account_id: check for check in checks} if numbers else {}
    return [draw_one(row, last.get(row.id), {}) for row in rows]


def _chat(row: ChatRow, check: CheckRow | None, set_at: dict[str, datetime]) -> Connection:
    handle = f"@{row.username}" if row.channel == "telegram" and row.username else ""
    return Connection(
        kind="chat",
        id=row.id,
        sort=row.channel,
        name=handle or words().name(row.names),
        currency="",
        external_id=row.external_id,
        opaque_id=row.opaque_id,
        rate=None,
        secrets=[(said, set_at.get(name)) for (sort, name), said in SECRETS.items() if sort == row.channel],
        **_shared(row, check),
    )


def _gateway(row: GatewayRow, check: CheckRow | None, set_at: dict[str, datetime]) -> Connection:
    del set_at
    rate = row.settings.get("rate")
    return Connection(
        kind="gateway",
        id=row.id,
        sort=row.gateway,
        name=words().name(row.names),
        currency=row.currency,
        external_id="",
        opaque_id="",
        rate=Rate(rate["minor"], rate["units"], rate["currency"]) if rate else None,
        **_shared(row, check),
    )


def _shared(row: Any, check: CheckRow | None) -> dict[str, Any]:
    state = "disconnected" if row.left_at is not None else "connected" if row.enabled else "paused"
    return {
        "merchant_id": row.merchant.id,
        "merchant": words().name(row.merchant.names),
        "state": state,
        "left_at": row.left_at,
        "created_at": row.created_at,
        "check": tried(check),
    }
