"""The demo's logins: printed at the start, the same after another one, and another password can be set."""

from __future__ import annotations

import stat

import pytest

from core import db
from core.config import Config, ConfigError
from core.parties.signing_in import verify
from core.secret import Secret
from ops.demo.logins import LOGINS, demo_logins
from tests.builders import Shop
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import vault_process


def test_the_demos_logins_are_the_same_after_another_start_and_another_password_can_be_set(
    shop: Shop, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEYSTALL_DEMO_PASSWORD", raising=False)
    assert shop.merchant != shop.platform
    shop.a_party("other")
    shop.a_party("brand1", kind="supplier")
    with vault_process(with_own_keys(config)) as vault:
        first = demo_logins(vault.config)
        again = demo_logins(vault.config)
        monkeypatch.setenv("KEYSTALL_DEMO_PASSWORD", "another long one")
        changed = demo_logins(vault.config)
        monkeypatch.setenv("KEYSTALL_DEMO_PASSWORD", "short")
        with pytest.raises(ConfigError, match="12 characters"):
            demo_logins(vault.config)
    db.connect(config.database.roles.shop, size=24)

    assert set(first.letters) == {login.email for login in LOGINS}
    assert again == first
    assert (changed.password, changed.letters) == ("another long one", first.letters)
    assert stat.S_IMODE((config.data_dir / "demo.logins").stat().st_mode) == 0o600
    rows = shop.sql(
        "SELECT s.email, s.password_hash, t.confirmed_at IS NOT NULL"
        " FROM staff s JOIN staff_totp t ON t.staff_id = s.id"
    )
    assert {email for email, _, is_confirmed in rows if is_confirmed} == set(first.letters)
    assert all(verify(kept, Secret("another long one")) for _, kept, _ in rows)
