"""The picture of the store that the panel shows: taken at most every ten seconds, and never an error."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from admin.platform.checked import Light
from core import db
from core.config import Config
from ops.doctor.watched import Watched
from ops.figures.gathered import Gathered
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher
from tests.builders import NOON


def test_the_picture_says_what_is_away_and_is_taken_again_after_ten_seconds(store_db: Any, config: Config) -> None:
    gathered = Gathered(Publisher("web", figures_of_this_process()))
    at = [NOON]
    watched = Watched(config, gathered, lambda: at[0])

    first = watched()
    lights = {
        check.what: check.light for check in first.checks if check.what in ("database", "vault", "worker", "redis")
    }

    assert lights == {"database": Light.OK, "vault": Light.BAD, "worker": Light.BAD, "redis": Light.OK}
    assert first.worst is Light.BAD
    assert (first.queue, first.at) == (0, NOON)
    assert {name for name, _ in first.budget_left} == {"merchant", "pool", "free"}
    at[0] = NOON + timedelta(seconds=9)
    assert watched() is first
    at[0] = NOON + timedelta(seconds=10)
    assert watched().at == at[0]


def test_a_database_that_is_away_is_a_red_light_and_no_error(config: Config) -> None:
    class Away:
        def families(self) -> list[Any]:
            return []

        def processes(self) -> list[Any]:
            return []

    db.connect("postgresql://nobody@127.0.0.1:1/none", size=1)
    picture = Watched(config, cast("Gathered", Away()), lambda: datetime.now(UTC))()

    db.disconnect()
    assert next(check.light for check in picture.checks if check.what == "database") is Light.BAD
    assert (picture.queue, list(picture.sweeps), list(picture.gateways)) == (None, [], [])
