"""What trying a connection showed, in words, and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from admin.channels.rows import CheckRow
from admin.panel import request_time
from bot.texts import mark
from core.connections.checks import GIVEN_UP, Found, Outcome

SAID: Mapping[Found, tuple[str, str]] = {
    Found.WORKS: (mark("It works."), ""),
    Found.OFF: (mark("It is paused: nothing is heard and nothing is said."), mark("Resume it when you are ready.")),
    Found.NO_SECRETS: (
        mark("A secret is missing, or does not open with the keys of this store."),
        mark("Type its secrets once more."),
    ),
    Found.TOKEN_UNKNOWN: (
        mark("Telegram does not know this token any more."),
        mark("Ask @BotFather for the token (/token) and put it in here anew."),
    ),
    Found.OTHER_BOT: (
        mark("The token belongs to another bot."),
        mark("Put in the token of this bot, or connect the other one beside it."),
    ),
    Found.PLATFORM_AWAY: (
        mark("The platform does not answer from this store."),
        mark("Try again in a minute. If it stays so, the operator must look at the network and telegram.proxy."),
    ),
    Found.PLATFORM_REFUSES: (
        mark("The platform answers with a no that we know no mend for."),
        mark("Look at the account in the platform's own console, then check again."),
    ),
    Found.HOOK_ELSEWHERE: (
        mark("Telegram posts this bot's messages to another program."),
        mark("Stop the other program, then change the token with @BotFather (/revoke) and put it in here."),
    ),
    Found.HOOK_UNSET: (
        mark("Telegram has not been told yet where to post."),
        mark("The store tells it within seconds: check again. If it stays so, the bot process is not running."),
    ),
    Found.HOOK_NEEDS_HTTPS: (
        mark("Telegram posts to https addresses only, and this store has none."),
        mark("The operator sets web.public_url, or telegram.mode = polling."),
    ),
    Found.POST_FAILED: (
        mark("Telegram could not post some messages in the last 24 hours."),
        mark("Is the store reached from outside? Telegram tries again by itself."),
    ),
    Found.MANY_WAIT: (
        mark("More than 100 messages wait at Telegram."),
        mark("The bot process does not keep up, or is not running: tell the operator."),
    ),
    Found.APP_SECRET_WRONG: (
        mark("WeChat says that AppID and AppSecret do not belong together."),
        mark("Reset the AppSecret in WeChat's console and put the new one in here."),
    ),
    Found.IP_NOT_LISTED: (
        mark("WeChat lets this store's address not in."),
        mark("Add the store's address to the account's IP list in WeChat's console."),
    ),
    Found.NO_MESSAGES: (
        mark("The account may say nothing unasked."),
        mark("Shoppers send “cards” to get theirs. A certified service account may say more."),
    ),
    Found.NEVER_HEARD: (
        mark("No message came in by it yet."),
        mark("Write to it yourself: the shop answers."),
    ),
    Found.SANDBOX_OFF: (
        mark("Play money is switched off in this store."),
        mark("The operator sets pay.sandbox.enabled in a demo store, or connects a real gateway."),
    ),
    Found.KEYS_DIFFER: (
        mark("What the gateway signs, the shop does not believe: their keys differ."),
        mark("The operator puts the keys of this store back from their copy."),
    ),
    Found.NOT_BOUND: (
        mark("This account was not made for this bot and merchant."),
        mark("The operator connects it again with `gateway add stars`."),
    ),
}
"""A sentence for each finding, and its mend."""

COLOURS = {Outcome.OK: "ok", Outcome.LOOK: "warn", Outcome.BROKEN: "bad"}


@dataclass(frozen=True, slots=True)
class Tried:
    """A check as it is drawn: `is_open` while the answer is waited for, then what was found."""

    is_open: bool
    colour: str = ""
    lines: Sequence[tuple[str, str]] = ()
    at: datetime | None = None
    heard_at: datetime | None = None


def tried(row: CheckRow | None) -> Tried | None:
    """How a connection was when it was tried last; None where it never was."""
    if row is None:
        return None
    if row.finished_at is None:
        if request_time() - row.asked_at < GIVEN_UP:
            return Tried(is_open=True)
        gone = (
            mark("Nobody has tried it: the worker does not answer."),
            mark("The operator looks whether the worker runs; then check again."),
        )
        return Tried(is_open=False, colour="bad", lines=(gone,), at=row.asked_at)
    known = [SAID[Found(one)] for one in row.found if one in set(Found)]
    colour = COLOURS[Outcome(row.outcome)]
    return Tried(is_open=False, colour=colour, lines=known, at=row.finished_at, heard_at=row.heard_at)
