"""`recall`: a batch taken back for ever from the command line, and who has cards of it."""

import pytest

from core.config import Config
from core.ids import Prefix, public
from tests.builders import Shop
from tests.support.command_line import Command


def test_a_recall_locks_the_batch_for_ever_and_lists_its_orders(command: Command, config: Config, shop: Shop) -> None:
    no, talker = shop.a_batch(cards=3), shop.a_shopper()
    order = shop.place(talker, shop.a_listing(), 2)
    name = public(Prefix.BATCH, shop.sql("SELECT id FROM batch WHERE no = %s", [no])[0][0])
    chat = public(Prefix.CONVERSATION, talker.conversation_id)

    status, out, err = command(config, "recall", "--batch", name, "--reason", "copies were found")
    again = command(config, "recall", "--batch", name, "--reason", "copies were found")

    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{name} is recalled: nothing of it is sold",
        f"{public(Prefix.ORDER, order.order_id)}  demo  A1  web {chat}  held 2",
        "orders 1  held 2  waiting 0  opened 0",
    ]
    assert again[1].splitlines()[0] == f"{name} was recalled before: nothing of it is sold"
    assert shop.sql("SELECT state, reason FROM batch") == [("recalled", "copies were found")]


@pytest.mark.parametrize(
    ("batch", "reason", "sentence"),
    [
        ("bat_nothing", "x", "'bat_nothing' is no batch number: it looks like bat_…"),
        ("bat_" + "a" * 26, "x", "there is no batch bat_"),
        ("own", " ", "--reason says why in 1 to 500 characters"),
        ("importing", "x", "is importing: only a finished batch can be recalled"),
    ],
)
def test_what_cannot_be_recalled_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, shop: Shop, batch: str, reason: str, sentence: str
) -> None:
    for state in ("selling", "importing"):
        shop.a_batch(cards=1, state=state)
    by_state = {
        name: public(Prefix.BATCH, shop.sql("SELECT id FROM batch WHERE state = %s", [state])[0][0])
        for name, state in (("own", "selling"), ("importing", "importing"))
    }
    before = shop.fingerprint()

    status, out, err = command(config, "recall", "--batch", by_state.get(batch, batch), "--reason", reason)

    assert (status, out) == (2, "")
    assert sentence in err
    assert shop.fingerprint() == before
