"""What `demo` changes in the settings: play money, and a vault that does not stop whoever tries the shop."""

from core.config import Config, Vault
from ops.commands.demo import LEAST_BUDGET, as_demo
from ops.wiring import order_policy


def test_a_demo_takes_play_money_and_sells_lines_as_large_as_its_vault_opens() -> None:
    demo = as_demo(Config())

    assert demo.pay.sandbox.enabled
    assert demo.vault.opening_budget_per_hour == LEAST_BUDGET > Config().vault.opening_budget_per_hour
    assert order_policy(demo).largest_line == demo.vault.opening_budget_per_hour


def test_a_larger_budget_in_the_settings_stays() -> None:
    large = Config(vault=Vault(opening_budget_per_hour=LEAST_BUDGET + 1))

    assert as_demo(large).vault.opening_budget_per_hour == LEAST_BUDGET + 1
