"""The panel's Flask application: its pages, and what stands around all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from flask import Blueprint, Flask, send_from_directory
from flask_admin import Admin
from flask_admin.base import AdminIndexView
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect, generate_csrf
from jinja2 import StrictUndefined
from markupsafe import Markup, escape
from werkzeug.routing import IntegerConverter
from werkzeug.wrappers import Response

from admin.arriving import SealingRequest
from admin.declared import LARGEST_FORM, check_all_declared, open_to_anyone
from admin.guard import stand_before
from admin.panel import Panel, panel, words
from admin.rooms import all_lists, all_pages
from admin.stepping import stand_after_forms

HERE = Path(__file__).parent
YEAR = 365 * 24 * 3600


def make_app(values: Panel) -> Flask:
    """The application, mounted below /admin by ops. Raises `Undeclared` where a route does not say for whom it is."""
    app = Flask("keystall.panel", static_folder=str(HERE / "static"), template_folder=str(HERE / "templates"))
    app.request_class = SealingRequest  # no file is written in clear
    app.extensions["panel"] = values
    app.config.update(
        SECRET_KEY=values.form_key.reveal(),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        SEND_FILE_MAX_AGE_DEFAULT=YEAR,
        SESSION_COOKIE_NAME="__Host-keystall_form" if values.is_https else "keystall_form",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SECURE=values.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_SSL_STRICT=False,  # Origin and Sec-Fetch-Site are looked at by the guard; no referrer is sent
    )
    app.url_map.converters["int"] = Number
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.autoescape = True  # Flask itself escapes no *.html.jinja
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["csrf"] = csrf_field
    stand_before(app)  # first: whatever is refused is drawn in somebody's language
    CSRFProtect(app)
    stand_after_forms(app)
    Babel(app, locale_selector=lambda: words().locale.replace("-", "_"))  # of what Flask-Admin and WTForms say
    app.add_url_rule("/shared/<path:name>", "shared", shared)
    for pages in all_pages():
        app.register_blueprint(pages)
    add_lists(app)
    open_to_anyone(app.view_functions["static"])
    check_all_declared(app)
    return app


def add_lists(app: Flask) -> None:
    """Flask-Admin's model views, in the panel's own frame; of Flask-Admin itself no page and no file is served."""
    admin = Admin(app, name="Keystall", index_view=NoIndex(name="", url="/lists", endpoint="lists"))
    for one in all_lists():
        admin.add_view(one)
        one.declare(app.view_functions)


class Number(IntegerConverter):
    """A number in an address: one that no bigint holds is of nothing that is there."""

    regex = "[0-9]{1,18}"


class NoIndex(AdminIndexView):
    """Flask-Admin wants a first page of its own; the panel has another."""

    _urls: ClassVar[list[Any]] = []

    def create_blueprint(self, admin: Any) -> Blueprint:
        """No route at all."""
        self.admin = admin
        return Blueprint(self.endpoint, __name__)


def csrf_field() -> Markup:
    """The hidden field that says a form is the panel's own."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(escape(generate_csrf()))


@open_to_anyone
def shared(name: str) -> Response:
    """A file that shop and panel have in common."""
    return send_from_directory(panel().shared, name, max_age=YEAR)
