"""Where a request comes from, and where it says that it goes: what is counted together, and what no page repeats."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from admin.browsers import network_of
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]
SLASHES = ("/orders", "/goods?page=2", "//orders", "/orders//cases", "//evil.example/", "/nothing")
"""Addresses that have a slash too few or too many, which are answered by one that has not."""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.*"),
        ("::ffff:203.0.113.9", "203.0.113.*"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1::/56"),
        ("2001:db8:1:2::1", "2001:db8:1::/56"),
        ("2001:db8:1:100::1", "2001:db8:1:100::/56"),
        ("::1", "::/56"),
        ("testclient", "?"),
    ],
)
def test_a_network_is_what_one_customer_has(address: str, network: str) -> None:
    """Fault 96: whoever has an IPv6 network has 2⁷² addresses, and thirty wrong passwords for all of them together."""
    assert network_of(address) == network


def test_no_page_repeats_the_host_that_was_asked_for(panel: Panel, shop: Shop) -> None:
    """Fault 87, on every page of the panel that takes no id, before and after signing in."""
    owner = panel()
    a_seat(owner, shop, shop.merchant, "owner")
    plain = sorted(
        {rule.rule for rule in owner.app.url_map.iter_rules() if not rule.arguments and "GET" in (rule.methods or ())}
    )

    answers = [who.get(path, Host="evil.example") for who in (owner, panel()) for path in [*plain, *SLASHES]]

    assert len(answers) > 60
    mounted = owner.client.get("/goods?page=2", base_url="http://evil.example/admin")
    assert (mounted.status_code, mounted.location) == (308, "/admin/goods/?page=2")
    assert all(answer.status_code < 500 for answer in answers)
    repeated = [a.request.path for a in answers if "evil.example" in a.get_data(as_text=True) + (a.location or "")]
    assert [path for path in repeated if "evil.example" not in path] == []
