"""`review`: what waits for a person, said in one line each, and released."""

from core.config import Config
from core.fulfilment.service import deliver
from core.ids import Prefix, new_id, public
from core.vault.client import VaultCode, VaultRefused
from ops.alarms.firing import firing
from ops.figures.questions import answers
from tests.builders import Shop, later
from tests.flows.test_fulfilment import OpeningVault, a_paid_line
from tests.support.carriers import NOBODY
from tests.support.command_line import Command


def figure_of(name: str) -> float:
    """What the tables say now."""
    (found,) = [family for family in answers() if family.name == name]
    return found.samples[0].value


def test_a_paid_top_up_that_nobody_does_is_in_the_figures_and_doctor_says_where_to_look(
    command: Command, config: Config, shop: Shop
) -> None:
    shop.a_batch(cards=5)
    a_paid_line(shop, shop.a_shopper())
    before = figure_of("keystall_tasks_waiting"), command(config, "doctor")[1]
    shop.sql("UPDATE order_line SET gate = 'task'")
    shop.sql("UPDATE delivery SET state = 'waiting'")
    shop.sql("UPDATE shop_order SET paid_at = now() - interval '20 minutes'")

    looked_at = command(config, "doctor")[1]

    assert before[0] == 0
    assert "ok      task       no paid top-ups wait for a person\n" in before[1]
    assert figure_of("keystall_tasks_waiting") == 1
    assert 1200 <= figure_of("keystall_tasks_waiting_oldest_seconds") < 1300
    assert "LOOK    task       paid top-ups that wait for a person: 1, the oldest since " in looked_at
    assert "Z; `python run.py task list` says which, and who holds them\n" in looked_at
    assert [one.alarm.name for one in firing(list(answers())) if "Task" in one.alarm.name] == ["KeystallTasksWaiting"]


def test_a_held_line_is_listed_with_what_to_do_and_released(command: Command, config: Config, shop: Shop) -> None:
    shop.a_batch(cards=5)
    order, delivery = a_paid_line(shop, shop.a_shopper())
    vault = OpeningVault(shop, refusals=[VaultRefused(VaultCode.OVER_BUDGET, "")])
    deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2))
    name = public(Prefix.ORDER, order)

    listed = command(config, "review")
    figure = figure_of("keystall_lines_in_review")
    looked_at = command(config, "doctor")
    released = command(config, "review", "--release", name)
    after = command(config, "review")

    assert listed[0] == 0
    assert f"{name}  demo  A1 × 2  paid 2026-03-02 04:01Z  over_budget: more cards were opened" in listed[1]
    assert listed[1].endswith("waiting 1\n")
    assert released[:2] == (0, "released 1: delivered as soon as the worker gets to it\n")
    assert after[1] == "waiting 0\n"
    assert (figure, figure_of("keystall_lines_in_review")) == (1, 0)
    assert "LOOK    review     paid lines that wait for a person: 1, the oldest since 2026-03-02 04:01Z" in looked_at[1]


def test_an_order_that_does_not_wait_or_does_not_exist_is_refused_in_one_sentence(
    command: Command, config: Config, shop: Shop
) -> None:
    shop.a_batch(cards=5)
    order, _ = a_paid_line(shop, shop.a_shopper())
    before = shop.fingerprint()

    for name, said in (
        (public(Prefix.ORDER, order), "waits for a person"),
        (public(Prefix.ORDER, new_id()), "there is no order"),
        ("17", "is no order number"),
    ):
        status, _, error = command(config, "review", "--release", name)
        assert status == 2
        assert said in error
        assert len(error.strip().splitlines()) == 1

    assert shop.fingerprint() == before


def test_an_order_whose_cards_went_out_before_a_restore_is_not_released(
    command: Command, config: Config, shop: Shop
) -> None:
    shop.a_batch(cards=5)
    order, _ = a_paid_line(shop, shop.a_shopper())
    shop.sql("UPDATE order_line SET gate = 'review', gate_reason = 'went_out_before'")
    name = public(Prefix.ORDER, order)

    status, _, error = command(config, "review", "--release", name)

    assert status == 2
    assert f"the cards of {name} went out before the database was restored: nothing more is owed" in error
