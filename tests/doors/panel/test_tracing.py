"""A card by its secret in the panel: each role sees what it may, and whoever guesses learns and keeps nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.custody.staff import tracing_by_code
from core.custody.throttle import Throttle
from core.ids import Prefix, public
from core.parties.rules import Role
from core.secret import Secret
from core.vault.client import VaultAway, VaultClient, VaultCode, VaultRefused
from core.vault.payout_requests import Person
from core.vault.trace_requests import LONGEST_SECRET, sealed_question
from tests.builders import Shop
from tests.support.panel import Browser, a_login, code_of
from tests.support.sales import LINES, Counter, a_counter
from tests.support.vaults import TestVault

PAGE = "/cards/by-secret"
VARIES = re.compile(r'nonce="[^"]*"|csrf[^>]*>')
"""Of two answers of one page: their marks against forgery, and those of their scripts."""
Panel = Callable[[], Browser]
EVERY_TEXT = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')
"""


@pytest.fixture
def counter(vault: TestVault, sql: Any) -> Counter:
    """A shop with a vault's stock."""
    return a_counter(vault, sql)


class Asker:
    """Somebody with a second factor who asks."""

    def __init__(self, panel: Panel, shop: Shop, party: int, role: Role) -> None:
        email = f"{role.value.replace('_', '-')}{party}@demo.test"
        self.shop, self.browser, self.person = shop, panel(), a_login(email, party, role)
        self.browser.sign_in(email)
        self.letters = self.browser.set_up_second()

    def asks(self, secret: str | bytes, code: str | None = None) -> tuple[int, str]:
        self.shop.sql("UPDATE staff_totp SET last_step = 0, wrong = 0")
        typed: Any = {"secret": secret, "code": code_of(self.letters) if code is None else code}
        answer = self.browser.post(PAGE, typed)
        return answer.status_code, answer.get_data(as_text=True)


def audited(shop: Shop) -> list[Any]:
    return shop.sql("SELECT actor_id, party_id, action, detail FROM audit_entry WHERE action LIKE 'cards.trace%%'")


def test_the_shop_is_told_when_and_to_whom_it_sold_a_card(panel: Panel, counter: Counter) -> None:
    shop, sale = counter.shop, counter.sell(1)
    ((card,),) = shop.sql("SELECT id FROM card WHERE line_id = %s", [sale.line])
    support = Asker(panel, shop, shop.merchant, Role.SUPPORT)

    status, said = support.asks(f" {LINES[0]}\n")

    assert status == 200
    for told in (public(Prefix.CARD, card), public(Prefix.ORDER, sale.order)):
        assert told[:12] in said
    assert (LINES[0] in said, "No card that you may see" in said) == (False, False)
    assert audited(shop) == [(support.person, shop.merchant, "cards.traced", {"found": 1})]


@pytest.mark.parametrize(
    ("kind", "role"), [("merchant", Role.OWNER), ("merchant", Role.SUPPORT), ("supplier", Role.STOCK)]
)
def test_inv_t1_another_partys_card_is_answered_like_one_that_never_was(
    panel: Panel, counter: Counter, kind: str, role: Role
) -> None:
    """INV-T1, INV-T4: the same words and status, and the same count in the audit."""
    shop = counter.shop
    counter.sell(1)
    stranger = Asker(panel, shop, shop.a_party("other", kind=kind), role)

    foreign, missing = stranger.asks(LINES[0]), stranger.asks("NEVER-IMPORTED")

    assert foreign[0] == missing[0] == 200
    assert VARIES.sub("", foreign[1]) == VARIES.sub("", missing[1])
    assert "No card that you may see" in foreign[1]
    assert [row[3] for row in audited(shop)] == [{"found": 0}] * 2


def test_the_platform_sees_every_copy_with_who_brought_and_sold_it(panel: Panel, counter: Counter) -> None:
    shop, sale = counter.shop, counter.sell(1)
    operator = Asker(panel, shop, shop.platform, Role.PLATFORM_OPERATOR)

    status, said = operator.asks(LINES[0])

    assert (status, public(Prefix.ORDER, sale.order)[:12] in said, "keys.txt" in said) == (200, True, True)


def test_a_contested_copy_is_to_its_owner_like_any_on_the_shelf(panel: Panel, counter: Counter) -> None:
    """Fault 67: whoever tries the secrets of its own file does not learn which of them somebody else has, too."""
    shop = counter.shop
    owner = Asker(panel, shop, shop.merchant, Role.OWNER)
    before = VARIES.sub("", owner.asks(LINES[1])[1])
    assert "on the shelf" in before

    shop.sql("UPDATE card SET state = 'quarantined', contested = true WHERE state = 'free'")

    assert VARIES.sub("", owner.asks(LINES[1])[1]) == before
    assert "set aside" in Asker(panel, shop, shop.platform, Role.PLATFORM_OPERATOR).asks(LINES[1])[1]


@pytest.mark.parametrize("secret", ["", "x" * 5000, "a\0b", LINES[0] + "\n", "卡密".encode("gbk")])
def test_oddly_shaped_secrets_are_answered(panel: Panel, counter: Counter, secret: str | bytes) -> None:
    owner = Asker(panel, counter.shop, counter.shop.merchant, Role.OWNER)

    status, said = owner.asks(secret)

    is_none = not secret or len(secret) > LONGEST_SECRET
    assert status == (422 if is_none else 200)
    assert ("longer than 4096" in said) == (len(secret) > LONGEST_SECRET)
    assert ("No card that you may see" in said) == (not is_none and secret != LINES[0] + "\n")
    assert len(audited(counter.shop)) == (0 if is_none else 1)


def test_without_a_right_code_or_a_forms_token_nothing_is_asked(panel: Panel, counter: Counter) -> None:
    """INV-D2: a code counts once."""
    shop = counter.shop
    owner = Asker(panel, shop, shop.merchant, Role.OWNER)

    assert [owner.asks(LINES[0], code)[0] for code in ("", "000000", "x" * 3000)] == [422, 403, 403]
    forged = owner.browser.client.post(PAGE, data={"secret": LINES[0], "code": code_of(owner.letters)})
    assert forged.status_code in {400, 403}
    assert audited(shop) == []
    assert owner.asks(LINES[0])[0] == 200
    again = owner.browser.post(PAGE, {"secret": LINES[0], "code": code_of(owner.letters)})
    assert (again.status_code, len(audited(shop))) == (403, 1)


def test_who_has_no_second_factor_is_led_to_it(panel: Panel, counter: Counter) -> None:
    shop = counter.shop
    a_login("new@demo.test", shop.merchant, Role.SUPPORT)
    browser = panel()
    browser.sign_in("new@demo.test")

    assert "/second/begin" in browser.get(PAGE).get_data(as_text=True)
    assert browser.post(PAGE, {"secret": LINES[0], "code": "123456"}).status_code == 403


def test_the_secret_stands_nowhere_afterwards(
    panel: Panel, counter: Counter, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """INV-K1: in no table, log, address or answer, neither of a question that was answered nor of one refused."""
    shop, canary = counter.shop, "TRACED-CANARY-7151"
    owner = Asker(panel, shop, shop.merchant, Role.OWNER)
    with caplog.at_level(logging.DEBUG):
        answers = [owner.asks(canary), owner.asks(canary, "000000"), owner.asks(canary + "x" * 5000)]

    assert [status for status, _ in answers] == [200, 403, 422]
    assert not [said for _, said in answers if canary in said]
    assert canary not in caplog.text + "".join(capfd.readouterr())
    holding = [
        (table, column)
        for table, column in shop.sql(EVERY_TEXT)
        if shop.sql(f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE %s LIMIT 1', [f"%{canary}%"])
    ]
    assert holding == []
    assert canary not in repr(Person(owner.person, 1, "1")) + repr(Secret(canary))


def test_whoever_asks_too_often_is_refused_and_that_is_audited(
    panel: Panel, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guessing is useless: person and party have so many questions an hour, right or wrong."""
    shop = counter.shop
    owner = Asker(panel, shop, shop.merchant, Role.OWNER)
    support = Asker(panel, shop, shop.merchant, Role.SUPPORT)
    monkeypatch.setattr(tracing_by_code, "OF_A_PERSON", 2)
    monkeypatch.setattr(tracing_by_code, "OF_A_PARTY", 3)

    said = [asker.asks("GUESS")[0] for asker in (owner, owner, owner, support, support)]

    assert said == [200, 200, 429, 200, 429]
    refused = [row[3] for row in audited(shop) if row[2] == "cards.trace_refused"]
    assert refused == [{"budget": "person"}, {"budget": "party"}]


def test_the_installation_has_so_many_questions_a_minute(
    panel: Panel, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many parties together do not keep the vault from opening cards; the code is not used up by a no."""
    owner = Asker(panel, counter.shop, counter.shop.merchant, Role.OWNER)
    monkeypatch.setattr(Throttle, "may_pass", lambda self: self._most != tracing_by_code.A_MINUTE)

    assert owner.asks(LINES[0])[0] == 503
    assert (audited(counter.shop), counter.shop.sql("SELECT last_step FROM staff_totp")) == ([], [(0,)])


def test_the_vault_looks_at_roles_and_seal_itself(panel: Panel, counter: Counter, vault: TestVault) -> None:
    """INV-K5: whoever has taken web over asks in nobody else's name, and for no party where he has no such role."""
    shop, config = counter.shop, vault.config
    owner = Asker(panel, shop, shop.merchant, Role.OWNER)
    finance = Asker(panel, shop, shop.merchant, Role.FINANCE)
    public_key = config.secret(config.vault.public_key).reveal()

    def asked(person: UUID, party: int, sealed_for: UUID, letters: str) -> list[UUID]:
        shop.sql("UPDATE staff_totp SET last_step = 0, wrong = 0")
        sealed = sealed_question(Person(sealed_for, party, ""), Secret(LINES[0]), vault_public=public_key)
        return vault.client.trace_by_code(Person(person, party, code_of(letters)), sealed)

    for person, party, sealed_for, letters in (
        (finance.person, shop.merchant, finance.person, finance.letters),
        (owner.person, shop.platform, owner.person, owner.letters),
        (owner.person, shop.merchant, finance.person, owner.letters),
    ):
        with pytest.raises(VaultRefused) as refused:
            asked(person, party, sealed_for, letters)
        assert refused.value.vault_code is VaultCode.SECOND_REFUSED
    assert audited(shop) == []
    assert len(asked(owner.person, shop.merchant, owner.person, owner.letters)) == 1


def test_fault_72_while_the_vault_is_away_it_says_so(
    panel: Panel, counter: Counter, vault: TestVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Asker(panel, counter.shop, counter.shop.merchant, Role.OWNER)

    def away(*_: object) -> None:
        raise VaultAway(what="vault")

    monkeypatch.setattr(type(vault.client), "trace_by_code", away)
    assert issubclass(type(vault.client), VaultClient)
    status, said = owner.asks(LINES[0])

    assert (status, "does not answer" in said, LINES[0] in said) == (503, True, False)
    assert audited(counter.shop) == []


@pytest.mark.parametrize("role", [Role.CATALOG, Role.FINANCE, Role.AUDITOR])
def test_to_other_roles_the_page_is_not_there(panel: Panel, counter: Counter, role: Role) -> None:
    shop = counter.shop
    party = shop.platform if role is Role.AUDITOR else shop.merchant
    assert Asker(panel, shop, party, role).browser.get(PAGE).status_code == 404


def test_the_vault_names_no_card_of_another_party(panel: Panel, counter: Counter, vault: TestVault) -> None:
    """INV-T4: what web is not told it cannot show, nor lose."""
    shop, config = counter.shop, vault.config
    counter.sell(1)
    stranger = Asker(panel, shop, shop.a_party("other"), Role.OWNER)
    public_key = config.secret(config.vault.public_key).reveal()
    shop.sql("UPDATE staff_totp SET last_step = 0")
    person = Person(stranger.person, shop.a_party("other"), code_of(stranger.letters))

    sealed = sealed_question(person, Secret(LINES[0]), vault_public=public_key)

    assert vault.client.trace_by_code(person, sealed) == []
