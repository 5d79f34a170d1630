"""A worker killed at any step while a supplier's keys reach their lines: each card once, each line paid back once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.config import Config
from core.fulfilment.supplying import supply_order
from tests.builders import Shop
from tests.doubles.kasushou import KasushouDouble
from tests.flows.test_recall import violated
from tests.support.crash import at_every_step
from tests.support.supplying import Supplied, a_supplied_shop
from tests.support.till import Till
from tests.support.vaults import desk_vault


@pytest.fixture
def double() -> Iterator[KasushouDouble]:
    with KasushouDouble().served() as double:
        yield double


@pytest.fixture
def supplied(shop: Shop, config: Config, urls: dict[str, str], double: KasushouDouble, store_db: Any) -> Supplied:
    return a_supplied_shop(Till(shop), double, desk_vault(config), urls["worker"])


class Counted:
    """The vault has imported the answer already and says so again."""

    def import_supplied(self, request: UUID, /) -> Any:
        return None


def test_fault_1_a_worker_killed_at_any_step_of_settling_a_request_gives_each_line_one_end(
    supplied: Supplied, shop: Shop
) -> None:
    """INV-O4, INV-M6: what came is claimed once, what did not is paid back once, whatever was killed in between."""
    supplied.double.keys = ["AAAA-1111-KKKK"]
    order = supplied.bought(shop.a_shopper(), 2)
    supplied.carries_out(order)
    supplied.till.wait(minutes=3)  # one key of two: it is asked for the other one for a while
    supplied.vault_is_away = True
    with pytest.raises(Exception, match="vault"):
        supplied.carries_out(order)
    supplied.vault.client.import_supplied(shop.sql("SELECT id FROM supplier_request")[0][0])

    def work() -> int:
        public = b"nothing is sealed any more"
        who = {"suppliers": supplied.supplier, "vault": Counted(), "vault_public": public}
        return supply_order(order_id=order.order_id, now=supplied.till.now, **who)

    supplied.till.wait(minutes=2)
    steps = 0
    for _ in at_every_step(work, url=supplied.worker_url):
        steps += 1
        supplied.till.wait(minutes=2)
    db.connect(supplied.vault.config.database.roles.shop, size=24)

    assert steps > 20
    assert supplied.request(order) == ("delivered", 2, 1, None, True)
    assert shop.card_states() == {"claimed": 1}
    assert shop.sql("SELECT state, amount_minor FROM refund") == [("requested", 1500)]
    assert sorted(shop.sql("SELECT state FROM delivery")) == [("failed",), ("ready",)]
    assert supplied.double.paths().count("buy") == 1
    assert violated() == {}
