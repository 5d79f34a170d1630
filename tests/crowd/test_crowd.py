"""The crowd in small, on every build; `python -m tests.crowd` is the whole one."""

import pytest

from tests.crowd.crowd import crowd
from tests.crowd.town import PROCESSES


@pytest.mark.slow
def test_everybody_gets_exactly_the_card_paid_for_on_two_bots_and_two_accounts_while_each_process_is_killed() -> None:
    """Faults 1, 2, 3 and 72 on both platforms at once; chat.md: two taps, or one turn, and the payment."""
    found = crowd(16, outage=2.0)

    assert (found.with_their_card, found.sold_twice, found.lost, found.violations) == (16, 0, 0, 0)
    assert found.killed == PROCESSES
    assert (found.taps, found.turns) == (2, 1)
