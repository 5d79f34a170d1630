"""What the store notices by itself and a person must see is an alert, committed with what it is about."""

import pytest

from core.fulfilment.service import deliver
from core.ids import Prefix, public
from core.vault.client import VaultAway, VaultCode, VaultRefused
from tests.builders import later
from tests.flows.test_fulfilment import OpeningVault, a_paid_line
from tests.support.carriers import NOBODY


@pytest.fixture
def line(shop):
    shop.a_batch(cards=5)
    return a_paid_line(shop, shop.a_shopper())


def alerts(shop):
    return shop.sql("SELECT kind, subject, detail, seen FROM alert ORDER BY first_at, kind")


def test_a_line_that_waits_for_a_person_is_an_alert_that_names_its_order(shop, line):
    """Fault 68: the swapped card is held, and somebody is told."""
    order_id, delivery = line

    deliver(
        delivery_id=delivery,
        vault=OpeningVault(shop, refusals=[VaultRefused(VaultCode.ORDER_ALTERED, "")]),
        carrier=NOBODY,
        now=later(2),
    )

    problem = {"problem": VaultCode.ORDER_ALTERED.value}
    assert alerts(shop) == [("delivery_held", public(Prefix.ORDER, order_id), problem, 1)]
    assert shop.sql("SELECT count(*) FROM keystall_task WHERE data LIKE %s", [b'%"alert"%']) == [(1,)]


def test_a_vault_that_is_away_for_a_moment_is_none_and_at_the_third_try_it_is_one(shop, line):
    """Fault 72."""
    _, delivery = line
    vault = OpeningVault(shop, refusals=[VaultAway(what="vault") for _ in range(4)])

    for minutes, told in ((2, 0), (3, 0), (4, 1), (5, 1)):
        deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(minutes))
        assert len(alerts(shop)) == told

    assert alerts(shop) == [("vault_away", "vault", {}, 1)]
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(7)) is True
