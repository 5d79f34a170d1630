"""`payout`: from bank details to the bank's confirmation, each step by the login that may take it."""

import pytest

from core.config import Config
from core.db import execute
from core.errors import Conflict
from core.ledger.rules import AccountKind
from core.settlement import banks, found, gateways, payable, payouts, steps
from core.settlement.claims import Claim
from core.settlement.rules import SplitOf
from ops.commands.payout import NUMBER_VARIABLE
from ops.commands.payout_words import SENTENCES, WHY, sentence
from tests.builders import Shop
from tests.support.command_line import Command
from tests.support.payouts import Treasury

MEI, WANG, CHEN = (("--staff", f"{name}@example.org") for name in ("mei", "wang", "chen"))


@pytest.fixture
def treasury(shop: Shop, owners_hand: None, monkeypatch: pytest.MonkeyPatch) -> Treasury:
    treasury = Treasury(shop)
    for name in ("mei", "wang", "chen"):
        treasury.person(name)
    treasury.earned(500_000)
    monkeypatch.setenv(NUMBER_VARIABLE, "6222 0212 3456 7890 123")
    return treasury


def test_a_payout_from_the_banks_details_to_its_confirmation(
    command: Command, config: Config, treasury: Treasury
) -> None:
    """Fault 63's daily way; the account number is in no print but that of `details`."""
    gateway = treasury.gateway()
    account = ("--party", "demo", "--name", "某某商贸", "--bank", "招商银行")
    said = [command(config, "payout", "bank", *account, *CHEN)]
    paid = ("--gateway", str(gateway), "--party", "demo", "--amount", "5000.00", "--reference", "ICBC 1")
    said.append(command(config, "payout", "settled", *paid))
    asked = command(
        config, "payout", "request", "--party", "demo", "--amount", "1234.50", *MEI, "--period", "2026-11-25"
    )
    number = asked[1].split()[0]
    said += [asked, command(config, "payout", "approve", number, *WANG)]
    listed = command(config, "payout", "list", "--party", "demo")
    shown = command(config, "payout", "details", number, *WANG)
    said.append(command(config, "payout", "sent", number, *WANG))
    said.append(command(config, "payout", "confirm", number, *WANG, "--reference", "ICBC 2"))
    ended = command(config, "payout", "list", "--all")

    assert [(status, err) for status, _, err in [*said, listed, shown, ended]] == [(0, "")] * 9
    assert said[0][1].startswith("demo is paid to ****0123 from now on")
    claim = f"{'demo at demo':<32} available {{}} CNY  pending 0.00 CNY  in transit {{}} CNY  owes 0.00 CNY"
    assert listed[1].splitlines() == [
        claim.format("3765.50", "1234.50"),
        f"{number}  demo from demo  1234.50 CNY  for 2026-11-25  approved  to ****0123  asked by mei@example.org,"
        " approved by wang@example.org",
    ]
    assert shown[1] == "name\t某某商贸\nbank\t招商银行\nnumber\t6222021234567890123\n"
    assert ended[1].splitlines()[0] == claim.format("3765.50", "0.00")
    assert "  succeeded  " in ended[1].splitlines()[1]
    assert not any("6222" in out for _, out, _ in [*said, listed, ended])
    assert treasury.claim().stored(AccountKind.AVAILABLE) == 376_550


def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    treasury.bank()
    gateway = ("--gateway", str(treasury.gateway()))
    treasury.settled(100_000, gateway="wechatpay")
    payout = command(config, "payout", "request", "--party", "demo", "--amount", "1000", *MEI)[1].split()[0]
    ask = ("request", "--party", "demo")
    before = treasury.shop.fingerprint()

    for arguments, sentence_said in (
        ((*ask, "--amount", "0.01", *MEI, "--period", "2026-01-01"), "0.00 CNY is available: ask for that or less"),
        ((*ask, "--amount", "NaN", *MEI), "--amount 'NaN' is no amount"),
        ((*ask, "--amount", "1", *MEI, "--period", "soon"), "--period 'soon' is no date"),
        ((*ask, "--amount", "1", "--staff", "li@example.org"), "this login does not see to that party's money"),
        ((*ask, "--amount", "1", *MEI, "--debtor", "platform"), "there is no such claim here"),
        (("approve", payout, *MEI), "who asked for a payout does not approve it"),
        (("approve", "out_nothing", *WANG), "there is no such payout here"),
        (("sent", payout, *WANG), "this payout is requested: that step is not open to it"),
        (("settled", *gateway, "--party", "platform", "--amount", "1", "--reference", "1"), "pays its own merchant"),
        (("period", "--party", "demo", "--days", "366"), "--days cannot be taken"),
    ):
        status, out, err = command(config, "payout", *arguments)
        assert (status, out) == (2, ""), arguments
        assert sentence_said in err

    monkeypatch.setenv(NUMBER_VARIABLE, "1'")
    account = ("--party", "demo", "--name", "n", "--bank", "b", *MEI)
    assert "that is no account number" in command(config, "payout", "bank", *account)[2]
    monkeypatch.delenv(NUMBER_VARIABLE)
    assert f"set {NUMBER_VARIABLE}" in command(config, "payout", "bank", *account)[2]
    assert treasury.shop.fingerprint() == before


def test_a_wrong_settlement_is_taken_back_a_contract_says_its_days_and_a_no_ends_a_payout(
    command: Command, config: Config, treasury: Treasury
) -> None:
    treasury.bank()
    paid = ("--gateway", str(treasury.gateway()), "--party", "demo", "--amount", "10.00", "--reference", "ICBC 1")
    first = command(config, "payout", "settled", *paid)
    again = command(config, "payout", "settled", *paid)
    taken = command(config, "payout", "unsettled", first[1].split()[0], "--reason", "ten, not a thousand")
    second = command(config, "payout", "settled", *paid)
    days = command(config, "payout", "period", "--party", "demo", "--days", "3")
    number = command(config, "payout", "request", "--party", "demo", "--amount", "10", *MEI)[1].split()[0]
    used = command(config, "payout", "unsettled", second[1].split()[0], "--reason", "x")
    no = command(config, "payout", "fail", number, *WANG, "--reason", "typed wrongly")

    assert again[0] == 2
    assert "the number 'ICBC 1' was used before" in again[2]
    assert taken[:2] == (0, f"{first[1].split()[0]} is taken back\n")
    assert days[:2] == (0, "sales of demo are available after 3 days\n")
    assert "it cannot be taken back any more" in used[2]
    assert no[:2] == (0, f"{number} is not paid: its money is available again\n")
    assert execute("SELECT settled, released FROM settled_money") == [(1_000, 1_000)]
    assert execute("SELECT state, reason FROM payout") == [("failed", "typed wrongly")]


def test_money_in_another_currency_is_paid_out_in_it(command: Command, config: Config, treasury: Treasury) -> None:
    """INV-M9: the yen has no decimals, and no amount of one currency pays for another."""
    merchant = treasury.shop.merchant
    treasury.earned(3_000, Claim(merchant, merchant, "JPY"))
    treasury.bank()
    paid = ("--gateway", str(treasury.gateway()), "--party", "demo", "--reference", "MUFG 1")
    ask = ("payout", "request", "--party", "demo", *MEI, "--amount")

    settled = command(config, "payout", "settled", *paid, "--amount", "3000 JPY")
    refused = [command(config, *ask, amount) for amount in ("3000.5 JPY", "3001 JPY", "1", "1 ABC")]
    asked = command(config, *ask, "3000 jpy")
    done = command(config, "payout", "approve", asked[1].split()[0], *WANG)

    assert "3000 JPY of gateway" in settled[1]
    assert [status for status, _, _ in refused] == [2] * 4
    assert "'3000.5 JPY' is no amount" in refused[0][2]
    assert "3000 JPY is available: ask for that or less" in refused[1][2]
    assert "0.00 CNY is available" in refused[2][2]
    assert "'1 ABC' is no amount" in refused[3][2]
    assert (asked[1].split("  ")[1], done[0]) == ("3000 JPY for demo: waits for approval\n", 0)
    assert (
        f"{'demo at demo':<32} available 0 JPY  pending 0 JPY  in transit 3000 JPY"
        in command(config, "payout", "list")[1]
    )


def test_every_refusal_of_the_room_has_a_sentence_of_its_own() -> None:
    rooms = (banks, found, gateways, payable, payouts, steps)
    kinds = {
        one for room in rooms for one in vars(room).values() if isinstance(one, type) and issubclass(one, Conflict)
    }
    params = {
        "available": 1,
        "owed": 1,
        "period": "p",
        "state": "s",
        "why": "same_person",
        "reference": "r",
        "currency": "CNY",
    }
    for kind in kinds - {Conflict}:
        refusal = kind(**params | {"gateway": "stars"})
        assert not sentence(refusal).startswith("refused:"), kind

    assert set(WHY) == set(SplitOf)
    assert all(len(text) > 20 for text in (*WHY.values(), *SENTENCES.values()))
