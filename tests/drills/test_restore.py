"""Fault 100 as people would live it: a whole store is backed up, sells on, loses its database, and comes back."""

import shutil
from pathlib import Path

import pytest

from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.drill


@pytest.fixture
def store():
    store = WholeStore()
    yield store.start()
    store.remove()


def bought(store: WholeStore, quantity: int) -> set[str]:
    guest = Chatter(store.address)
    try:
        return {card["secret"] for card in guest.buy("A1", quantity)}
    finally:
        guest.close()


def said(store: WholeStore, *arguments: str) -> str:
    done = store.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fault_100_a_store_restored_from_its_backup_sells_no_card_twice(store: WholeStore, tmp_path: Path) -> None:
    before = bought(store, 5)
    wrote = said(store, "backup", "--to", str(tmp_path))
    (file,) = tmp_path.glob("*.backup")
    assert str(file) in wrote
    key = tmp_path / "backup.key"
    shutil.move(store.folder / "keys" / "backup.key", key)
    after = bought(store, 7) | bought(store, 4)

    assert "the store is running: stop it" in store.run("restore", str(file), "--key", str(key)).stderr
    store.stop()
    assert "holds a store: say --replace keystall" in store.run("restore", str(file), "--key", str(key)).stderr
    assert "restored" in said(store, "restore", str(file), "--key", str(key), "--replace", "keystall")
    store.start()
    assert any(line.startswith("  NOTHING IS SOLD: the database was restored") for line in store.said)
    assert store.run("doctor").returncode == 1
    status = said(store, "restore", "--status")
    assert "opening log whole" in status
    assert "set aside 11  " in status  # what the two orders that are gone had
    assert "orders gone 2  " in status
    assert "was not compared" in store.run("restore", "--release").stderr
    for line in status.splitlines():
        if line.startswith("gateway "):
            said(store, "restore", "--compared", line.split()[1])

    (last,) = [line for line in status.splitlines() if line.startswith("opening log whole")]
    ends = last.split("last entry ")[1].split(",")[0]
    assert f"say --log-until {ends}" in store.run("restore", "--release").stderr
    assert said(store, "restore", "--release", "--log-until", ends).startswith("released: the store sells again")
    sold_now = bought(store, 9) | bought(store, 8)

    assert len(sold_now) == 17
    assert not sold_now & (before | after)
    assert all(line.endswith(" 0") for line in said(store, "verify").splitlines())
