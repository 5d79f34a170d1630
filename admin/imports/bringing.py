"""Bringing a file of cards: for which goods, then the file itself, which is sealed while it arrives."""

from __future__ import annotations

from uuid import UUID, uuid4

from flask import Blueprint, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import FileField, HiddenField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, trying
from admin.arriving import SealedOnItsWay
from admin.declared import for_roles
from admin.drawing import draw
from admin.imports.rows import latest_files
from admin.imports.standing import STAGES
from admin.panel import panel, request_time, words
from admin.shown import when
from bot.texts import mark
from core.conversations.brought_files import GoodsToBring, bring_file, goods_to_bring
from core.parties.rules import PartyKind, Role
from core.vault.uploads import LARGEST_FILE

pages = Blueprint("imports", __name__, url_prefix="/imports")
BRINGERS = (Role.OWNER, Role.STOCK, Role.CATALOG)
BRINGING = frozenset({PartyKind.SUPPLIER, PartyKind.MERCHANT})
MEGABYTES = LARGEST_FILE // 2**20
ROOM_AROUND = 64 * 1024  # of a form around its file


class FileForm(ActForm):
    """One file; `submission` says that a form that is sent twice is one."""

    submission = HiddenField(validators=[InputRequired(), Length(max=64)])
    file = FileField()


@pages.get("/", endpoint="list")
@for_roles(*BRINGERS, kinds=BRINGING)
def list_page() -> Response:
    """The last files, each with how it stands."""
    return draw("imports/list.html.jinja", files=latest_files(), stages=STAGES, when=when)


@pages.get("/new", endpoint="goods")
@for_roles(*BRINGERS, kinds=BRINGING)
def goods_page() -> Response:
    """For which goods the cards are."""
    asked = request.args.get("q", "").replace("\0", "").strip()[:100]
    found = [one for one in goods_to_bring(actor=actor(), now=request_time()) if _fits(one, asked)]
    return draw("imports/goods.html.jinja", goods=found, asked=asked)


@pages.route("/new/<int:number>", methods=["GET", "POST"], endpoint="bring")
@for_roles(*BRINGERS, kinds=BRINGING, largest=LARGEST_FILE + ROOM_AROUND, takes_files=True)
def bring_page(number: int) -> Response:
    """The file; what is chosen here is sealed to the vault before its last byte has come."""
    goods, form = some_goods(number), FileForm()
    if form.is_sent():
        file_id = None
        with trying(form):
            upload = _sealed(form)
            if upload is not None:
                file_id = bring_file(
                    actor=actor(),
                    sku_id=number,
                    upload_id=upload,
                    submission_id=form.submission.data or "",
                    seal_key=panel().seal_key,
                    now=request_time(),
                )
        if file_id is not None:
            return redirect(url_for("imports.file", file_id=file_id))
    form.submission.data = form.submission.data or str(uuid4())
    return draw("imports/bring.html.jinja", status=form.status, form=form, goods=goods, megabytes=MEGABYTES)


def some_goods(number: int) -> GoodsToBring:
    """Goods whose cards the party may bring. Raises NotFound."""
    for one in goods_to_bring(actor=actor(), now=request_time()):
        if one.sku_id == number:
            return one
    raise NotFound()


def _sealed(form: FileForm) -> UUID | None:
    """The upload that the file of this form became; None where there is none, which the form says then."""
    sent = form.file.data
    stream = getattr(sent, "stream", None)
    if not isinstance(stream, SealedOnItsWay) or not sent.filename:
        form.refuse(words().say(mark("Choose a file first.")))
        return None
    if stream.refusal is not None:
        raise stream.refusal
    if not stream.size:
        form.refuse(words().say(mark("There is nothing in this file.")))
        return None
    return stream.upload


def _fits(one: GoodsToBring, asked: str) -> bool:
    said = " ".join([one.code, *one.names.values(), *one.product.values()]).casefold()
    return asked.casefold() in said
