"""Several accounts, one shopper: the code for the other chat, the question that both sides answer, letting one go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.home import draw_nothing_to_confirm
from bot.intents import Act, Intent
from bot.screens import Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts
from core.conversations.binding import Code, begin_binding, claim_binding, decline_binding
from core.conversations.requests import Claim, RequestOver, pending_claim
from core.conversations.wallets import OneWallet, wallet_of_both
from core.ids import Prefix, parse, public
from core.members.accounts import Account, account_in
from core.members.service import Channel
from core.payments.merging import confirm_binding
from core.payments.unbinding import Bound, bound_accounts, unbind


def bind(talk: Talk, act: Act) -> Screen:
    """绑定: a code for the other chat; 绑定 CODE: the question. While one waits for its answer, 绑定 shows it again."""
    who: dict[str, Any] = {"actor": talk.actor, "conversation_id": talk.conversation_id, "now": talk.now}
    key = talk.shop.order_keys.seal
    if code := act.text("code"):
        claim = claim_binding(**who, code=code, seal_key=key)
        return question(talk, claim)
    waiting = pending_claim(**who)
    if waiting is not None:
        return question(talk, waiting)
    code_now = begin_binding(**who, submission_id=talk.message, seal_key=key)
    bound = bound_accounts(actor=talk.actor, conversation_id=talk.conversation_id)
    return draw_code(talk.texts, code_now, bound, now=talk.now)


def question(talk: Talk, claim: Claim) -> Screen:
    """The question with what the wallets hold now."""
    wallet = wallet_of_both(mine=talk.incoming.identity_id, other=claim.other.identity_id)
    return draw_question(talk.texts, claim.claim_id, claim.other, wallet)


def agree(talk: Talk, act: Act) -> Screen:
    """同意, by a button or in words."""
    claim_id = _claim_of(talk, act)
    if claim_id is None:
        return draw_nothing_to_confirm(talk.texts)
    done = confirm_binding(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        claim_id=claim_id,
        seal_key=talk.shop.order_keys.seal,
        now=talk.now,
    )
    return draw_bound(talk.texts, done.other) if done.is_bound else draw_other_side(talk.texts, done.other)


def decline(talk: Talk, act: Act) -> Screen:
    """不同意."""
    claim_id = _claim_of(talk, act)
    if claim_id is None:
        return draw_nothing_to_confirm(talk.texts)
    decline_binding(actor=talk.actor, conversation_id=talk.conversation_id, claim_id=claim_id, now=talk.now)
    return draw_not_bound(talk.texts)


def release(talk: Talk, act: Act) -> Screen:
    """解绑: which account, or whether this one."""
    bound = bound_accounts(actor=talk.actor, conversation_id=talk.conversation_id)
    wanted = act.text("identity")
    chosen = [one for one in bound.may_leave if public(Prefix.IDENTITY, one.identity_id) == wanted or not wanted]
    if not bound.may_leave:
        return draw_nothing_bound(talk.texts)
    if len(chosen) == 1:
        return draw_release(talk.texts, chosen[0], bound.first, is_here=is_here(talk, chosen[0]))
    return draw_which(talk.texts, bound)


def released(talk: Talk, act: Act) -> Screen:
    """It is let go."""
    account = unbind(
        actor=talk.actor,
        identity_id=parse(Prefix.IDENTITY, act.text("identity")),
        conversation_id=talk.conversation_id,
        seal_key=talk.shop.order_keys.seal,
        now=talk.now,
    )
    return draw_released(talk.texts, account, is_here=is_here(talk, account))


def is_here(talk: Talk, account: Account) -> bool:
    """Whether an account is the one that speaks."""
    return account.identity_id == talk.incoming.identity_id


def account_name(texts: Texts, account: Account) -> str:
    """An account as its owner knows it: the channel, and the end of its number or when it began."""
    if account.channel is Channel.WEB:
        return texts.say("Web chat, since {time}", time=texts.moment(account.since))
    names = {Channel.WECHAT: texts.say("WeChat"), Channel.TELEGRAM: "Telegram", Channel.APP: texts.say("App")}
    return f"{names[account.channel]} ••{account.hint}"


def draw_code(texts: Texts, code: Code, bound: Bound, *, now: datetime) -> Screen:
    """The code, where to send it, and what follows."""
    lines = [
        texts.say("Link your other chat with this shop"),
        texts.say("There, send: bind {code}", code=code.text),
        texts.say("The code works until {time}; then agree in both chats.", time=texts.time(code.expires_at, now=now)),
        texts.say("Orders, wallet and language are shared from then on. Give the code to nobody."),
    ]
    names = [account_name(texts, one) for one in bound.others]
    if names:
        lines.append(texts.row(texts.say("Linked already"), texts.say(", ").join(names)))
    letting_go = (choice(texts.say("Unlink"), Intent.UNBIND),) if names else ()
    return Screen(ScreenKind.TEXT, "\n".join(lines), (*letting_go, home_option(texts)))


def draw_question(texts: Texts, claim_id: UUID, other: Account, wallet: OneWallet | None) -> Screen:
    """Who asks, what it means and costs, yes or no."""
    lines = [
        texts.say("Link with “{account}”?", account=account_name(texts, other)),
        texts.say("Agree only if that account is your own too: you share orders, wallet and language with it."),
        *(_about_wallet(texts, other, wallet) if wallet else ()),
        texts.say("It is done once both chats have agreed."),
    ]
    named = {"claim": str(claim_id)}
    yes = choice(texts.say("Agree"), Intent.BIND_AGREE, **named)
    no = choice(texts.say("Do not link"), Intent.BIND_DECLINE, **named)
    return Screen(ScreenKind.MENU, "\n".join(lines), (yes, no, home_option(texts)))


def _about_wallet(texts: Texts, other: Account, wallet: OneWallet) -> list[str]:
    lines = [texts.say("The two wallets become one.")]
    if wallet.moves and texts.manner.shows_prices:
        amount = texts.say(", ").join(texts.money(one) for one in wallet.moves)
        here = texts.say("{amount} from “{account}” moves here.", amount=amount, account=account_name(texts, other))
        there = texts.say("{amount} from here moves there.", amount=amount)
        lines.append(here if wallet.is_here else there)
    first = account_name(texts, wallet.stays_with)
    stays_here = texts.say("Whoever is unlinked later leaves without it: the wallet stays here.")
    stays_there = texts.say(
        "If you unlink later, you leave without it: the wallet stays with “{account}”.", account=first
    )
    return [*lines, stays_here if wallet.is_here else stays_there]


def draw_other_side(texts: Texts, other: Account) -> Screen:
    """The first yes: the other chat is still to answer."""
    text = texts.say("All right. Now agree in “{account}” too.", account=account_name(texts, other))
    rest = texts.say("Until then nothing changes.")
    return Screen(ScreenKind.TEXT, f"{text}\n{rest}", (home_option(texts),))


def draw_bound(texts: Texts, other: Account) -> Screen:
    """The second yes: it is done."""
    lines = [
        texts.say("Linked with “{account}”", account=account_name(texts, other)),
        texts.say("Orders, wallet and language are shared now."),
        texts.say("For your safety, cards that you bought before stay where you bought them for 30 days."),
    ]
    orders = choice(texts.say("My orders"), Intent.ORDERS)
    return Screen(ScreenKind.TEXT, "\n".join(lines), (orders, home_option(texts)))


def draw_not_bound(texts: Texts) -> Screen:
    """No, from this side."""
    text = texts.say("All right, not linked. Everything is as it was.")
    return Screen(ScreenKind.TEXT, text, (home_option(texts),))


def draw_nothing_bound(texts: Texts) -> Screen:
    """解绑 without anything to let go."""
    text = texts.say("No other account is linked with this one.")
    link = choice(texts.say("Link an account"), Intent.BIND)
    return Screen(ScreenKind.TEXT, text, (link, home_option(texts)))


def draw_which(texts: Texts, bound: Bound) -> Screen:
    """Each account that can be let go."""
    lines = [texts.say("Which account do you want to unlink?")]
    lines.append(texts.say("The wallet stays with “{account}”.", account=account_name(texts, bound.first)))
    options = (
        choice(account_name(texts, one), Intent.UNBIND, identity=public(Prefix.IDENTITY, one.identity_id))
        for one in bound.may_leave
    )
    return Screen(ScreenKind.MENU, "\n".join(lines), (*options, home_option(texts)))


def draw_release(texts: Texts, account: Account, first: Account, *, is_here: bool) -> Screen:
    """What letting go means, before it is done; `is_here`: it is this very chat."""
    if is_here:
        lines = [texts.say("Unlink this chat from “{account}”?", account=account_name(texts, first))]
        lines.append(texts.say("It stands on its own again and keeps the orders placed here."))
    else:
        lines = [texts.say("Unlink “{account}”?", account=account_name(texts, account))]
        lines.append(texts.say("It stands on its own again and keeps the orders placed there."))
    lines.append(texts.say("The wallet stays with “{account}”.", account=account_name(texts, first)))
    named = {"identity": public(Prefix.IDENTITY, account.identity_id)}
    yes = choice(texts.say("Unlink"), Intent.UNBIND_NOW, **named)
    return Screen(ScreenKind.MENU, "\n".join(lines), (yes, home_option(texts)))


def draw_released(texts: Texts, account: Account, *, is_here: bool = False) -> Screen:
    """It is done."""
    name = account_name(texts, account)
    lines = [
        texts.say("This chat is unlinked") if is_here else texts.say("“{account}” is unlinked", account=name),
        texts.say("It stands on its own again. You can link it anew at any time."),
    ]
    return Screen(ScreenKind.TEXT, "\n".join(lines), (home_option(texts),))


def draw_told_bound(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """The same, in the chats where nobody has just answered."""
    screen = draw_bound(texts, account_in(body))
    text = f"{screen.text}\n{texts.say('If that was not you, unlink it now.')}"
    letting_go = choice(texts.say("Unlink"), Intent.UNBIND)
    return Screen(ScreenKind.TEXT, text, (letting_go, *screen.options))


def draw_told_declined(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """No, from the other side."""
    text = texts.say("“{account}” said no, so it was not linked.", account=account_name(texts, account_in(body)))
    rest = texts.say("Everything is as it was.")
    return Screen(ScreenKind.TEXT, f"{text}\n{rest}", (home_option(texts),))


def _claim_of(talk: Talk, act: Act) -> UUID | None:
    """The question that a button names, else the one that waits in this chat. Raises `RequestOver`."""
    if not act.text("claim"):
        waiting = pending_claim(actor=talk.actor, conversation_id=talk.conversation_id, now=talk.now)
        return waiting.claim_id if waiting is not None else None
    try:
        return UUID(act.text("claim"))
    except ValueError:
        raise RequestOver from None
