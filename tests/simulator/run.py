"""One run by its seed: a copy of the town, so many steps, every invariant after each; then everything comes to rest."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
import secrets as real_secrets
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from core import ids
from core.clock import FixedClock
from core.config import Config, Secrets, Vault
from core.orders.service import OrderKeys, OrderPolicy
from core.vault.notices import sandbox_private_key, sandbox_public_key
from tests.simulator import forging, joining, keeping, locksmith, pages, resting, rogue, shopping, tasks, trading
from tests.simulator.bank import Bank
from tests.simulator.day import Day
from tests.simulator.judge import Judge
from tests.simulator.processes import Process, Processes
from tests.simulator.town import BY_HAND, OPENS, Town, config_of
from tests.simulator.vault import VaultHere
from tests.support.engines import Databases

STEPS = 30

KINDS: dict[Callable[[Day], object], int] = {
    shopping.place: 10,
    shopping.buy: 12,
    shopping.buy_by_hand: 3,
    shopping.ask_again: 3,
    shopping.cancel: 4,
    shopping.pay: 9,
    shopping.pay_at_the_bank: 4,
    shopping.top_up: 4,
    shopping.a_notice_comes: 10,
    forging.forge: 3,
    shopping.pay_by_wallet: 5,
    shopping.set_aside: 3,
    shopping.choose: 5,
    shopping.read_again: 3,
    joining.bind: 2,
    joining.part: 1,
    pages.write_a_link: 3,
    pages.press_a_page: 5,
    tasks.tell_an_account: 3,
    tasks.see_to_a_task: 7,
    locksmith.change_keys: 2,
    rogue.plunder: 2,
    trading.change_a_limit: 2,
    trading.pay_in_advance: 1,
    keeping.some_work: 22,
    keeping.one_sweep: 5,
    keeping.time_passes: 6,
    keeping.clock_jumps_back: 1,
    keeping.vault_goes_or_comes: 2,
    keeping.vault_rounds: 2,
    keeping.move_a_batch: 4,
    keeping.bring_cards: 1,
    keeping.change_an_offer: 1,
    keeping.release: 2,
}
"""Every kind of step and how often it is chosen."""

NEEDS: dict[Callable[[Day], object], Callable[[Day], bool]] = {
    shopping.ask_again: lambda day: bool(day.wishes),
    **dict.fromkeys(
        (shopping.cancel, shopping.pay, shopping.pay_by_wallet, shopping.set_aside, shopping.read_again),
        lambda day: bool(day.orders),
    ),
    pages.write_a_link: lambda day: bool(day.orders),
    **dict.fromkeys(
        (tasks.tell_an_account, tasks.see_to_a_task),
        lambda day: any(order.sku == BY_HAND.sku for order in day.orders),
    ),
    pages.press_a_page: lambda day: bool(day.pages),
    shopping.choose: lambda day: bool(day.late),
    shopping.pay_at_the_bank: lambda day: bool(day.intents),
    shopping.a_notice_comes: lambda day: bool(day.unheard or day.heard),
    forging.forge: lambda day: bool(day.intents and day.old_notices),
    keeping.clock_jumps_back: lambda day: not day.clock_was_set_back,
    keeping.vault_rounds: lambda day: not day.vault.is_away,
    locksmith.change_keys: lambda day: not day.vault.is_away,
    keeping.bring_cards: lambda day: not day.vault.is_away,
}
"""What must be there before a step has anything to do."""

WORKING = (Process.WORKER, Process.WORKER, Process.VAULT)
WHO: dict[Callable[[Day], object], tuple[Process, ...]] = {
    keeping.some_work: WORKING,
    keeping.one_sweep: (Process.WORKER,),
    keeping.time_passes: WORKING,
    keeping.vault_rounds: (Process.VAULT,),
    pages.write_a_link: (Process.WORKER, Process.VAULT),
    pages.press_a_page: (Process.WEB, *WORKING),
    tasks.see_to_a_task: (Process.WEB, Process.VAULT),
    locksmith.change_keys: (Process.VAULT,),
    rogue.plunder: (Process.WEB, *WORKING),
    keeping.bring_cards: (Process.WEB, Process.VAULT, Process.VAULT),
}
"""Whose failpoints a step meets, where that is not the web process alone."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to. `state` is a hash of how everything stood in the end, without ids and times of this run;
    `did` is what came of the steps, as the store's audit tells it.
    """

    seed: int
    kinds: Counter[str]
    refused: Counter[str]
    crashes: Counter[str]
    listing: list[str]
    state: str
    did: Counter[str] = field(default_factory=Counter)
    problem: str | None = None

    @property
    def story(self) -> str:
        """The list of steps, as it is printed for a seed that fails."""
        return "\n".join(f"{number:4}  {line}" for number, line in enumerate(self.listing, 1))


@dataclass
class _SeededIds:
    """In place of the clock and the randomness of new ids: a run mints the same ids each time."""

    clock: FixedClock
    source: random.Random

    def time_ns(self) -> int:
        return int(self.clock.now().timestamp() * 1_000_000_000)

    def randbits(self, count: int) -> int:
        return self.source.getrandbits(count)

    def token_bytes(self, count: int) -> bytes:
        return self.source.randbytes(count)

    def token_urlsafe(self, size: int) -> str:
        return real_secrets.token_urlsafe(size)


@contextlib.contextmanager
def _ids_of(clock: FixedClock, seed: int) -> Iterator[None]:
    seeded, before = _SeededIds(clock, random.Random(f"ids {seed}")), (ids.time, ids.secrets)
    ids.time, ids.secrets = seeded, seeded  # type: ignore[assignment]
    try:
        yield
    finally:
        ids.time, ids.secrets = before


@dataclass
class Simulator:
    """Runs seeds on copies of one furnished town (`template` is the name of its database)."""

    databases: Databases
    town: Town
    template: str
    folder: Path
    steps: int = STEPS
    with_crashes: bool = True
    traceback: bool = False
    kinds: dict[Callable[[Day], object], int] = field(default_factory=lambda: dict(KINDS))

    def run(self, seed: int) -> Outcome:
        """One run; a violation or an error of the store's is its `problem`."""
        name = self.databases.copy(self.template)
        urls, clock = self.databases.addresses.of(name), FixedClock(OPENS)
        processes = Processes(urls)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))  # the vault's own: it belongs to one database
        observer = psycopg.connect(urls["superuser"], autocommit=True, options=OBSERVING)
        try:
            with processes.installed(), _ids_of(clock, seed):
                day = self._day(seed, self._own_config(urls, folder), clock, processes)
                judge = Judge(observer, self.town, day.bank, brought=day.brought, shown=day.shown)
                return self._lived(seed, day, judge)
        finally:
            observer.close()
            shutil.rmtree(folder)
            self.databases.drop(name)

    def _own_config(self, urls: Mapping[str, str], folder: Path) -> Config:
        """The run's settings, with key files of its own: they change while it lasts."""
        shutil.copytree(self.databases.addresses.keys, folder / "keys")
        return config_of(dataclasses.replace(self.town.config, vault=Vault(), secrets=Secrets()), urls, folder)

    def _day(self, seed: int, config: Config, clock: FixedClock, processes: Processes) -> Day:
        act = config.secret(config.secrets.act_key).reveal()
        return Day(
            town=self.town,
            choice=random.Random(f"steps {seed}"),
            clock=clock,
            processes=processes,
            bank=Bank(sandbox_private_key(act), clock.now, random.Random(f"bank {seed}")),
            vault=VaultHere(config, processes, clock),
            policy=OrderPolicy(),
            keys=OrderKeys(config.secret(config.secrets.seal_key), config.secret(config.secrets.session_key)),
            public_key=sandbox_public_key(act),
            config=config,
            shoppers=list(self.town.shoppers),
            with_crashes=self.with_crashes,
        )

    def _lived(self, seed: int, day: Day, judge: Judge) -> Outcome:
        listing: list[str] = []
        kinds: Counter[str] = Counter()
        problem = None
        try:
            for _ in range(self.steps):
                kinds_now = {kind: weight for kind, weight in self.kinds.items() if NEEDS.get(kind, _always)(day)}
                step = day.choice.choices(list(kinds_now), list(kinds_now.values()))[0]
                kinds[step.__name__] += 1
                self._step(day, step, judge, listing)
            resting.come_to_rest(day, judge)
            listing.append("everything comes to rest")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this seed has found
            problem = f"{type(error).__name__}: {error}"
            if self.traceback:
                traceback.print_exc()
            listing.append(", ".join(day.happened) + "  <<< " + problem)
        state = hashlib.sha256(repr(resting.how_it_stands(judge)).encode()).hexdigest()[:16]
        return Outcome(seed, kinds, day.refused, day.crashes, listing, state, judge.done(), problem)

    def _step(self, day: Day, step: Callable[[Day], object], judge: Judge, listing: list[str]) -> None:
        day.happened = []
        day.arm(WHO.get(step, (Process.WEB,)))
        waiting = day.processes.armed
        step(day)
        day.after_a_step(waiting)
        judge.look()
        listing.append(f"{step.__name__}: " + ", ".join(day.happened))


def _always(day: Day) -> bool:
    return True


OBSERVING = "-c timezone=UTC -c jit=off -c plan_cache_mode=force_generic_plan"
