"""`doctor` on mail, SMS and alerts: it logs in at each and names the mend; it sends nothing."""

import dataclasses

import pytest

from core import db
from core.config import Alerts, Config, Mail, Sms
from core.messages.alerts import AlertKind, raise_alert
from ops.doctor.ways import untold, ways
from tests.builders import NOON
from tests.doubles.alerts import alert_double
from tests.doubles.sms import KEY_ID, KEY_SECRET, SIGN_NAME, sms_double
from tests.doubles.smtp import PASSWORD, USER, mail_double


@pytest.fixture
def secrets(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    monkeypatch.setenv("SMS_SECRET", KEY_SECRET)
    monkeypatch.setenv("WRONG", "wrong-canary")
    return monkeypatch


def found(config):
    return {what: (text, is_defect) for what, text, is_defect in ways(config)}


def test_what_is_off_is_in_order():
    assert found(Config()) == {
        "mail": ("off: no letters to shoppers", False),
        "sms": ("off: no text messages to shoppers", False),
        "alerts": ("off: what a person must see stands in the log and here", False),
    }


def test_mail_is_tried_and_its_defect_named(secrets):
    with mail_double(security="none") as server:
        mail = Mail(host=server.host, port=server.port, security="none", sender="shop@example.com")
        place = f"{server.host}:{server.port}"
        assert found(Config(mail=mail))["mail"] == (f"{place} lets us in", False)

    with mail_double() as server:
        place = f"{server.host}:{server.port}"
        mail = dataclasses.replace(mail, port=server.port, security="starttls", username=USER, password="env:WRONG")
        text, is_defect = found(Config(mail=mail))["mail"]
        assert (text, is_defect) == (
            f"{place} has a certificate that is not its own: set mail.host to the name on it (not_trusted)",
            True,
        )
    text, is_defect = found(Config(mail=mail))["mail"]
    assert (text, is_defect) == (
        f"{place} does not answer: look at mail.host, mail.port and the firewall (unreachable)",
        True,
    )
    assert server.letters == []


def test_sms_is_tried_and_its_defect_named(secrets):
    with sms_double() as double:
        sms = Sms("aliyun", double.endpoint, access_key_id=KEY_ID, access_key_secret="env:SMS_SECRET",
                  sign_name=SIGN_NAME, cards_template="SMS_1001", code_template="SMS_1002")  # fmt: skip
        assert found(Config(sms=sms))["sms"] == ("aliyun takes our key and knows both templates", False)
        bare = dataclasses.replace(sms, cards_params=("order",))
        assert found(Config(sms=bare))["sms"] == (
            "aliyun takes our key and knows both templates; without a pick-up code: sms.cards_params has none",
            False,
        )

        other = dataclasses.replace(sms, code_template="SMS_9")
        assert found(Config(sms=other))["sms"] == (
            "aliyun has not approved the template SMS_9: set the number of an approved one"
            " (template_refused isv.SMS_TEMPLATE_ILLEGAL)",
            True,
        )
        wrong = dataclasses.replace(sms, access_key_secret="env:WRONG")
        text, is_defect = found(Config(sms=wrong))["sms"]
        assert is_defect
        assert text.startswith("aliyun refuses the key: set sms.access_key_id and its secret")
        assert "wrong-canary" not in text
    assert double.texts == []


def test_alerts_are_read_and_those_that_nobody_was_told_are_counted(secrets, urls, store_db):
    with alert_double() as double:
        secrets.setenv("ALERTS", double.address())
        secrets.setenv("WRONG", "nosuch://canary-of-an-address")
        config = Config(alerts=Alerts(urls=("env:ALERTS",)))
        assert found(config)["alerts"] == ("1 address is told", False)
        assert found(Config(alerts=Alerts(urls=("env:ALERTS", "env:WRONG"))))["alerts"] == (
            "alerts.urls[1] is no address that apprise knows: see its list of services",
            True,
        )
        assert double.told == []

    assert untold(urls["shop"]) is None
    raise_alert(kind=AlertKind.VAULT_AWAY, subject="vault", now=NOON)
    assert untold(urls["shop"]) == (
        "alerts that nobody was told: 1, the oldest since 2026-03-02 04:00Z; set alerts.urls"
    )
    db.close()
