"""The shop's own settings: names, greeting, notice, contact, language; what it pays the platform, its clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import segno
from flask import Blueprint, url_for
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in
from admin.reading import panel_db, reading
from bot.texts import mark
from core.parties.fronts import ShopFront, save_front
from core.parties.rules import PartyKind, Role
from core.titles import LOCALES

pages = Blueprint("front", __name__, url_prefix="/shop")
MERCHANTS = frozenset({PartyKind.MERCHANT})

FRONT = """
SELECT p.names, w.fee_basis_points, coalesce(f.greeting, '{}'), coalesce(f.notice, '{}'), coalesce(f.contact, ''),
       coalesce(f.locale, 'zh-CN')
FROM party p JOIN panel_party_fee w ON w.party_id = p.id LEFT JOIN shop_front f ON f.merchant_id = p.id WHERE p.id = %s
"""


class FrontForm(ActForm):
    """What a shop says of itself, in both languages."""

    name_zh = StringField()
    name_en = StringField()
    greeting_zh = TextAreaField()
    greeting_en = TextAreaField()
    notice_zh = TextAreaField()
    notice_en = TextAreaField()
    contact = StringField()
    language = RadioField(choices=[SelectChoice("zh-CN", "中文"), SelectChoice("en", "English")], validate_choice=False)

    def names(self) -> Mapping[str, str]:
        """The shop's names as they were typed; the English one may be left out."""
        said = {"zh-CN": self.name_zh.data or "", "en": self.name_en.data or ""}
        return {locale: text for locale, text in said.items() if text.strip() or locale == LOCALES[0]}

    def front(self) -> ShopFront:
        """The rest, as it was typed."""
        return ShopFront(
            greeting={"zh-CN": self.greeting_zh.data or "", "en": self.greeting_en.data or ""},
            notice={"zh-CN": self.notice_zh.data or "", "en": self.notice_en.data or ""},
            contact=self.contact.data or "",
            locale=self.language.data or "",
        )


@pages.route("", methods=["GET", "POST"], endpoint="settings")
@for_roles(Role.OWNER, kinds=MERCHANTS)
def settings() -> Response:
    """The settings of the own shop."""
    shown = shop_now()
    form = filled(shown)
    if form.is_sent() and saved(form):
        return done(url_for("front.settings"), mark("The shop says so from now on."))
    return draw("setup/settings.html.jinja", status=form.status, form=form, **drawn(shown))


def shop_now() -> Mapping[str, Any]:
    """What stands of the own shop."""
    session = signed_in()
    with reading(session):
        names, fee, greeting, notice, contact, locale = panel_db.execute_sql(FRONT, (session.party.id,)).fetchone()
    return {"names": names, "fee": fee, "front": ShopFront(greeting, notice, contact, locale)}


def filled(shown: Mapping[str, Any]) -> FrontForm:
    """The form with what stands, or with what was sent."""
    names, front = shown["names"], shown["front"]
    return FrontForm(
        data={
            "name_zh": names.get("zh-CN", ""),
            "name_en": names.get("en", ""),
            "greeting_zh": front.greeting.get("zh-CN", ""),
            "greeting_en": front.greeting.get("en", ""),
            "notice_zh": front.notice.get("zh-CN", ""),
            "notice_en": front.notice.get("en", ""),
            "contact": front.contact,
            "language": front.locale,
        }
    )


def saved(form: FrontForm) -> bool:
    """Save what was typed; where not, the form says why."""
    with trying(form):
        save_front(
            actor=actor(), merchant_id=signed_in().party.id, names=form.names(), front=form.front(), now=request_time()
        )
    return not form.problem


def drawn(shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """What pages about the shop show beside the form: its address with a picture of it, its fee, its clock."""
    address = shop_address()
    return {
        "address": address,
        "picture": segno.make(address, error="m").svg_data_uri(scale=4, border=2),
        "fee": f"{shown['fee'] / 100:.2f}".rstrip("0").rstrip("."),
        "zone": panel().connecting.zone,
        "currency": panel().connecting.currency,
    }


def shop_address() -> str:
    """Where shoppers reach the own shop."""
    return f"{panel().connecting.public_url}/s/{signed_in().party.code}"
