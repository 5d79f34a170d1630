"""The screens of 取卡 with a code: bought in one chat, told by a text message, read in another."""

from collections.abc import Callable, Iterator

from bot import outbox, pickups
from bot.screens import Screen
from bot.texts import Texts
from core.fulfilment.pickup import PickupProblem
from core.messages.service import MessageKind
from tests.golden.goods import REDEEM, TENCENT, a_message, delivered_cards

ERROR = "err_aaaaaaaaaaaaaaaa"
REFUSED = {"problem": PickupProblem.REFUSED.value, "error": ERROR}
OPENED = {
    token["token"]: {"secret": f"TX9A-000{n}", "expires": "2026-12-31"}
    for n, token in enumerate(delivered_cards()["cards"], 1)
}


def picking_up() -> Iterator[tuple[str, Callable[[Texts], Screen]]]:
    """The code is looked at; cards that were bought elsewhere; each no."""
    yield "pickup_looking", pickups.draw_looking
    yield "told_picked_up", lambda texts: told(texts, MessageKind.CARDS).with_secrets(OPENED)
    yield "told_picked_up_delayed", lambda texts: told(texts, MessageKind.DELIVERY_DELAYED)
    for problem in PickupProblem:
        yield f"told_pickup_{problem.value}", lambda texts, p=problem: refused(texts, p)


def told(texts: Texts, kind: MessageKind) -> Screen:
    """A message about another shopper's order."""
    body = delivered_cards() if kind is MessageKind.CARDS else {}
    name = TENCENT[texts.locale]
    background = outbox.Background(redeem=REDEEM[texts.locale], name=name) if body else outbox.Background()
    return outbox.render(texts, a_message(kind, picked_up=True, **body), background)


def refused(texts: Texts, problem: PickupProblem) -> Screen:
    """What is told where no cards come."""
    message = a_message(MessageKind.PICKUP_REFUSED, problem=problem.value, error=ERROR)
    return outbox.render(texts, message, outbox.Background())
