"""Shoppers who make two chats one person's, and part again: in the middle of everything else that happens to both."""

from __future__ import annotations

from core.conversations.binding import begin_binding, claim_binding, decline_binding
from core.conversations.requests import Claim
from core.payments.merging import confirm_binding
from core.payments.unbinding import bound_accounts, unbind
from tests.simulator.day import Day
from tests.simulator.processes import Process


def bind(day: Day) -> None:
    """A code is shown in one chat and entered in another of the same merchant; both say yes, or one thinks better."""
    asking = day.choice.randrange(len(day.shoppers))
    entering = day.choice.choice([payer for payer in day.neighbours(asking) if payer != asking])
    day.note(f"shopper {asking} asks to be one with shopper {entering}")
    claim = _entered(day, asking, entering)
    if claim is not None:
        _answered(day, claim, asking, entering)
    day.look_who()


def _entered(day: Day, asking: int, entering: int) -> Claim | None:
    chat, submission = day.session(asking), day.a_submission()
    code = day.act(
        Process.WEB,
        lambda: begin_binding(
            actor=chat.actor,
            conversation_id=chat.conversation_id,
            submission_id=submission,
            seal_key=day.keys.seal,
            now=day.clock.now(),
        ),
    )
    if code is None:
        return None
    other = day.session(entering)
    text = code.text if day.choice.random() < 0.9 else "AAAA-AAAA"
    return day.act(
        Process.WEB,
        lambda: claim_binding(
            actor=other.actor,
            conversation_id=other.conversation_id,
            code=text,
            seal_key=day.keys.seal,
            now=day.clock.now(),
        ),
    )


def _answered(day: Day, claim: Claim, *sides: int) -> None:
    """Both answer, in any order; one who hears no answer may ask again, and is no second shopper for it."""
    for payer in day.choice.sample(sides, 2):
        chat, says_yes = day.session(payer), day.choice.random() < 0.9
        day.note(f"shopper {payer} says {'yes' if says_yes else 'no'}")
        asked = {"actor": chat.actor, "conversation_id": chat.conversation_id, "claim_id": claim.claim_id}
        if not says_yes:
            day.act(Process.WEB, lambda asked=asked: decline_binding(**asked, now=day.clock.now()))
            return
        seal = {"seal_key": day.keys.seal}
        day.act(Process.WEB, lambda asked=asked | seal: confirm_binding(**asked, now=day.clock.now()))
        day.look_who()


def part(day: Day) -> None:
    """An account is let go: its orders and its chat go with it, the wallet stays."""
    chat = day.session(day.choice.randrange(len(day.shoppers)))
    bound = day.act(Process.WEB, lambda: bound_accounts(actor=chat.actor, conversation_id=chat.conversation_id))
    if bound is None or not bound.may_leave:
        return
    leaving = day.choice.choice(bound.may_leave)
    day.note("an account is let go")
    day.act(
        Process.WEB,
        lambda: unbind(
            actor=chat.actor,
            identity_id=leaving.identity_id,
            conversation_id=chat.conversation_id,
            seal_key=day.keys.seal,
            now=day.clock.now(),
        ),
    )
    day.look_who()
