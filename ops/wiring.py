"""The only place that wires everything: settings and keys of one process become what its doors and handlers are handed.

Each function reads only the settings that its process was given (security.md, "Processes and what each may have").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from bot.talk import ShopContext
from bot.texts import Phrasebook
from channels.card_links import CardLinks
from channels.chat.couriers import Couriers
from channels.chat.telegram.courier import TelegramCourier
from channels.chat.wechat.courier import Apis, NoticeWay, WeChatCourier
from channels.chat.wechat.identity import WeChatIdentifier
from channels.chat.wechat.links import PageLinks
from channels.notify.alerts import alerts_of
from channels.notify.codes import code_sender, contact_kinds
from channels.notify.ways import other_ways
from channels.pay.sandbox import SandboxGateway, SandboxVerifier, pay_in_sandbox, refuse_elsewhere
from core import db
from core.config import Config, ConfigError
from core.config.pages import card_page_origin
from core.connections.chats import ChatChannel
from core.connections.checks import carry_out_check
from core.connections.credentials import Holder
from core.conversations.brought_files import carry_out_look, carry_out_taking_back
from core.conversations.logins import finish_login
from core.conversations.restocking import carry_out_restock
from core.fulfilment.bound_chat import BoundChat, bound_page
from core.fulfilment.card_pages import carry_out_press
from core.fulfilment.pickup import carry_out_pickup
from core.fulfilment.service import Carrier, carry, deliver, reread
from core.fulfilment.supplying import ask_stock, supply_order
from core.orders.values import OrderKeys, OrderPolicy
from core.payments.service import carry_out_refund, make_intent, query_payment
from core.ports import Courier, Gateway, NoticeVerifier
from core.risk.rules import HoldPolicy
from core.secret import NoSecret
from core.stock.contested_wishes import carry_out_wish
from core.vault.client import VaultClient
from core.vault.notices import sandbox_private_key
from core.vault.public import PublicKey
from core.work import Work
from ops.channels.examining import StoreExaminer
from ops.counter import FallingBackCounter
from ops.processes.vault_wiring import clock, vault_client
from ops.stars import stars
from ops.suppliers import suppliers

STRANGERS_WAIT = timedelta(minutes=10)
"""Someone without a paid order keeps cards from others no longer than this."""


def order_policy(config: Config) -> OrderPolicy:
    """The settings `[orders]` and the store's zone."""
    orders = config.orders
    hold_for = timedelta(minutes=orders.hold_minutes)
    return OrderPolicy(
        hold_for=hold_for,
        stranger_hold_for=min(hold_for, STRANGERS_WAIT),
        zone=config.store.timezone,
        holds=HoldPolicy(
            unpaid_per_shopper=orders.unpaid_per_shopper,
            unpaid_per_network=orders.unpaid_per_network,
            stranger_share_percent=orders.stranger_share_percent,
            share_percent=orders.share_percent,
        ),
        largest_line=config.vault.opening_budget_per_hour,
    )


def order_keys(config: Config) -> OrderKeys:
    """The order-seal key (web, bot, vault) and the key that links are derived from (web, bot)."""
    return OrderKeys(seal=config.secret(config.secrets.seal_key), session=config.secret(config.secrets.session_key))


def phrasebook(config: Config) -> Phrasebook:
    """Every language of the conversation, in the store's zone."""
    return Phrasebook(zone=config.store.timezone, default=config.store.default_locale)


def shop_context(config: Config) -> ShopContext:
    """What the dialog engine is handed."""
    return ShopContext(
        clock=clock(),
        phrasebook=phrasebook(config),
        currency=config.store.currency,
        order_policy=order_policy(config),
        order_keys=order_keys(config),
        button_key=config.secret(config.secrets.session_key),
        contacts=contact_kinds(config),
        pickup_public=vault_public(config),
    )


def vault_public(config: Config) -> PublicKey:
    """What is sealed for the vault: its file's key until the vault says another (`keys rotate`).

    Without either there is none: the vault is closed then, and says why (fault 70).
    """
    try:
        held = config.secret(config.vault.public_key).reveal()
    except ConfigError:
        held = None
    return PublicKey(VaultClient(config.vault_socket, timeout=2), held)


def counter(config: Config) -> FallingBackCounter:
    """Where throttles and rates are counted."""
    return FallingBackCounter(config.redis.url)


def verifiers(config: Config) -> Mapping[str, NoticeVerifier]:
    """Who checks the notices of which gateway.

    Raises ConfigError where the sandbox is switched on in a real shop or on an open listener.
    """
    if not config.pay.sandbox.enabled:
        return {}
    return {"sandbox": SandboxVerifier(_sandbox_public_key(config), clock=clock())}


def _sandbox_public_key(config: Config) -> bytes:
    rows = db.execute("SELECT kind, sandbox_public_key FROM installation")
    refuse_elsewhere(kind=rows[0][0] if rows else "", host=config.web.host)
    return bytes(rows[0][1])


def sandbox(config: Config) -> SandboxGateway | None:
    """The sandbox's acting half, in the worker only; None where it is switched off. Raises ConfigError."""
    if not config.pay.sandbox.enabled:
        return None
    _sandbox_public_key(config)
    return SandboxGateway(
        sandbox_private_key(config.secret(config.secrets.act_key).reveal()),
        clock=clock(),
        address=f"http://{config.web.host}:{config.web.port}",
    )


def carrier(config: Config) -> Carrier:
    """How the worker reaches chats: the couriers of the platforms, and the other ways to tell somebody."""
    time = clock()
    apis, links = wechat_apis(config), card_links(config)
    ways = (
        BoundChat(time),
        bound_page(time),
        NoticeWay(apis.shop, apis),
        *other_ways(config, phrasebook=phrasebook(config), clock=time, links=links),
    )
    telegram = telegram_courier(config)
    telegram.warm()
    couriers: dict[str, Courier] = {
        ChatChannel.TELEGRAM: telegram,
        ChatChannel.WECHAT: WeChatCourier(
            apis.shop, apis, PageLinks(config.public_url, apis.shop.clock, apis.act_key, Holder.ACT), links
        ),
    }
    return Carrier(Couriers(couriers), ways)


def telegram_courier(config: Config) -> TelegramCourier:
    """The worker's way into Telegram's chats: it draws messages without a key of the chats."""
    return TelegramCourier(
        shop=bare_context(config),
        bot_key=config.secret(config.secrets.bot_key),
        api_base=config.telegram.api_base,
        proxy=config.telegram.proxy,
        links=card_links(config),
    )


def card_links(config: Config) -> CardLinks:
    """Links to card pages for the messages that the worker writes."""
    return CardLinks(vault_client(config), card_page_origin(config))


def wechat_apis(config: Config) -> Apis:
    """The worker's way to the APIs of official accounts."""
    return Apis(config.secret(config.secrets.act_key), config.wechat.api_base, bare_context(config))


def bare_context(config: Config) -> ShopContext:
    """What the dialog engine is handed where it only draws what is told: no key that answers or orders."""
    return ShopContext(
        clock=clock(),
        phrasebook=phrasebook(config),
        currency=config.store.currency,
        order_policy=order_policy(config),
        order_keys=OrderKeys(seal=NoSecret(), session=NoSecret()),
        button_key=NoSecret(),
    )


def handlers(config: Config) -> dict[Work, Callable[[UUID], object]]:
    """What the worker does with each kind of work; a handler gets one reference, the tables tell it the rest."""
    time, policy, play = clock(), order_policy(config), sandbox(config)
    star_side = stars(config, clock=time)
    plain_vault = vault_client(config)
    vault = star_side.confirming(plain_vault, clock=time)
    gateways: dict[str, Gateway] = {"stars": star_side.gateway} | ({"sandbox": play} if play else {})
    checks, carries = {**verifiers(config), "stars": star_side.verifier}, carrier(config)
    who = WeChatIdentifier(wechat_apis(config))
    codes, alerts = code_sender(config, phrasebook=phrasebook(config), clock=time), alerts_of(config)
    work: dict[Work, Callable[[UUID], object]] = {
        Work.DELIVER: lambda one: deliver(
            delivery_id=one, vault=vault, carrier=carries, zone=config.store.timezone, now=time.now()
        ),
        Work.REREAD: lambda one: reread(reading_id=one, vault=vault, now=time.now()),
        Work.PICK_UP: lambda one: carry_out_pickup(wish_id=one, vault=plain_vault, now=time.now()),
        Work.OPEN_LINK: lambda one: carry_out_press(press_id=one, vault=plain_vault, now=time.now()),
        Work.SEND: lambda one: carry(conversation_id=one, vault=vault, carrier=carries, now=time.now()),
        Work.START_PAYMENT: lambda one: make_intent(payment_id=one, gateways=gateways, now=time.now()),
        Work.QUERY_PAYMENT: lambda one: query_payment(
            payment_id=one, gateways=gateways, verifiers=checks, policy=policy, now=time.now()
        ),
        Work.REFUND: lambda one: carry_out_refund(refund_id=one, gateways=gateways, now=time.now()),
        Work.RESTOCK: lambda one: carry_out_restock(restock_id=one, vault=plain_vault, now=time.now()),
        Work.LOOK: lambda one: carry_out_look(file_id=one, vault=plain_vault),
        Work.TAKE_BACK: lambda one: carry_out_taking_back(restock_id=one, vault=plain_vault),
        Work.DECIDE: lambda one: carry_out_wish(wish_id=one, vault=plain_vault, now=time.now()),
        Work.WECHAT_LOGIN: lambda one: finish_login(login_id=one, identifier=who, now=time.now()),
        Work.CONTACT_CODE: codes.send,
        Work.ALERT: lambda one: alerts.tell(one, now=time.now()),
    }
    goods = suppliers(config)
    public = vault_public(config)
    work[Work.SUPPLY] = lambda one: supply_order(
        order_id=one, suppliers=goods, vault=plain_vault, vault_public=public(), now=time.now()
    )
    work[Work.SUPPLIER_STOCK] = lambda one: ask_stock(good_id=one, suppliers=goods, now=time.now())
    if play is not None:
        work[Work.SANDBOX_PAY] = lambda one: pay_in_sandbox(one, sandbox=play, now=time.now())
    examiner = StoreExaminer(config, wechat_apis(config), time, play, checks.get("sandbox"))
    work[Work.CHECK_CONNECTION] = lambda one: carry_out_check(check_id=one, examiner=examiner, now=time.now())
    return work
