"""Acts that the vault decides: a form with the code of who acts, and what became of it in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from wtforms import StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, trying
from admin.panel import panel, signed_in, waiting_elsewhere, words
from admin.refusals import sentence
from admin.second_words import CODES_BLOCKED, WRONG_CODE
from bot.texts import mark
from core.errors import Invalid, NotAllowed, NotFound, Refusal
from core.money import EXPONENT, Money
from core.secret import Secret
from core.settlement import service as settlement
from core.vault.client import VaultCode, VaultRefused
from core.vault.payout_requests import PayoutAct, Person

AMOUNTS = ("available", "owed")
"""Parameters that are minor units of the refusal's `currency`."""

SENTENCES: Mapping[type[Refusal], str] = {
    settlement.NoBankDetails: mark("Say first where the money goes: the bank details are missing."),
    settlement.DemoPaysNobody: mark("A demo pays nobody: its money is play money. Nothing was changed."),
    settlement.NotReleased: mark("The store was restored from a backup and not released yet: nothing is paid."),
    settlement.PartySuspended: mark("The platform suspended this party: it is paid nothing until that ends."),
    settlement.BankChanged: mark("The bank details were changed meanwhile: decline it, and have it asked for anew."),
    settlement.NotEnough: mark("Only {available} can be paid out now. Nothing was changed."),
    settlement.OwesFirst: mark("{owed} are owed first: later sales repay that before anything is paid out."),
    settlement.PayoutThere: mark("There is a payout for this day already: one a day and kind."),
    settlement.PayoutMoved: mark("Somebody was faster: the payout is in another state by now. Look at it again."),
    settlement.ReferenceTaken: mark("Another payout was confirmed under this number of the bank: check it."),
    settlement.BooksDiffer: mark(
        "The books differ from what gateways settled: nothing is paid until they are checked."
    ),
    settlement.OnePersonTwice: mark("Another person must do this."),
}
WHY: Mapping[str, str] = {
    "same_person": mark("Who asked for a payout does not approve it: another person must."),
    "changed_bank": mark("Who changed the bank details in the last 7 days neither asks for nor approves a payout."),
    "fresh_bank": mark("The bank details were changed less than 24 hours ago: wait until then."),
}
"""Why `OnePersonTwice` refuses."""

PARTS: Mapping[str, str] = {
    "number": mark("This is no account number: 4 to 64 letters and digits, blanks left out."),
    "bank": mark("This name of a bank cannot be taken: it is empty, too long, or has signs that cannot be shown."),
    "reference": mark("This number of the bank cannot be taken: it is empty or longer than 200 signs."),
    "reason": mark("Say why, in at most 500 signs."),
}


class CodeForm(ActForm):
    """A form that ends with the code of one's authenticator."""

    code = StringField(validators=[InputRequired()])


def ask_vault(form: CodeForm, act: PayoutAct, /, **said: str) -> dict[str, Secret]:
    """One act in the name of whoever is signed in; empty, with the form's `problem`, where it was refused."""
    session = signed_in()
    person = Person(session.staff_id, session.party.id, form.code.data or "")
    shown: dict[str, Secret] = {}
    with trying(form), _in_words(form), waiting_elsewhere():
        shown |= panel().vault.act_on_payout(person, act, said)
    return shown


@contextlib.contextmanager
def _in_words(form: CodeForm) -> Iterator[None]:
    try:
        yield
    except VaultRefused as no:
        if no.vault_code is VaultCode.ACT_REFUSED:
            refusal = _again(no.text, no.params)
            form.refuse(said_of(refusal), status=refusal.http)
        elif no.vault_code is VaultCode.TOO_OFTEN:
            form.refuse(words().say(CODES_BLOCKED), status=429)
        elif no.vault_code is VaultCode.SECOND_REFUSED:
            form.refuse(words().say(WRONG_CODE), status=403)
        else:
            raise


def said_of(refusal: Refusal) -> str:
    """A refusal of this room in words, amounts as money."""
    params: dict[str, Any] = dict(refusal.params)
    currency = str(params.get("currency"))
    for name in AMOUNTS:
        if name in params and currency in EXPONENT:
            params[name] = words().money(Money(int(params[name]), currency))
    said = WHY.get(str(params.get("why"))) or SENTENCES.get(type(refusal))
    if isinstance(refusal, Invalid):
        said = PARTS.get(str(params.get("what")))
    return words().say(said, **params) if said else sentence(refusal, words())


def _again(reason: str, params: Mapping[str, str | int]) -> Refusal:
    """The refusal that the vault named, as one of its kind."""
    refusal = _bare(KINDS.get(reason, settlement.PayoutMoved))
    refusal.params = {name: value for name, value in params.items() if name != "code"}
    return refusal


def _bare(kind: type[Refusal]) -> Refusal:
    return kind.__new__(kind)


KINDS: Mapping[str, type[Refusal]] = {_bare(one).reason: one for one in (*SENTENCES, NotFound, NotAllowed, Invalid)}
"""Refusals of these acts by the name under which the vault tells them."""
