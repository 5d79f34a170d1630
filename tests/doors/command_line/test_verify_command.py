"""`verify` as an operator sees it: counts on standard output, what is wrong beside them and progress on the other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.config import Config
from core.reports.checks import all_checks
from tests.builders import Shop
from tests.support.books import Books, move, wallet, world
from tests.support.command_line import Command

ZEROS = "".join(f"{invariant} 0\n" for invariant in all_checks())


@pytest.fixture
def kept(shop: Shop, urls: dict[str, str], tmp_path: Path) -> None:
    books, pair = Books(urls, tmp_path / "vault"), (world(), wallet())
    for day in range(2):
        move(*pair, 5)
        assert books.checkpoint(datetime.now(UTC) + timedelta(days=day)) == 1


@pytest.mark.usefixtures("kept")
def test_a_sound_store_has_a_line_of_zero_for_each_invariant_and_says_that_the_vault_is_away(
    config: Config, command: Command
) -> None:
    status, said, beside = command(config, "verify")

    assert (status, said) == (0, ZEROS)
    assert beside.splitlines()[-1] == "the vault is away: the seals of 2 checkpoints were not checked"


@pytest.mark.usefixtures("kept")
def test_full_says_how_far_it_is_and_names_the_first_period_that_was_changed(
    config: Config, command: Command, shop: Shop
) -> None:
    sound = command(config, "verify", "--full")
    shop.sql(
        "SET session_replication_role = replica;"
        " UPDATE transfer SET amount = 6 WHERE id = (SELECT max(id) FROM transfer)",
        role="superuser",
    )
    status, said, beside = command(config, "verify", "--full")
    by_the_way, _, _ = command(config, "verify")

    assert sound[:2] == (0, ZEROS)
    assert [line for line in sound[2].splitlines() if line.startswith(("periods", "cards", "books"))] == [
        "periods 1 of 2",
        "periods 2 of 2",
        "cards 0",
        "books 1 of 1",
    ]
    assert (status, by_the_way) == (1, 0)  # what is closed is for the full reading
    assert said == ZEROS.replace("INV-M3 0", "INV-M3 2")  # the marks of its two accounts
    assert beside.splitlines()[-1] == (
        "period 2 is not as checkpoint 2 sealed it: transfers, lines, marks or figures were changed after it was closed"
    )


@pytest.mark.usefixtures("kept")
def test_an_unfinished_reading_goes_on_unless_it_is_wanted_again(config: Config, command: Command, shop: Shop) -> None:
    command(config, "verify", "--full")
    shop.sql("UPDATE full_reading SET ended_at = NULL, stage = 'cards', position = ''")

    went_on = command(config, "verify", "--full")
    shop.sql("UPDATE full_reading SET ended_at = NULL, stage = 'cards', position = ''")
    anew = command(config, "verify", "--full", "--again")

    assert (went_on[0], anew[0]) == (0, 0)
    assert went_on[2].splitlines()[0].startswith("goes on at cards, where the reading of 20")
    assert "periods" not in went_on[2]
    assert anew[2].splitlines()[0] == "periods 1 of 2"
    assert command(config, "verify", "--again")[0] == 2
