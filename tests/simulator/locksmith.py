"""The vault's keys change while the store sells: another version, cards encrypted anew, an old version taken away."""

from __future__ import annotations

from collections.abc import Callable

from core.vault.key_requests import KeyRequests
from tests.simulator.day import Day
from tests.simulator.judge import Judge, found
from tests.simulator.processes import Process

STILL_NEEDED = "SELECT count(*) FROM batch_key WHERE vault_key_id = %s"
OLD_KEYS = """
SELECT (SELECT count(*) FROM batch_key k WHERE k.vault_key_id <> %s),
       (SELECT count(*) FROM batch_key k WHERE k.next_sealed_dek IS NOT NULL)
FROM vault_key WHERE replaced_at IS NOT NULL OR EXISTS (SELECT 1 FROM vault_rekey) LIMIT 1
"""
SEALED = """
SELECT c.id, s.sealed, b.owner_id, b.id, k.sealed_dek FROM card c JOIN card_seal s ON s.card_id = c.id
JOIN batch b ON b.no = c.batch_no JOIN batch_key k ON k.batch_no = b.no
"""


def change_keys(day: Day) -> None:
    """The operator rotates, encrypts anew, or takes an old version away; a kill in between leaves it to the vault."""
    act = day.choice.choice([_rotate, _rotate, _rekey, _retire, _leave_the_old])
    day.note(f"keys: {act.__name__.strip('_')}")
    act(day, KeyRequests(day.vault))


def _rotate(day: Day, keys: KeyRequests) -> None:
    _asked(day, keys.rotate)


def _rekey(day: Day, keys: KeyRequests) -> None:
    _asked(day, keys.rekey)


def _retire(day: Day, keys: KeyRequests) -> None:
    known = day.act(Process.WEB, keys.status)
    if known is None:
        return
    version = day.choice.choice(known[0])
    done = day.act(Process.WEB, lambda: keys.retire(version.id) or True)
    if done:
        found(not version.is_current, "the version in use was taken away")
        day.retired.add(version.id)


def _leave_the_old(day: Day, keys: KeyRequests) -> None:
    """Rotated, and the old version taken away as soon as that goes."""
    _rotate(day, keys)
    day.wait(minutes=11)
    _retire(day, keys)


def _asked(day: Day, work: Callable[[], object]) -> None:
    if day.act(Process.WEB, work) is None:
        day.note("left to the vault")


def all_under_one_key(day: Day, judge: Judge) -> None:
    """At rest, after the vault's own rounds: no batch waits for its key, none needs one that is gone, every card opens
    (INV-K3).
    """
    for round_of_keys in day.vault.rounds():
        if round_of_keys.name == "keys":
            with day.processes.at_work(Process.VAULT):
                round_of_keys.run(day.clock.now())
    current = day.vault.status().key_id
    left = judge.rows(OLD_KEYS, (current,))
    found(not left or left == [(0, 0)], f"batches still wait for another key: {left}")
    unreadable = day.vault.unreadable(judge.rows(SEALED))
    found(not unreadable, f"{len(unreadable)} cards do not open any more")
    for version in day.retired:
        found(judge.rows(STILL_NEEDED, (version,)) == [(0,)], "a key was taken away that batches need")
