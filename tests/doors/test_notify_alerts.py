"""What a person must see: raised in a transaction, told once, together, and to whoever can be reached."""

import logging
from datetime import timedelta

import pytest

from channels.notify.alerts import Alerts, alerts_of
from core import db
from core.config import Alerts as AlertSettings
from core.config import Config, ConfigError, Store
from core.db import atomic, execute
from core.ids import Prefix, new_id, public
from core.messages.alerts import (
    QUIET,
    AlertKind,
    alerts_due,
    forget_alerts,
    raise_alert,
)
from core.payments.sweeps import notice_stuck_refunds
from core.secret import Secret
from ops import logs
from tests.builders import NOON
from tests.doubles.alerts import alert_double
from tests.support.dialog import queued


@pytest.fixture
def store_db(urls):
    """The store connected as the worker, who tells."""
    db.connect(urls["worker"], size=4)
    yield
    db.disconnect()


@pytest.fixture
def somebody(store_db):
    with alert_double() as double:
        yield double


def alerts_to(*doubles):
    return Alerts([Secret(double.address()) for double in doubles], shop="键铺", zone="Asia/Shanghai")


def an_alert(subject="ord_a", *, kind=AlertKind.DELIVERY_HELD, at=NOON, **detail):
    raise_alert(kind=kind, subject=subject, detail=detail, now=at)
    return execute("SELECT id FROM alert WHERE subject = %s ORDER BY first_at DESC LIMIT 1", (subject,))[0][0]


def rows():
    return execute("SELECT kind, subject, seen, told_at IS NOT NULL FROM alert ORDER BY first_at, subject")


def test_an_alert_is_told_with_what_it_is_about_and_its_mend(somebody):
    alert_id = an_alert(problem="budget")

    assert queued("alert") == 1
    assert alerts_to(somebody).tell(alert_id, now=NOON) == 1
    (told,) = somebody.told
    assert told["title"] == "键铺: A paid order waits for a person"
    assert told["message"].splitlines() == [
        "2026-03-02 12:00 ord_a: problem budget",
        "`python run.py review` says why, and lets it go on.",
    ]
    assert rows() == [("delivery_held", "ord_a", 1, True)]


def test_a_rollback_leaves_no_alert(store_db):
    with atomic() as transaction:
        raise_alert(kind=AlertKind.VAULT_AWAY, subject="vault", now=NOON)
        transaction.rollback()

    assert rows() == []
    assert queued("alert") == 0


def test_the_same_again_counts_and_a_kind_is_told_together_after_its_quiet_time(somebody):
    wire = alerts_to(somebody)
    wire.tell(an_alert("ord_a"), now=NOON)
    later = NOON + timedelta(minutes=1)
    for subject in ("ord_b", "ord_b", "ord_c"):
        alert_id = an_alert(subject, at=later)

    assert wire.tell(alert_id, now=later) == 0
    assert alerts_due(now=later) == 0
    assert wire.tell(an_alert("vault", kind=AlertKind.VAULT_AWAY, at=later), now=later) == 1

    after = NOON + QUIET + timedelta(seconds=1)
    assert wire.tell(alert_id, now=after) == 2
    assert [told["message"].splitlines()[:-1] for told in somebody.told] == [
        ["2026-03-02 12:00 ord_a"],
        ["2026-03-02 12:01 vault"],
        ["2026-03-02 12:01 ord_b (2 times)", "2026-03-02 12:01 ord_c"],
    ]


def test_many_are_one_message_that_says_how_many_more(somebody):
    for number in range(13):
        alert_id = an_alert(f"ord_{number:02}")

    assert alerts_to(somebody).tell(alert_id, now=NOON) == 13
    lines = somebody.told[0]["message"].splitlines()
    assert (len(lines), lines[10]) == (12, "… and 3 more")


def test_one_address_that_fails_stops_no_other_and_none_means_again_in_a_minute(somebody):
    with alert_double() as broken:
        broken.status = 500
        assert alerts_to(broken, somebody).tell(an_alert("ord_a"), now=NOON) == 1

        other = an_alert("vault", kind=AlertKind.VAULT_AWAY)
        assert alerts_to(broken).tell(other, now=NOON) == 0
        assert alerts_to(somebody).tell(other, now=NOON) == 0
        minute = NOON + timedelta(minutes=1)
        assert alerts_due(now=minute) == 0  # it waits in the queue already
        assert alerts_to(somebody).tell(other, now=minute) == 1
    assert len(somebody.told) == 2


def test_without_addresses_alerts_stay_in_their_table_for_30_days(store_db):
    alert_id = an_alert()

    assert alerts_of(Config()).tell(alert_id, now=NOON) == 0
    assert rows() == [("delivery_held", "ord_a", 1, False)]
    assert forget_alerts(now=NOON + timedelta(days=30)) == 0
    assert forget_alerts(now=NOON + timedelta(days=30, seconds=1)) == 1


def test_an_address_that_nobody_knows_is_named_by_its_place_only(tmp_path, monkeypatch):
    monkeypatch.setenv("ALERTS", "nosuch://token-canary-55")
    config = Config(store=Store(data_dir=tmp_path), alerts=AlertSettings(urls=("env:ALERTS",)))

    with pytest.raises(ConfigError) as refused:
        alerts_of(config)

    assert str(refused.value) == "alerts.urls[0] is no address that apprise knows: see its list of services"


def test_no_token_of_an_address_stands_in_the_log(somebody, tmp_path):
    """INV-K1."""
    somebody.status = 500
    logs.set_up("worker", tmp_path, console=False)
    try:
        alerts_to(somebody).tell(an_alert(), now=NOON)
        logging.getLogger("keystall").info("the log is there")
    finally:
        logs.tear_down()

    written = (tmp_path / "worker.log").read_text()
    assert "an alert was not taken" in written
    assert "alert-canary-3Rk" not in written


def test_a_refund_without_an_end_for_an_hour_is_shown_once_a_day(shop):
    refund_id = new_id()
    shop.sql(
        "INSERT INTO refund (id, merchant_id, to_wallet, amount_minor, currency, state, reason, created_at)"
        " VALUES (%s, %s, false, 100, 'CNY', 'unknown', 'late', %s)",
        [refund_id, shop.merchant, NOON],
    )
    hour = NOON + timedelta(hours=1)

    assert notice_stuck_refunds(now=hour) == 0
    for minutes in (1, 6, 11):
        assert notice_stuck_refunds(now=hour + timedelta(minutes=minutes)) == 1

    assert rows() == [("refund_unknown", public(Prefix.REFUND, refund_id), 3, False)]
    shop.sql("UPDATE alert SET told_at = %s", [hour])
    assert notice_stuck_refunds(now=hour + timedelta(hours=20)) == 1
    assert len(rows()) == 1
    assert notice_stuck_refunds(now=hour + timedelta(hours=25)) == 1
    assert len(rows()) == 2
