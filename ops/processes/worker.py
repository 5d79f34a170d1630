"""The worker process: threads that take work from the queue, and one more that runs the sweeps.

huey deletes a row as it takes it, so work that fails or dies half done is gone from the queue: every kind is idempotent
and a sweep finds it again. A handler gets one reference and nothing else.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import structlog
from huey.consumer import BaseProcess, Consumer

from channels.figures import Figures
from core import db
from core.actor import SYSTEM
from core.audit.service import append
from core.clock import Clock
from core.config import Config
from core.errors import Refusal, error_id
from core.messages.alerts import AlertKind, raise_alert
from core.work import Work
from ops import wiring
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher, place_from_environment
from ops.processes import vault_wiring
from ops.processes.queue import Handler, WorkQueue
from ops.processes.rounds import sweeps
from ops.processes.sweeps import Sweep, Sweeper

THREADS = 4
_OTHER_CONNECTIONS = 5  # the sweeps, the alerts, the figures, and one to spare
_STOP_SECONDS = 2  # for work under way; what is cut off then is found again by a sweep
_DRAIN_SECONDS = 20  # the same when another worker has taken over (ops/processes/restarting.py)

log = structlog.get_logger()


def main(config: Config, ready: Callable[[], None]) -> None:
    """The worker process: serve the queue and the sweeps until SIGTERM. Raises ConfigError for wrong gateways."""
    roles = config.database.roles
    db.connect(roles.worker, size=4)
    with db.connection():
        handlers = wiring.handlers(config)
    figures = figures_of_this_process()
    worker = Worker(
        figures=figures,
        take_url=roles.worker,
        listen_url=roles.direct or roles.worker,
        handlers=handlers,
        sweeps=sweeps(policy=wiring.order_policy(config), alerting=bool(config.alerts.urls)),
        clock=vault_wiring.clock(),
    )
    publisher = Publisher("worker", figures, place=place_from_environment())
    publisher.start()
    try:
        worker.run_until_asked(ready)
    finally:
        publisher.stop()
        db.disconnect()


class Worker:
    """Takes work from the database at `take_url` and hands each reference to the handler of its kind.

    `start` returns once the threads run, `stop` once they have ended; `run_until_asked` is both, for a process of its
    own. Connects the store's pool to `take_url`.
    """

    def __init__(
        self,
        *,
        take_url: str,
        listen_url: str,
        handlers: Mapping[Work, Handler],
        sweeps: Sequence[Sweep],
        clock: Clock,
        threads: int = THREADS,
        figures: Figures | None = None,
    ) -> None:
        db.connect(take_url, size=threads + _OTHER_CONNECTIONS)
        self._handlers = handlers
        self._clock = clock
        self._queue = WorkQueue(take_url=take_url, listen_url=listen_url, do=self._do, forged=self._alert_forged)
        shown = figures or Figures()
        self._done = shown.counter("keystall_work_total", "Work that was taken, by its end.", "kind", "end")
        self._seconds = shown.histogram("keystall_work_seconds", "How long it took.", "kind")
        self._consumer = _Consumer(self._queue, Sweeper(sweeps, clock=clock, figures=shown), threads)

    def start(self) -> None:
        """Start the threads."""
        self._consumer.start()

    def stop(self) -> None:
        """Let work under way finish for 2 s, then give up the connections."""
        self._consumer.stop(graceful=True)
        self._queue.storage.close()
        db.disconnect()

    def run_until_asked(self, ready: Callable[[], None] = lambda: None) -> None:
        """Run until SIGTERM or SIGINT; must be called in the main thread. `ready` is told once work is taken."""
        self._consumer.obeys_signals = True
        self._consumer.ready = ready
        self._consumer.run()
        self._queue.storage.close()
        db.disconnect()

    def _do(self, kind: Work, reference: UUID) -> None:
        began, end = time.perf_counter(), "done"
        with structlog.contextvars.bound_contextvars(work=kind.value, reference=str(reference)), db.connection():
            try:
                self._handlers[kind](reference)
            except Refusal as refusal:
                end = "refused"
                log.warning("work was refused", reason=refusal.reason, **refusal.params)
            except Exception:  # whatever it was: the thread goes on, and a sweep finds the work again
                end = "failed"
                log.exception("work failed", error_id=error_id())
        self._done.add(kind.value, end)
        self._seconds.observe(time.perf_counter() - began, kind.value)

    def _alert_forged(self, row: bytes) -> None:
        """A row that no use case wrote: someone holds a database login. Its bytes are neither kept nor shown."""
        log.error("a forged row in the queue was dropped", size=len(row))
        with db.connection(), db.atomic():
            append(
                actor=SYSTEM,
                action="queue.forged",
                object_kind="queue",
                object_id="work",
                detail={"size": len(row)},
                now=self._clock.now(),
            )
            raise_alert(kind=AlertKind.FORGED_WORK, subject="queue", now=self._clock.now())


class _Sweeping(BaseProcess):
    """The place of huey's scheduler in the consumer: the same life as a thread, another task."""

    process_name = "Sweeps"

    def __init__(self, queue: WorkQueue, stop_flag: object, sweeper: Sweeper) -> None:
        super().__init__(queue, stop_flag)
        self._sweeper = sweeper

    def loop(self, now: object = None) -> None:
        """Run what is due and wait for the next."""
        self.stop_flag.wait(self._sweeper.run_due())

    def shutdown(self) -> None:
        """Give this thread's connection back."""
        db.db.close()


class _Consumer(Consumer):
    """huey's threads, with sweeps instead of a scheduler and no restart by signal."""

    def __init__(self, queue: WorkQueue, sweeper: Sweeper, threads: int) -> None:
        self._sweeper = sweeper
        self.obeys_signals = False
        self.ready: Callable[[], None] = lambda: None
        super().__init__(
            queue,
            workers=threads,
            periodic=False,
            initial_delay=0.2,
            backoff=1.5,
            max_delay=2.0,
            health_check_interval=5,
            shutdown_timeout=_STOP_SECONDS,
            graceful_signal="TERM",
        )
        self._signal_actions = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1), (False, True))

    def _create_scheduler(self) -> BaseProcess:
        return _Sweeping(self.huey, self.stop_flag, self._sweeper)

    def _set_signal_handlers(self) -> None:
        if self.obeys_signals:
            super()._set_signal_handlers()

    def _handle_signal(self, signum: int, frame: object) -> None:
        if signum == signal.SIGUSR1:
            self.shutdown_timeout = _DRAIN_SECONDS
        super()._handle_signal(signum, frame)

    def start(self) -> None:
        """Start the threads, then say so."""
        super().start()
        self.ready()
