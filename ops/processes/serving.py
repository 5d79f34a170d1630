"""What `up` and `demo` share: run a store in the foreground, say where it is, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.config import Config, ConfigError
from ops import logs
from ops.installation import Kind
from ops.isolation.accounts import Split, split_of
from ops.isolation.confinement import NOT_ENFORCED
from ops.processes.supervisor import START_ORDER, StopSignals
from ops.store import Running, running, why_nothing_sells

if TYPE_CHECKING:
    from ops.demo.logins import Printed


def serve(config: Config, kind: Kind, *, names: Sequence[str] = START_ORDER, seed: bool = False) -> None:
    """Run until Ctrl-C or SIGTERM. Raises ConfigError when the store cannot start or an engine ends by itself."""
    if kind is Kind.PRODUCTION and split_of(config) is Split.NONE:
        raise ConfigError(NOT_ENFORCED)
    with StopSignals() as signals, logs.kept("supervisor", config.data_dir / "log"):
        say(f"Keystall is starting in {config.data_dir} …")
        with running(config, kind, names=names, signals=signals) as store:
            logins = fill(store) if seed else None
            if not store.supervisor.is_stopping:
                announce(store, kind, names, logins)
            gone = store.supervisor.run()
            say("Keystall is stopping …")
    if gone is not None:
        raise ConfigError(
            f"{gone} ended by itself and does not stay up: see {config.data_dir / 'log'}, then start again"
        )
    say("Keystall has stopped; nothing is lost.")


def fill(store: Running) -> Printed | None:
    """The goods of a demo, by a process of their own, what its parties may owe each other, and its people's logins."""
    from ops.demo.logins import demo_logins
    from ops.demo.seed import lend

    store.supervisor.run_once("seed")
    if store.supervisor.is_stopping:
        return None
    lend(store.config)
    return demo_logins(store.config)


def announce(store: Running, kind: Kind, names: Sequence[str], logins: Printed | None) -> None:
    """Where the store is, and what is wrong with it."""
    config = store.config
    if "web" in names:
        say(f"  shop    {config.public_url}/")
        panel = config.web.panel_url.rstrip("/") or config.public_url
        say(f"  panel   {panel}/admin/")
    if logins is not None:
        say(f"  logins  password {logins.password}; their authenticators' secrets:")
        for email, letters in logins.letters.items():
            say(f"          {email:<20} {letters}")
    say(f"  data    {config.data_dir}")
    if store.keys_made:
        say(f"  keys    made in {config.keys_dir}: copy them to a safe place, without them no card ever opens")
    if kind is Kind.DEMO:
        say("  This is a demo: the money is play money, and shop, panel and card page share one origin.")
    reason = why_nothing_sells(config) if "vault" in names else None
    if reason is not None:
        say(f"  NOTHING IS SOLD: {reason}. `python run.py doctor` says how to mend it.")
    say("Ready. Ctrl-C stops everything.")


def say(line: str) -> None:
    """One line for the person at the console, at once."""
    print(line, flush=True)  # noqa: T201 (what a foreground command says)
