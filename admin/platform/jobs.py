"""Long work and what waits for a person: imports, alerts, deliveries that stand still, undecided money."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in, words
from admin.platform.rows import party_names
from admin.platform.sayings import ALERTS, MONEY_REASONS, state
from admin.shown import gateway, when
from core.ids import Prefix, public
from core.parties.rules import PLATFORM_ROLES
from core.reports.watching import alerts_now, imports_of_all, stuck_deliveries, undecided_money

pages = Blueprint("jobs", __name__, url_prefix="/jobs")


@pages.get("/", endpoint="index")
@for_roles(*PLATFORM_ROLES)
def index() -> Response:
    """Everything that runs or waits, over all parties; each list begins with the most pressing."""
    return draw("platform/jobs.html.jinja", **everything())


@pages.get("/now", endpoint="now")
@for_roles(*PLATFORM_ROLES)
def now() -> Response:
    """The same without its frame, for a page that stays open."""
    return draw("platform/jobs_now.html.jinja", **everything())


def everything() -> dict[str, Any]:
    """What the page lists."""
    actor, at = signed_in().actor, request_time()
    found, stuck, money = (
        imports_of_all(actor=actor),
        stuck_deliveries(actor=actor, now=at),
        undecided_money(actor=actor),
    )
    codes = [*(one.party for one in found), *(one.merchant for one in stuck), *(one.merchant for one in money)]
    return {
        "imports": found,
        "alerts": alerts_now(actor=actor, now=at),
        "deliveries": stuck,
        "money": money,
        "party_called": party_names(codes),
        "gateway": gateway,
        "alert_called": lambda kind: words().say(ALERTS[kind]),
        "why": lambda reason: words().say(MONEY_REASONS.get(reason, reason)),
        "order_no": lambda order_id: public(Prefix.ORDER, order_id),
        "state": state,
        "when": when,
    }
