"""`audit`: counts on one line, then what is wrong in sentences; asked of the vault process, which alone has the key."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.config import Config
from ops.commands.import_ import vault
from ops.doctor.audit import audit_findings
from ops.installation import Kind
from ops.store import be_of_kind, bring_up_to_date
from tests.support.command_line import Command

ENTRIES = (
    "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id)"
    " SELECT now(), 'operator', 'batch.locked', 'batch', n FROM generate_series(1, 5) n"
)


@pytest.fixture
def running(fresh: Config) -> Iterator[Config]:
    """A store with five entries and a vault process, which the commands find through its socket."""
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)
    with psycopg.connect(fresh.database.url) as connection:
        connection.execute(ENTRIES)
    with vault(fresh, is_running=False):
        yield fresh


def test_a_chain_is_verified_marked_broken_named_and_accepted(
    running: Config, command: Command, urls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 98: through the command line and a vault process, as an operator does it."""
    monkeypatch.setattr("ops.commands.import_.vault", lambda config, is_running: vault(config, is_running=True))
    kept, line = tmp_path / "kept", "entries 5  broken 0  unlinked 0  marks"

    assert command(running, "audit", "mark", "--to", str(kept))[:2] == (0, "marked at entry 5\n")
    status, said, _ = command(running, "audit", "verify", "--against", str(kept))
    assert (status, said.startswith(line)) == (0, True)
    assert list(audit_findings(running)) == [
        ("linked up to entry 5, nothing known to be broken; `audit verify` reads it all", False)
    ]

    with psycopg.connect(superuser_of(running, urls)) as attacker:
        attacker.execute("SET session_replication_role = replica")
        attacker.execute("UPDATE audit_entry SET object_id = '9' WHERE id = 2")
        attacker.execute("DELETE FROM audit_entry WHERE id > 4")
        attacker.execute("DELETE FROM audit_link WHERE entry_id > 4")
    status, said, _ = command(running, "audit", "verify")
    lines = said.splitlines()
    assert (status, lines[0].startswith("entries 4  broken 2  unlinked 0")) == (1, True)
    assert lines[1:] == ["entry 2 is the first broken link: it, its link, or what stood right before it was changed"]
    assert [is_defect for _, is_defect in audit_findings(running)] == [True]

    assert command(running, "audit", "accept", "--reason", "a drill")[:2] == (0, "accepted 2\n")
    assert command(running, "audit", "verify")[0] == 0
    assert command(running, "audit", "accept", "--reason", "a drill") == (
        2, "", "keystall: the vault refuses: nothing is broken\n",
    )  # fmt: skip


def superuser_of(config: Config, urls: dict[str, str]) -> str:
    """The superuser's address of the fresh database."""
    name = psycopg.conninfo.conninfo_to_dict(config.database.url)["dbname"]
    return psycopg.conninfo.make_conninfo(urls["superuser"], dbname=name)


def test_a_file_that_holds_no_such_lines_is_refused(running: Config, command: Command, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("ops.commands.import_.vault", lambda config, is_running: vault(config, is_running=True))
    foreign = tmp_path / "foreign"
    foreign.write_text('{"entry": 9}\n')

    assert command(running, "audit", "verify", "--against", str(foreign)) == (
        2, "", "keystall: the vault refuses: of the file that was given, line 1 is not as this vault wrote it\n",
    )  # fmt: skip
    assert command(running, "audit", "verify", "--against", str(tmp_path / "none"))[0] == 2
