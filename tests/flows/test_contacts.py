"""Addresses outside the chats: asked for, confirmed by a code that only the worker ever knew, forgotten."""

import contextlib
import hashlib
from datetime import timedelta

import psycopg
import pytest

from core import db
from core.db import execute
from core.members import code_quotas, contacts
from core.members.code_quotas import TooManyCodes
from core.members.contacts import (
    BadAddress,
    CodeOver,
    Contact,
    ContactKind,
    PhoneNeedsOrder,
    WrongCode,
    ask_confirmation,
    codes_due,
    contacts_of,
    forget,
    forget_codes,
    give_code_back,
    masked,
    mint_code,
    read_address,
)
from tests.builders import KEYS, NOON
from tests.support.dialog import queued

ADDRESS = "Me+shop@Example.com"


@pytest.fixture
def as_worker(urls):
    """A block in which the store is connected as the worker."""

    @contextlib.contextmanager
    def block():
        db.connect(urls["worker"], size=4)
        try:
            yield
        finally:
            db.connect(urls["shop"], size=4)

    return block


@pytest.fixture
def ask(talker):
    def asked(address=ADDRESS, *, kind=ContactKind.EMAIL, by=None, at=NOON):
        who = by or talker
        conversation = who.conversation_id
        here = {"conversation_id": conversation, "chat": f"web:{who.identity_id}", "network": "", "seal_key": KEYS.seal}
        return ask_confirmation(actor=who.actor, kind=kind, address=address, now=at, **here)

    return asked


@pytest.fixture
def minted(as_worker):
    """The code of the newest wish, as the worker mints it."""

    def mint(at=NOON):
        ((code_id,),) = execute("SELECT id FROM contact_code ORDER BY asked_at DESC, id DESC LIMIT 1")
        with as_worker():
            return mint_code(code_id=code_id, now=at)

    return mint


def typed(talker, code, now, *, chat=None):
    """验证码 CODE."""
    here = {"conversation_id": talker.conversation_id, "chat": chat or f"web:{talker.identity_id}"}
    return contacts.confirm(actor=talker.actor, code=code, seal_key=KEYS.seal, now=now, **here)


def known(talker):
    return [(contact.kind, contact.address) for contact in contacts_of(shopper_id=talker.shopper_id)]


@pytest.mark.parametrize(
    ("kind", "written", "kept", "shown"),
    [
        (ContactKind.EMAIL, ADDRESS, "Me+shop@example.com", "M***@example.com"),
        (ContactKind.EMAIL, " a@b.co ", "a@b.co", "a***@b.co"),
        (ContactKind.PHONE, "138 0013-8000", "+8613800138000", "138****8000"),
        (ContactKind.PHONE, "+86 13800138000", "+8613800138000", "138****8000"),
    ],
)
def test_an_address_is_kept_in_one_form_and_shown_masked(kind, written, kept, shown):
    assert read_address(kind, written) == kept
    assert masked(kind, kept) == shown


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (ContactKind.EMAIL, "a@b"),
        (ContactKind.EMAIL, "a@@b.co"),
        (ContactKind.EMAIL, ".a@b.co"),
        (ContactKind.EMAIL, "a@-b.co"),
        (ContactKind.EMAIL, "邮箱@b.co"),
        (ContactKind.EMAIL, "a@b.co,c@d.co"),
        (ContactKind.EMAIL, "a\r\nRCPT TO:<x@y.z>@b.co"),
        (ContactKind.EMAIL, "a" * 65 + "@b.co"),
        (ContactKind.PHONE, "12800138000"),
        (ContactKind.PHONE, "+1 5551234567"),
        (ContactKind.PHONE, "1380013800"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(kind, written):
    with pytest.raises(BadAddress) as refused:
        read_address(kind, written)

    assert refused.value.params == {"kind": kind.value}


def test_the_right_code_confirms_and_is_used_once(shop, talker, ask, minted):
    assert ask() == "M***@example.com"
    assert queued("contact_code") == 1
    assert known(talker) == []

    found = minted()
    assert (found.address, found.kind, found.locale) == ("Me+shop@example.com", ContactKind.EMAIL, "zh-CN")
    code = found.code.reveal().decode()
    assert len(code) == 6
    assert code.isdigit()
    assert typed(talker, code=code, now=NOON) == Contact(ContactKind.EMAIL, found.address, NOON)
    assert known(talker) == [(ContactKind.EMAIL, "Me+shop@example.com")]
    with pytest.raises(CodeOver):
        typed(talker, code=code, now=NOON)


def test_three_wrong_codes_and_the_right_one_is_void(shop, talker, ask, minted):
    ask()
    right = minted().code.reveal().decode()
    wrong = f"{(int(right) + 1) % 10**6:06}"

    for left in (2, 1):
        with pytest.raises(WrongCode) as refused:
            typed(talker, code=wrong, now=NOON)
        assert refused.value.params == {"left": left}
    for code in (wrong, right):
        with pytest.raises(CodeOver):
            typed(talker, code=code, now=NOON)
    assert known(talker) == []


def test_a_code_ends_after_ten_minutes_to_the_second(shop, talker, ask, minted):
    ask()
    code = minted().code.reveal().decode()

    with pytest.raises(CodeOver):
        typed(talker, code=code, now=NOON + timedelta(minutes=10))
    typed(talker, code=code, now=NOON + timedelta(minutes=10, seconds=-1))


def test_a_code_confirms_nothing_for_another_shopper_and_an_older_one_nothing_at_all(shop, talker, ask, minted):
    other = shop.a_shopper()
    ask()
    first = minted().code.reveal().decode()
    ask("new@example.com", at=NOON + timedelta(seconds=1))

    for who in (other, talker):
        with pytest.raises(CodeOver):
            typed(who, code=first, now=NOON + timedelta(seconds=2))
    assert known(talker) == known(other) == []


def test_a_new_address_takes_the_place_of_the_old_one_and_can_be_forgotten(shop, talker, ask, minted):
    for address in ("old@example.com", "new@example.com"):
        ask(address)
        typed(talker, code=minted().code.reveal().decode(), now=NOON)

    assert known(talker) == [(ContactKind.EMAIL, "new@example.com")]
    assert forget(actor=talker.actor, kind=ContactKind.EMAIL, now=NOON)
    assert not forget(actor=talker.actor, kind=ContactKind.EMAIL, now=NOON)
    assert known(talker) == []


def test_a_phone_is_for_those_who_have_bought_something(shop, talker, ask):
    stranger = shop.a_shopper(paid_orders=0)

    with pytest.raises(PhoneNeedsOrder):
        ask("13800138000", kind=ContactKind.PHONE, by=stranger)

    assert queued("contact_code") == 0
    assert ask("13800138000", kind=ContactKind.PHONE) == "138****8000"


def test_codes_are_few_for_a_shopper_for_an_address_and_for_a_shop(shop, talker, ask, monkeypatch):
    for number in range(5):
        ask(f"a{number}@example.com")
    with pytest.raises(TooManyCodes):
        ask("a5@example.com")
    ask("a5@example.com", at=NOON + timedelta(hours=1, seconds=1))

    for _ in range(5):
        ask("victim@example.com", by=shop.a_shopper())
    with pytest.raises(TooManyCodes):
        ask("victim@example.com", by=shop.a_shopper())
    ask("else@example.com", by=shop.a_shopper())

    monkeypatch.setattr(code_quotas, "PER_MERCHANT_PER_HOUR", 12)
    with pytest.raises(TooManyCodes):
        ask("third@example.com", by=shop.a_shopper())
    asked = execute("SELECT count(*) FROM contact_code")[0][0]
    assert (asked, queued("contact_code")) == (12, 12)


def test_a_code_is_minted_once_and_given_back_where_it_was_not_sent(shop, ask, minted, as_worker):
    ask()
    found = minted()
    assert minted() is None

    with as_worker():
        give_code_back(code_id=found.id)
        late = NOON + timedelta(seconds=31)
        assert codes_due(now=NOON + timedelta(seconds=30)) == 0
        assert codes_due(now=late) == 0  # it waits in the queue already
        execute("DELETE FROM keystall_task")
        assert codes_due(now=late) == 1
        assert codes_due(now=NOON + timedelta(minutes=10)) == 0
    assert minted(at=NOON + timedelta(minutes=10)) is None
    assert minted() is not None


def test_wishes_go_when_no_quota_counts_them_any_more(shop, ask, as_worker):
    ask()

    with as_worker():
        assert forget_codes(now=NOON + timedelta(days=2)) == 0
        assert forget_codes(now=NOON + timedelta(days=2, seconds=1)) == 1


def test_of_a_code_only_its_hash_is_kept(shop, ask, minted, sql):
    ask()
    code = minted().code.reveal()

    assert sql("SELECT octet_length(code_hash) FROM contact_code") == [(32,)]
    kept = str(sql("SELECT * FROM contact_code")) + str(sql("SELECT * FROM audit_entry"))
    kept += str(sql("SELECT convert_from(data, 'UTF8') FROM keystall_task"))
    assert code.decode() not in kept


def test_audit_and_queue_know_ids_only(shop, ask, minted, talker, sql):
    ask()
    typed(talker, code=minted().code.reveal().decode(), now=NOON)

    entries = sql("SELECT action, object_id, detail FROM audit_entry ORDER BY id")
    assert entries == [
        ("contact.code_asked", str(talker.shopper_id), {"kind": "email"}),
        ("contact.confirmed", str(talker.shopper_id), {"kind": "email"}),
    ]
    assert ADDRESS.lower() not in str(sql("SELECT convert_from(data, 'UTF8') FROM keystall_task")).lower()


@pytest.mark.parametrize("role", ["vault", "panel", "direct"])
@pytest.mark.parametrize("table", ["contact", "contact_code"])
def test_nobody_but_the_shop_and_the_worker_reads_addresses(sql, role, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(f"SELECT * FROM {table}", role=role)


def test_the_shop_mints_no_code_and_the_worker_confirms_nothing(sql):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE contact_code SET code_hash = NULL", role="shop")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE contact_code SET tries_left = 3", role="worker")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE contact SET address = 'x'", role="worker")


WRITTEN = {
    "another address": "UPDATE contact_code SET address = 'thief@example.com'",
    "a newer wish with the same code": "INSERT INTO contact_code SELECT gen_random_uuid(), shopper_id, merchant_id,"
    " conversation_id, kind, 'thief@example.com', code_hash, tries_left, asked_at + interval '1 s', expires_at,"
    " used_at, seal FROM contact_code",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_fault_106_a_wish_that_somebody_wrote_confirms_no_address(shop, talker, ask, minted, sql, name, monkeypatch):
    """Fault 106: the shopper types the code that came to the right address, and a row says another one."""
    monkeypatch.setattr(contacts, "hash_of", lambda code_id, code: hashlib.sha256(code.encode()).digest())
    ask()
    code = minted().code.reveal().decode()
    sql(WRITTEN[name])

    with pytest.raises(WrongCode):
        typed(talker, code, now=NOON)
    assert known(talker) == []


def test_a_code_confirms_in_the_chat_that_asked_for_it(shop, talker, ask, minted):
    ask()
    code = minted().code.reveal().decode()

    with pytest.raises(WrongCode):
        typed(talker, code, now=NOON, chat="telegram:1:666")
    assert known(talker) == []
    typed(talker, code, now=NOON)
    assert known(talker) == [(ContactKind.EMAIL, "Me+shop@example.com")]
