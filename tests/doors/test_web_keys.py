"""Keys of other systems at the HTTP API: what they read, and that nothing else comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from core.actor import Actor, ActorKind
from core.db import database_now
from core.parties.api_keys import make_key, revoke_key
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import a_login
from tests.support.web import WebServer


@pytest.fixture
def http(web: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as client:
        yield client


def test_a_key_reads_what_its_scopes_say_of_its_own_party_until_it_ends(http: httpx.Client, goods: Shop) -> None:
    """INV-D2, INV-T3: another party's key, a wrong, old, revoked or distant one is answered like none."""
    brand = goods.a_party("brand7", "supplier")
    goods.a_batch(owner=brand, cards=3)
    goods.a_batch(owner=goods.a_party("brand8", "supplier"), cards=9)
    person = Actor(
        ActorKind.STAFF, id=a_login("a@b.test", brand, Role.OWNER), party_id=brand, roles=frozenset({"owner"})
    )

    def key(*scopes: str, networks: tuple[str, ...] = (), at: datetime | None = None) -> tuple[UUID, str]:
        now = at or database_now()
        made = make_key(
            actor=person, party_id=brand, called="ERP", scopes=frozenset(scopes), networks=networks, days=1, now=now
        )
        return made.id, made.whole.reveal().decode()

    def asked(path: str, whole: str) -> httpx.Response:
        return http.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {whole}".encode()})

    key_id, whole = key("stock:read", "batches:read", "sales:read", networks=("127.0.0.0/8",))
    (own,) = asked("stock", whole).json()["items"]
    assert (own["sku"], own["on_sale"], own["sold"], own["left"]) == ("A1", 3, 0, 3)
    assert [one["cards"] for one in asked("batches?limit=1", whole).json()["items"]] == [3]
    assert asked("sales", whole).json() == {"items": []}
    for path in ("batches?limit=0", "batches?after=x", "sales?from=x", "sales?from=2026-01-01&to=2026-12-31"):
        assert asked(path, whole).status_code == 422, path
    assert asked("stock", key("batches:read")[1]).status_code == 403
    wrong = [
        whole[:-1] + ("A" if whole[-1] != "A" else "B"),
        "ks_live_x_y",
        "\u00e9",
        key("stock:read", networks=("192.0.2.1",))[1],
    ]
    wrong.append(key("stock:read", at=database_now() - timedelta(days=2))[1])
    assert {asked("stock", one).status_code for one in wrong} == {401}
    assert http.get(f"/api/v1/stock?token={whole}", headers={"Authorization": f"Bearer {whole}"}).status_code == 401
    assert goods.sql("SELECT used_on = current_date FROM api_key WHERE id = %s", [key_id]) == [(True,)]

    goods.sql("UPDATE party SET status = 'suspended' WHERE id = %s", [brand])
    assert asked("stock", whole).status_code == 401
    goods.sql("UPDATE party SET status = 'active' WHERE id = %s", [brand])
    revoke_key(actor=person, party_id=brand, key_id=key_id, now=datetime.now(UTC))
    assert asked("stock", whole).status_code == 401
