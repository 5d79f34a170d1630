"""The vault as a process of the simulator: its real desk and keys, its own role; it may be away, or die at any word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from core.clock import Clock
from core.config import Config
from core.custody.desk import Desk
from core.custody.keychain.keys import open_vault
from core.custody.rounds import Round
from core.custody.server import opened_desk
from core.vault.client import Progress, VaultAway, VaultClient
from core.vault.primitives import SealError
from core.vault.seal import BatchContext, CardContext, open_batch_key, open_card
from ops.processes.vault_wiring import key_source
from tests.simulator.processes import Killed, Process, Processes


def desk_of(config: Config, processes: Processes, clock: Clock) -> Desk:
    """A vault that has just started: its keys are read, its marks compared."""
    with processes.at_work(Process.VAULT):
        return opened_desk(config, key_source(config), clock)


class VaultHere(VaultClient):
    """Asks the desk without a socket, on connections of the vault's role; `is_away` while nobody answers."""

    def __init__(self, config: Config, processes: Processes, clock: Clock) -> None:
        super().__init__(Path("nowhere"))
        self.clock = clock
        self.is_away = False
        self._config = config
        self._processes = processes
        self._desk = desk_of(config, processes, clock)
        self._left_an_import = False

    def rounds(self) -> list[Round]:
        """What it does by itself."""
        return self._desk.rounds()

    def unreadable(self, cards: Iterable[Sequence[Any]]) -> list[UUID]:
        """Which do not open with the keys on its disk, of (card, its seal, owner, batch, the batch's sealed key)."""
        with self._processes.at_work(Process.VAULT):
            vault, found = open_vault(self._config, key_source(self._config)), list[UUID]()
        for card, sealed, owner, batch, batch_key in cards:
            context = BatchContext(vault.vault_id, batch)
            try:
                key = vault.keys.ring.opened(partial(open_batch_key, sealed=bytes(batch_key), context=context))
                open_card(key, bytes(sealed), CardContext(vault.vault_id, owner, batch, card))
            except SealError:
                found.append(card)
        return found

    def restart(self) -> None:
        """A new process, once more if it is killed while it starts; imports that were left go on to their end."""
        try:
            self._begin()
        except Killed:
            self._begin()

    def _begin(self) -> None:
        self._processes.restart(Process.VAULT)
        if self._left_an_import:
            self._finish_imports()
        self._desk = desk_of(self._config, self._processes, self.clock)
        self.is_away = self._left_an_import = False

    def _finish_imports(self) -> None:
        desk = desk_of(self._config, self._processes, self.clock)
        with self._processes.at_work(Process.VAULT):
            desk.resume_imports()
            desk.close(wait_seconds=30)

    def _ask(
        self, request: Mapping[str, Any], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        if self.is_away:
            raise VaultAway(what="vault")
        operation = str(request["op"])
        try:
            with self._processes.at_work(Process.VAULT):
                answer = self._desk.answer(operation, request, progress or (lambda done, about: None))
        except Killed:
            self.is_away = True
            self._left_an_import = self._left_an_import or operation == "import"
            raise VaultAway(what="vault") from None
        return self._checked(answer)
