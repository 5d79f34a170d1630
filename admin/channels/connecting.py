"""Connecting a bot or an official account, and giving it other secrets: tried first, then sealed, never shown again."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.channels.overview import OWNERS, Connection, a_connection
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, waiting_elsewhere, words
from admin.reading import reading
from admin.rows import PartyRow
from admin.scoped import SELLING
from bot.texts import mark
from core.connections.chats import ChatAccount
from core.connections.checks import TriedJustNow, ask_for_check
from core.connections.credentials import AccountKind
from core.connections.handed_in import sealing_keys
from core.connections.joining import (
    Bot,
    OfficialAccount,
    change_account_secrets,
    change_bot_token,
    checked_account,
    checked_bot_token,
    connect_bot,
    connect_official_account,
)
from core.errors import Invalid
from core.parties.rules import PartyKind

pages = Blueprint("connecting", __name__, url_prefix="/channels")
MOST_MERCHANTS = 500


class MerchantForm(ActForm):
    """A form of somebody who may act for several merchants: whose it shall be."""

    merchant = SelectField(coerce=str, validate_choice=False)

    @property
    def asks_merchant(self) -> bool:
        """Whether it must be said for whom: the platform does it for a merchant."""
        return signed_in().party.kind is not PartyKind.MERCHANT

    def offer(self) -> None:
        """Fill the choice of merchants."""
        if self.asks_merchant:
            with reading(signed_in()):
                query = PartyRow.select().where((PartyRow.kind == "merchant") & (PartyRow.status == "active"))
                rows = list(query.order_by(PartyRow.code).limit(MOST_MERCHANTS))
            self.merchant.choices = [(str(row.id), words().beside(words().name(row.names), row.code)) for row in rows]

    def merchant_id(self) -> int:
        """Whose it shall be. Raises `Invalid`."""
        if not self.asks_merchant:
            return signed_in().party.id
        said = self.merchant.data or ""
        if said not in {number for number, _ in self.merchant.choices or []}:
            raise Invalid(what="merchant")
        return int(said)


class BotForm(MerchantForm):
    """A bot's token."""

    token = PasswordField(validators=[InputRequired()])


class AccountForm(MerchantForm):
    """What WeChat's console shows of an official account."""

    name = StringField()
    app_id = StringField()
    token = PasswordField()
    aes_key = PasswordField()
    app_secret = PasswordField()

    def given(self, *, app_id: str = "", is_new: bool) -> OfficialAccount:
        """What was typed. Raises `Invalid`."""
        return checked_account(
            app_id=app_id or self.app_id.data or "",
            name=self.name.data or "",
            token=self.token.data or "",
            aes_key=self.aes_key.data or "",
            app_secret=self.app_secret.data or "",
            is_new=is_new,
        )


@pages.route("/telegram", methods=["GET", "POST"], endpoint="telegram")
@for_roles(*OWNERS, kinds=SELLING, steps_up=True)
def telegram() -> Response:
    """A Telegram bot, by its token."""
    form = BotForm()
    form.offer()
    if form.is_sent():
        with trying(form):
            bot, merchant_id = bot_of(form), form.merchant_id()
            keys = sealing_keys(panel().connecting.verify_key)
            account = connect_bot(actor=actor(), merchant_id=merchant_id, bot=bot, keys=keys, now=request_time())
            try_it(account)
        if not form.problem:
            return done(back_to(account), mark("@{username} is connected."), username=account.username)
    return draw("channels/telegram.html.jinja", status=form.status, form=form, one=None)


@pages.route("/wechat", methods=["GET", "POST"], endpoint="wechat")
@for_roles(*OWNERS, kinds=SELLING, steps_up=True)
def wechat() -> Response:
    """A WeChat official account, by what its console shows."""
    form = AccountForm()
    form.offer()
    if form.is_sent():
        with trying(form):
            given, merchant_id = form.given(is_new=True), form.merchant_id()
            ask_wechat(given)
            keys = sealing_keys(panel().connecting.verify_key)
            account = connect_official_account(
                actor=actor(), merchant_id=merchant_id, given=given, keys=keys, now=request_time()
            )
            try_it(account)
        if not form.problem:
            said = mark("The account is connected. Now enter the address below in WeChat's console.")
            return done(url_for("channels.one", kind="chat", number=account.id), said)
    return draw("channels/wechat.html.jinja", status=form.status, form=form, one=None)


@pages.route("/chat/<int:number>/secrets", methods=["GET", "POST"], endpoint="secrets")
@for_roles(*OWNERS, kinds=SELLING, steps_up=True)
def secrets_page(number: int) -> Response:
    """Other secrets for a connected bot or account; the old ones end with that."""
    found = a_connection("chat", number)
    form: BotForm | AccountForm = BotForm() if found.sort == "telegram" else AccountForm()
    if form.is_sent():
        with trying(form):
            try_it(changed_secrets(form, found))
        if not form.problem:
            return done(url_for("channels.one", kind="chat", number=number), mark("The new secrets are kept."))
    return draw(f"channels/{found.sort}.html.jinja", status=form.status, form=form, one=found)


def changed_secrets(form: BotForm | AccountForm, found: Connection) -> ChatAccount:
    """Try what was typed and keep it. Raises what the platform and the use case refuse."""
    keys = sealing_keys(panel().connecting.verify_key)
    if isinstance(form, BotForm):
        return change_bot_token(actor=actor(), account_id=found.id, bot=bot_of(form), keys=keys, now=request_time())
    given = form.given(app_id=found.external_id, is_new=found.has_left)
    ask_wechat(given)
    return change_account_secrets(actor=actor(), account_id=found.id, given=given, keys=keys, now=request_time())


def bot_of(form: BotForm) -> Bot:
    """Whose the typed token is, as Telegram says. Raises `Invalid` and what Telegram refuses."""
    token = checked_bot_token(form.token.data or "")
    with waiting_elsewhere():
        who = panel().connecting.platforms.bot_of(token)
    return Bot(who.number, who.username, who.name, token)


def ask_wechat(given: OfficialAccount) -> None:
    """Whether WeChat takes the typed AppSecret; nothing is asked where none was typed."""
    if given.app_secret is not None:
        with waiting_elsewhere():
            panel().connecting.platforms.check_official_account(given.app_id, given.app_secret)


def try_it(account: ChatAccount) -> None:
    """Have the worker try what was just connected."""
    try:
        ask_for_check(actor=actor(), kind=AccountKind.CHAT, account_id=account.id, now=request_time())
    except TriedJustNow:
        return


def back_to(account: ChatAccount) -> str:
    """On with the set-up where somebody came from it, else the account's own page."""
    if request.args.get("then") == "setup":
        return url_for("setup.chats")
    return url_for("channels.one", kind="chat", number=account.id)
