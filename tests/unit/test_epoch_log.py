"""What a restored database makes of the opening log's lines."""

from typing import Any
from uuid import UUID, uuid4

from core.custody.restored.epoch_log import take_back

DELIVERY, LINE = uuid4(), uuid4()


def entry(card: UUID, action: str = "cards.opened") -> dict[str, Any]:
    return {"action": action, "delivery": str(DELIVERY), "line": str(LINE), "cards": [str(card)]}


def test_a_refused_attempt_takes_back_its_own_cards_and_not_those_that_went_out_for_the_same_delivery() -> None:
    """By the delivery alone, the entry of the attempt that succeeded was forgotten, and its cards sold again."""
    refused, went_out = uuid4(), uuid4()
    entries: list[Any] = [entry(refused), entry(went_out)]

    take_back(entries, entry(refused, "cards.not_opened"))

    assert entries == [entry(went_out)]


def test_of_two_attempts_with_the_same_cards_one_stays() -> None:
    card = uuid4()
    entries: list[Any] = [entry(card), entry(card)]

    take_back(entries, entry(card, "cards.not_opened"))

    assert entries == [entry(card)]
