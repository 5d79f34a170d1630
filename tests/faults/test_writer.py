"""Fault 106: who has web's database password and nothing else tries each way to a card, and the vault gives none."""

from collections.abc import Callable
from typing import Any

import pytest

from core.config import Config
from tests.attacks.writer import ALL_AT_ONCE, WAYS, attempt, is_readable, taken, unpaid
from tests.support.sales import Counter, a_counter
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


@pytest.mark.parametrize("way", [*WAYS, ALL_AT_ONCE])
def test_fault_106_with_webs_password_alone_no_way_leads_to_a_card(counter: Counter, sql: Any, way: str) -> None:
    before = sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL")

    found = attempt(counter, way, lambda statement, names: sql(statement, names, role="shop"))

    assert found.is_refused, str(found)
    assert found.ran + found.forbidden > 0
    assert sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL AND line_id IS NOT NULL") == before or (
        "sealed to another" in str(found.vault)
    )


def test_fault_106_control_the_same_attacker_reads_what_he_paid_for(counter: Counter, sql: Any) -> None:
    """The order of the ways, paid by a notice that the gateway signed, opens: nothing but the evidence was missing."""
    mine = unpaid(counter)
    sql("UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now() WHERE id = %s", [mine.order])
    assert taken(counter, counter.sell(1), mine) is not None
    counter.note(mine.payment, mine.order, mine.total)

    opened = counter.vault.client.open_delivery(mine.delivery)

    assert is_readable(mine, mine.delivery, opened)
