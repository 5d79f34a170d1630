"""What `doctor` finds about e-mail, text messages and alerts: it connects and logs in, and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import psycopg

from channels.notify.alerts import alerts_of
from channels.notify.answers import Problem
from channels.notify.email import Mailer, mail_server
from channels.notify.sms import sms_account, texter
from core.config import Config, ConfigError
from core.messages.alerts import UNTOLD
from core.ports import SendAnswer, SendOutcome

MAIL_MENDS: Mapping[str, str] = {
    Problem.UNREACHABLE: "does not answer: look at mail.host, mail.port and the firewall",
    Problem.LOGIN_REFUSED: "refuses the login: set mail.username and the secret behind mail.password",
    Problem.NOT_TRUSTED: "has a certificate that is not its own: set mail.host to the name on it",
    Problem.NO_TLS: 'does not encrypt: set mail.security = "tls" and its port, or use another server',
    Problem.NO_LOGIN: "takes no login: leave mail.username empty, or use the port for senders",
}
SMS_MENDS: Mapping[str, str] = {
    Problem.UNREACHABLE: "does not answer: look at sms.endpoint and the firewall",
    Problem.LOGIN_REFUSED: "refuses the key: set sms.access_key_id and its secret, and let it query templates",
    Problem.NOT_TRUSTED: "has a certificate that is not its own: look at sms.endpoint",
    Problem.TEMPLATE_REFUSED: "has not approved the template {template}: set the number of an approved one",
}


def ways(config: Config) -> Iterator[tuple[str, str, bool]]:
    """(what, text, whether it is a defect) for each way; a way that is off is in order."""
    yield "mail", *_tried(_mail, config)
    yield "sms", *_tried(_sms, config)
    yield "alerts", *_tried(_alerts, config)


def untold(url: str) -> str | None:
    """A sentence about alerts that nobody was told; None where there are none, or no table yet."""
    try:
        with psycopg.connect(url) as connection:
            count, since = connection.execute(UNTOLD).fetchall()[0]
    except psycopg.Error:  # no database, or no schema: said elsewhere
        return None
    if not count:
        return None
    return f"alerts that nobody was told: {count}, the oldest since {since:%Y-%m-%d %H:%M}Z; set alerts.urls"


def _tried(look: Callable[[Config], str], config: Config) -> tuple[str, bool]:
    try:
        return look(config), False
    except ConfigError as error:
        return str(error), True


def _mail(config: Config) -> str:
    server = mail_server(config)
    if server is None:
        return "off: no letters to shoppers"
    place = f"{server.host}:{server.port}"
    _raise_unless_sent(place, Mailer(server).try_out(), MAIL_MENDS)
    return f"{place} answers, encrypts and lets us in" if server.security != "none" else f"{place} lets us in"


def _sms(config: Config) -> str:
    account = sms_account(config)
    if account is None:
        return "off: no text messages to shoppers"
    wire = texter(account)
    for template in (config.sms.cards_template, config.sms.code_template):
        mends = {problem: mend.format(template=template) for problem, mend in SMS_MENDS.items()}
        _raise_unless_sent(account.provider, wire.try_out(template), mends)
    knows = f"{account.provider} takes our key and knows both templates"
    return knows if "code" in config.sms.cards_params else f"{knows}; without a pick-up code: sms.cards_params has none"


def _alerts(config: Config) -> str:
    count = len(config.alerts.urls)
    if not alerts_of(config):
        return "off: what a person must see stands in the log and here"
    return f"{count} {'address is' if count == 1 else 'addresses are'} told"


def _raise_unless_sent(place: str, answer: SendAnswer, mends: Mapping[str, str]) -> None:
    if answer.outcome is not SendOutcome.SENT:
        mend = mends.get(answer.problem.partition(" ")[0], "does not let us in: look at its settings")
        raise ConfigError(f"{place} {mend} ({answer.problem})")
