"""Gateways' callbacks: raw bytes and headers to the payments room, its answer back; never a call outside."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from channels.figures import OTHER, Figures
from channels.figures import Counter as Counted
from channels.web.door import Door
from channels.web.render import SAFE_HEADERS
from core.errors import NotFound
from core.payments.service import NoticeAnswer, receive_notice
from core.ports import RawNotice

MOST_HEADERS = 64
LONGEST_VALUE = 4096


async def notice(request: Request) -> Response:
    """What `receive_notice` says, as plain text. An address that no account has is 404, an unknown gateway too."""
    door: Door = request.app.state.door
    raw = RawNotice(body=await request.body(), headers=kept_headers(request))
    gateway: str = request.path_params["gateway"]
    known = gateway if gateway in door.verifiers else OTHER
    counted: Callable[[str], None] = partial(callbacks(request.app.figures).add, known)
    try:
        answer = await door.run(taken, door, gateway=gateway, opaque_id=request.path_params["opaque_id"], raw=raw)
    except NotFound:
        counted("unknown")
        raise
    except Exception:
        counted("failed")
        raise
    counted("authentic" if answer.status == 200 else "forged")
    return PlainTextResponse(answer.text, answer.status, headers=SAFE_HEADERS)


def callbacks(figures: Figures) -> Counted:
    """Callbacks by gateway and outcome: authentic, forged, unknown (no account has that address), failed."""
    return figures.counter(
        "keystall_payment_callbacks_total", "Callbacks of gateways by what became of them.", "gateway", "outcome"
    )


def taken(door: Door, *, gateway: str, opaque_id: str, raw: RawNotice) -> NoticeAnswer:
    """Verify and book one notice. Raises `NotFound`."""
    return receive_notice(
        gateway=gateway,
        opaque_id=opaque_id,
        raw=raw,
        verifiers=door.verifiers,
        counter=door.counter,
        policy=door.shop.order_policy,
        now=door.shop.clock.now(),
    )


def kept_headers(request: Request) -> dict[str, str]:
    """The headers as evidence: those that a signature may need, without what only our own browsers would send."""
    kept = {}
    for name, value in list(request.headers.items())[:MOST_HEADERS]:
        if name not in {"cookie", "authorization"} and "\x00" not in value:
            kept[name] = value[:LONGEST_VALUE]
    return kept
