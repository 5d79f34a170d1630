"""The code that confirms an address: minted as it is sent, so that it stands nowhere but in the message itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bot.letters import draw_code_letter
from bot.texts import Phrasebook
from channels.notify.answers import Problem, refused
from channels.notify.email import Letter, Mailer, mail_server
from channels.notify.sms import Texter, TextMessage, sms_account, texter
from channels.notify.ways import watched
from core.actor import SYSTEM
from core.clock import Clock
from core.config import Config
from core.members.contacts import CODE_LIVES, CodeToSend, ContactKind, give_code_back, mint_code
from core.messages.service import MessageKind, tell
from core.parties.service import access_party
from core.ports import SendAnswer, SendOutcome

MINUTES = int(CODE_LIVES.total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class CodeSender:
    """Sends codes by the ways that are switched on; `variables` are those of the text message's template."""

    phrasebook: Phrasebook
    clock: Clock
    mailer: Mailer | None = None
    wire: Texter | None = None
    template: str = ""
    variables: Sequence[str] = ()

    def send(self, code_id: UUID) -> SendAnswer | None:
        """Work: mint and send one code; None when it was sent before, or is too late.

        Later: the next try makes another one. Unknown: it may be there, and the shopper can ask for another. Refused:
        the shopper is told in the chat that asked.
        """
        found = mint_code(code_id=code_id, now=self.clock.now())
        if found is None:
            return None
        answer = self._sent(found)
        if answer.outcome is SendOutcome.LATER:
            give_code_back(code_id=code_id)
        elif answer.outcome not in (SendOutcome.SENT, SendOutcome.UNKNOWN):
            body = {"contact": found.kind.value}
            kind = MessageKind.CODE_NOT_SENT
            tell(conversation_id=found.conversation_id, kind=kind, body=body, now=self.clock.now())
        return answer

    def _sent(self, found: CodeToSend) -> SendAnswer:
        code = found.code.reveal().decode()
        if found.kind is ContactKind.PHONE and self.wire is not None:
            values = {"code": code, "minutes": str(MINUTES)}
            message = TextMessage(found.address, self.template, {name: values[name] for name in self.variables})
            return watched("sms", self.wire.send(message), clock=self.clock)
        if found.kind is ContactKind.EMAIL and self.mailer is not None:
            texts = self.phrasebook.texts(found.locale)
            merchant = access_party(actor=SYSTEM, party_id=found.merchant_id)
            words = draw_code_letter(texts, code, shop=texts.name(merchant.names), minutes=MINUTES)
            letter = Letter(found.address, words.subject, words.text, reference=f"code/{found.id}")
            return watched("email", self.mailer.send(letter, now=self.clock.now()), clock=self.clock)
        return refused(Problem.ADDRESS_REFUSED)  # this way was switched off after it was asked for


def code_sender(config: Config, *, phrasebook: Phrasebook, clock: Clock) -> CodeSender:
    """The settings [mail] and [sms]. Raises ConfigError without their secrets."""
    server, account = mail_server(config), sms_account(config)
    return CodeSender(
        phrasebook=phrasebook,
        clock=clock,
        mailer=Mailer(server) if server else None,
        wire=texter(account) if account else None,
        template=config.sms.code_template,
        variables=config.sms.code_params,
    )


def contact_kinds(config: Config) -> frozenset[ContactKind]:
    """What shoppers may confirm: the ways that are switched on. Needs no secret, so the doors may ask."""
    kinds = {ContactKind.EMAIL: bool(config.mail.host), ContactKind.PHONE: bool(config.sms.provider)}
    return frozenset(kind for kind, is_on in kinds.items() if is_on)
