"""取卡 with a code: what is said to somebody who was told of cards by a text message or a letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.intents import Act
from bot.refusals import draw_refusal
from bot.screens import Screen, ScreenKind
from bot.talk import Talk, home_option
from bot.texts import Texts
from core.errors import Refusal
from core.fulfilment.pickup import PickupLater, PickupProblem, PickupRefused, TooManyPickups, request_pickup
from core.members.service import Channel

SAID: Mapping[PickupProblem, Refusal] = {
    PickupProblem.REFUSED: PickupRefused(),
    PickupProblem.TOO_OFTEN: TooManyPickups(minutes=60),
    PickupProblem.LATER: PickupLater(what="vault"),
}


def pick_up(talk: Talk, act: Act) -> Screen:
    """取卡 CODE: the vault looks at it; cards or a refusal come as messages of their own."""
    request_pickup(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        address=own_address(talk),
        code=act.text("code"),
        network=talk.incoming.network,
        vault_public=talk.shop.pickup_public() if talk.shop.pickup_public else None,
        submission_id=talk.message,
        now=talk.now,
    )
    return draw_looking(talk.texts)


def own_address(talk: Talk) -> str:
    """The private chat as its door knows it: the platform's name of it, or the web chat's, which has none other."""
    heard = talk.incoming
    return heard.address or (f"web:{heard.identity_id}" if heard.channel == Channel.WEB else "")


def draw_looking(texts: Texts) -> Screen:
    """What is said while the vault looks at the code."""
    text = texts.say("Your code is being checked, the cards appear right below.")
    return Screen(ScreenKind.TEXT, text, (home_option(texts),), cards_follow=1)


def draw_told_refused(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """No cards come: the code, too many tries, or a vault that is away."""
    return draw_refusal(texts, SAID[PickupProblem(body["problem"])], error=str(body["error"]))
