"""`supplier`: connecting a supplier's system, what it sells, how its requests stand, and a person's word."""

import pytest

from core.config import Config
from core.connections.credentials import AccountKind, Holder, find_credential
from core.db import execute
from core.ids import new_id
from tests.builders import Shop
from tests.support.command_line import Command

KEY = "e3yw37fe2zhb4wb6p2zzmxerpr835pjy"
BASE = ("--api-base", "https://shop.example/", "--user-id", "10086")
ADD = ("add", "brand1", *BASE, "--api-key", "env:KEYSTALL_TEST_SUPPLIER")
SKU = ("sku", "brand1", "--sku", "A1", "--product", "1001", "--most", "8.00")


@pytest.fixture
def goods(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("KEYSTALL_TEST_SUPPLIER", KEY)
    shop.a_party("brand1", "supplier")
    shop.a_listing()
    return shop


def test_a_supplier_is_connected_its_goods_named_and_its_key_sealed_for_the_worker(
    command: Command, config: Config, goods: Shop
) -> None:
    added = command(config, "supplier", *ADD)
    named = command(config, "supplier", *SKU)
    listed = command(config, "supplier", "list")
    off = command(config, "supplier", "off", "brand1")

    assert added[:2] == (
        0,
        "brand1 is asked at its kasushou system from now on\n"
        "next: `python run.py supplier sku brand1 --sku A1 --product 1001 --most 8.00`\n",
    )
    assert named[:2] == (
        0,
        "A1 is product 1001 of brand1, bought at 8.00 CNY and no dearer\n"
        "it is on sale once the supplier says that it has some, for merchants whose offers lead to it (`trade`)\n",
    )
    assert listed == (
        0,
        "brand1  kasushou  on\n  A1  product 1001  up to 8.00 CNY  says 0 at ?, not told yet; left to sell 0\n",
        "",
    )
    assert off[:2] == (0, "brand1 is off\n")
    act, account = config.secret(config.secrets.act_key), execute("SELECT id FROM supplier_account")[0][0]
    whose = {"kind": AccountKind.SUPPLIER, "account_id": account, "holder": Holder.ACT}
    kept = {name: find_credential(act, name=name, **whose).reveal() for name in ("api_base", "user_id", "api_key")}
    assert kept == {"api_base": b"https://shop.example", "user_id": b"10086", "api_key": KEY.encode()}
    assert KEY not in str([added, named, listed])
    actions = execute("SELECT action FROM audit_entry WHERE object_kind = 'supplier_account' ORDER BY id")
    assert actions == [("supplier_account.set",), ("supplier_good.set",), ("supplier_account.off",)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "brand1", *BASE, "--api-key", KEY), "--api-key takes a reference, env:NAME or file:/path"),
        (("add", "nobody", *ADD[2:]), "there is no such supplier here"),
        (("add", "demo", *ADD[2:]), "only a supplier brings cards from its system"),
        (("add", "brand1", "--system", "fulu", *ADD[2:]), "there is no system 'fulu': today there is kasushou"),
        (("add", "brand1", "--api-base", "http://shop.example", *ADD[4:]), "--api-base is no address"),
        (("add", "brand1", "--api-base", "https://me:pw@shop.example", *ADD[4:]), "--api-base is no address"),
        (("add", "brand1", "--api-base", "https://shop.example/api", *ADD[4:]), "--api-base is no address"),
        (("add", "brand1", *BASE[:2], "--user-id", "a b", *ADD[6:]), "--user-id 'a b' is no number"),
        (("show", "brand1"), "there is no such supplier account here"),
        (SKU, "there is no such supplier account here"),
        (("refused", "x", "--reason", "they said so"), "'x' is no request"),
        (("refused", str(new_id()), "--reason", "they said so"), "there is no such supplier request here"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, goods: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    before = goods.fingerprint()

    status, out, err = command(config, "supplier", *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(f"keystall: {sentence}")
    assert KEY not in err
    assert err.count("\n") == 1
    assert goods.fingerprint() == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (("--product", "1001; DROP"), "--product cannot be taken"),
        (("--most", "0"), "--price cannot be taken"),
        (("--most", "1.005"), "--most '1.005' is no amount"),
        (("--sku", "Z9"), "there is no such sku here"),
    ],
)
def test_goods_that_cannot_be_named_are_refused(
    command: Command, config: Config, goods: Shop, changed: tuple[str, str], sentence: str
) -> None:
    command(config, "supplier", *ADD)
    place = SKU.index(changed[0])

    status, _, err = command(config, "supplier", *SKU[:place], *changed, *SKU[place + 2 :])

    assert (status, err.startswith(f"keystall: {sentence}")) == (2, True)
    assert goods.count("supplier_good") == 0
