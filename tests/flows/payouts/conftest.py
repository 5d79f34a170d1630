"""What tests of payouts start from."""

import pytest

from tests.builders import Shop
from tests.support.payouts import Treasury


@pytest.fixture
def treasury(shop: Shop, owners_hand: None) -> Treasury:
    return Treasury(shop)
