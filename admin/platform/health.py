"""How the store is, now: what doctor says, processes, queue, sweeps, vault, gateways, disk, backups."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, waiting_elsewhere, words
from admin.platform.checked import Beat, Check, Health
from admin.platform.sayings import ALARMS, BUDGETS, PARTS
from admin.shown import when
from bot.texts import mark
from core.parties.rules import PLATFORM_ROLES

pages = Blueprint("health", __name__, url_prefix="/health")
LIGHTS = {"ok": "circle-check", "warn": "triangle-alert", "bad": "circle-x"}


@pages.get("/", endpoint="index")
@for_roles(*PLATFORM_ROLES)
def index() -> Response:
    """The page; it asks for the picture again every ten seconds."""
    return _drawn("platform/health.html.jinja")


@pages.get("/now", endpoint="now")
@for_roles(*PLATFORM_ROLES)
def now() -> Response:
    """The same without its frame, for a page that stays open."""
    return _drawn("platform/health_now.html.jinja")


def _drawn(template: str) -> Response:
    with waiting_elsewhere():
        found = panel().health()
    forged = panel().forged_notices()
    return draw(
        template, health=found, forged=forged, called=called, told=told, ago=ago, lights=LIGHTS, when=when,
        budgets=BUDGETS, late=is_late,
    )  # fmt: skip


def called(check: Check) -> str:
    """What a check looked at, in words."""
    return words().say(PARTS.get(check.what, check.what))


def told(check: Check) -> str:
    """What an alarm says, in words; empty for what only doctor's English says."""
    said = ALARMS.get(check.alarm)
    return words().say(said) if said else ""


def ago(seconds: float | None) -> str:
    """How long something takes or waits, in its largest unit."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, mark("{count} d")), (3600, mark("{count} h")), (60, mark("{count} min"))):
        if seconds >= 2 * size:
            return words().say(unit, count=int(seconds // size))
    return words().say(mark("{count} s"), count=max(0, int(seconds)))


def is_late(beat: Beat, health: Health) -> bool:
    """Whether something that is done over and over is a minute behind."""
    return beat.due is not None and (health.at - beat.due).total_seconds() > 60
