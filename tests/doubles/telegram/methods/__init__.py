"""What each method of the Bot API does to the world; `METHODS` names them all but getUpdates, which waits."""

from collections.abc import Callable
from typing import Any

from tests.doubles.telegram.methods import messages, profile, stars, updates
from tests.doubles.telegram.world import BotAccount, World

METHODS: dict[str, Callable[[World, BotAccount, dict[str, Any]], Any]] = {
    **messages.METHODS, **profile.METHODS, **stars.METHODS, **updates.METHODS
}  # fmt: skip
EFFECTLESS = {"getUpdates", *(name for name in METHODS if name.startswith("get"))}
"""Methods that change nothing: their answers are never among those that `lose_answers` loses."""
