"""`trade`: limits, money that came in, and how trade accounts stand, from the command line."""

import pytest

from core.config import Config
from core.db import execute
from tests.builders import Shop
from tests.support.command_line import Command

PAIR = ("--creditor", "dist1", "--debtor", "demo")


@pytest.fixture
def pair(shop: Shop) -> Shop:
    shop.an_offer(shop.a_party("dist1", "supplier"), shop.merchant, price_micro=7_000_000, credit=None)
    return shop


def test_a_limit_and_money_make_room_and_a_wrong_top_up_is_taken_back(
    command: Command, config: Config, pair: Shop
) -> None:
    limited = command(config, "trade", "limit", *PAIR, "--amount", "500.00")
    status, out, err = command(config, "trade", "topup", *PAIR, "--amount", "20.50", "--reference", "ICBC 1")
    shown = command(config, "trade", "show", "--party", "demo")
    taken = command(config, "trade", "takeback", out.split()[0], "--reason", "another debtor's")

    assert limited == (0, "demo may owe dist1 up to 500.00 CNY\n", "")
    assert (status, out.split(maxsplit=1)[1], err) == (0, "20.50 CNY of demo at dist1\n", "")
    assert shown == (0, f"{'demo at dist1':<32} balance 20.50  held 0.00  limit 500.00  left 520.50 CNY\n", "")
    assert taken == (0, f"{out.split()[0]} is taken back\n", "")
    assert execute("SELECT balance, floor FROM account WHERE kind = 'trade'") == [(0, -50_000)]
    actions = execute("SELECT action FROM audit_entry WHERE object_kind = 'trade_account' ORDER BY id")
    assert [action for (action,) in actions] == [
        "trade_account.limit_set",
        "trade_account.topped_up",
        "trade_account.topup_taken_back",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("limit", *PAIR, "--amount", "-1"), "--amount '-1' is no amount: write it as 5000.00"),
        (("limit", *PAIR, "--amount", "1.005"), "--amount '1.005' is no amount: write it as 5000.00"),
        (("limit", *PAIR, "--amount", "NaN"), "--amount 'NaN' is no amount: write it as 5000.00"),
        (("limit", "--creditor", "nobody", "--debtor", "demo", "--amount", "1"), "there is no such party here"),
        (("limit", "--creditor", "demo", "--debtor", "demo", "--amount", "1"), "--debtor cannot be taken"),
        (("topup", *PAIR, "--amount", "0", "--reference", "x"), "--amount cannot be taken"),
        (("topup", *PAIR, "--amount", "1", "--reference", " "), "--reference cannot be taken"),
        (("takeback", "top_nothing", "--reason", "x"), "there is no such trade topup here"),
        (("show", "--party", "nobody"), "there is no such party here"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, pair: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    before = pair.fingerprint()

    status, out, err = command(config, "trade", *arguments)

    assert (status, out) == (2, "")
    assert sentence in err
    assert pair.fingerprint() == before


def test_a_limit_below_what_is_used_and_a_reference_booked_twice_say_so(
    command: Command, config: Config, pair: Shop
) -> None:
    command(config, "trade", "limit", *PAIR, "--amount", "7.00")
    command(config, "trade", "topup", *PAIR, "--amount", "1", "--reference", "ICBC 1")
    brand = pair.a_party("dist1")
    pair.a_batch(cards=1, owner=brand, supplier=brand, terms="consigned")
    pair.place(pair.a_shopper(), pair.a_listing())

    lower = command(config, "trade", "limit", *PAIR, "--amount", "5.99")
    twice = command(config, "trade", "topup", *PAIR, "--amount", "1", "--reference", "ICBC 1")

    assert lower[0] == 2
    assert "6.00 CNY is owed or held for unpaid orders right now: set the limit to that or more" in lower[2]
    assert twice[0] == 2
    assert "money with the reference 'ICBC 1' is booked on this account already" in twice[2]
