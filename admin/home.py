"""The first page of the panel: what today asks of this person."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.declared import for_signed_in
from admin.drawing import draw
from admin.panel import request_time, signed_in
from admin.setup.progress import asks_set_up
from admin.today import figures

pages = Blueprint("home", __name__)


@pages.get("/", endpoint="today")
def today() -> Response:
    """What was sold today, and what waits."""
    told = figures(signed_in(), request_time())
    return draw(
        "today.html.jinja", setting_up=asks_set_up(signed_in()), told=told, sold=told.sold, waiting=told.waiting
    )


for_signed_in(today)
