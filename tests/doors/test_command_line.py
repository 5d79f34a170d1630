"""The command line: help, errors of one line with the mend and exit status 2, and what each command leaves behind."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher

from core.config import Config, Database, DatabaseRoles, Store
from core.config.loading import as_environment
from ops import cli, engines
from ops.cli import globals_first
from ops.installation import Kind, find_installation, mark
from ops.store import be_of_kind, bring_up_to_date
from tests.support.engines import Addresses, Databases

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process with these settings; gives exit status, output and errors."""

    def run(config: Config, *arguments: str) -> tuple[int, str, str]:
        for name, value in as_environment(config).items():
            monkeypatch.setenv(name, value)
        status = cli.run(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def fresh(config: Config, databases: Databases, addresses: Addresses) -> Iterator[Config]:
    """A store on the day it is made: an empty database, an empty folder, no keys."""
    name = databases.create(template="template0")
    urls = addresses.of(name)
    roles = DatabaseRoles(**{role: urls[role] for role in vars(DatabaseRoles())})
    yield Config(
        store=Store(data_dir=config.data_dir / "store"),
        database=Database(url=urls["owner"], roles=roles),
        redis=config.redis,
        web=replace(config.web, port=free_port(), ops_port=free_port()),
    )
    databases.drop(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_help_lists_the_commands_and_hides_the_inner_one(command: Command) -> None:
    status, out, err = command(Config(), "--help")

    assert (status, err) == (0, "")
    assert re.findall(r"^  (demo|up|init|migrate|doctor|process) ", out, re.MULTILINE) == [
        "demo", "up", "init", "migrate", "doctor",
    ]  # fmt: skip
    assert command(Config()) == (0, out, "")


@pytest.mark.parametrize("name", ["demo", "up", "init", "migrate", "doctor"])
def test_every_command_explains_itself(command: Command, name: str) -> None:
    status, out, err = command(Config(), name, "--help")

    assert (status, err) == (0, "")
    assert f"Usage: python run.py {name}" in out
    assert len(out.splitlines()) > 4


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("frob",), "keystall: No such command 'frob'. See `python run.py --help`.\n"),
        (("up", "--frob"), "keystall: No such option: --frob See `python run.py --help`.\n"),
        (("up", "--only", "web,cook"), "keystall: there is no process 'cook': --only takes vault, worker, web\n"),
        (
            ("doctor", "--config", "/nowhere.toml"),
            "keystall: the configuration file /nowhere.toml does not exist: give its path with --config\n",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(command: Command, arguments: tuple[str, ...], line: str) -> None:
    assert command(Config(), *arguments) == (2, "", line)


def test_an_unknown_setting_is_refused_before_anything_starts(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[web]\nprot = 80\n")

    status, out, err = command(Config(store=Store(data_dir=tmp_path / "var")), "up", "--config", str(file))

    assert (status, out) == (2, "")
    assert err == f"keystall: unknown setting web.prot in {file}: did you mean web.port?\n"
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("name", ["up", "demo"])
def test_a_port_in_use_is_refused_before_anything_starts(command: Command, fresh: Config, name: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        status, _, err = command(replace(fresh, web=replace(fresh.web, port=port)), name)

    assert status == 2
    assert err == (
        f"keystall: port {port} on 127.0.0.1 is in use: stop what listens there, "
        "or set web.port (KEYSTALL_WEB__PORT) to another port\n"
    )
    assert not fresh.keys_dir.exists()


def test_an_unreachable_database_is_one_line(command: Command, fresh: Config) -> None:
    url = f"postgresql://owner:hunter2@127.0.0.1:{free_port()}/shop"

    status, _, err = command(replace(fresh, database=replace(fresh.database, url=url)), "migrate")

    assert status == 2
    assert err.startswith("keystall: the database at 127.0.0.1:")
    assert err.endswith("): start it, or mend database.url\n")
    assert err.count("\n") == 1
    assert "hunter2" not in err


def test_a_traceback_comes_only_with_debug(command: Command) -> None:
    config = Config()

    assert "Traceback" not in command(config, "doctor", "--config", "/nowhere.toml")[2]
    assert "Traceback" in command(config, "doctor", "--config", "/nowhere.toml", "--debug")[2]


def test_what_nobody_expected_is_a_line_with_an_error_id(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr("ops.store.load_config", fail)

    status, _, err = command(Config(), "doctor")

    assert status == 2
    assert re.fullmatch(
        r"keystall: something unexpected went wrong \(RuntimeError, err_[a-z2-7]{16}\): try again with --debug\n", err
    )


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        (["up", "--config", "a.toml"], ["--config", "a.toml", "up"]),
        (["up", "--config=a.toml", "--only", "web"], ["--config=a.toml", "up", "--only", "web"]),
        (["--debug", "up"], ["--debug", "up"]),
        (["import", "--", "--config"], ["import", "--", "--config"]),
        (["up", "--config"], ["--config", "up"]),
    ],
)
def test_config_and_debug_may_stand_anywhere(given: list[str], moved: list[str]) -> None:
    assert globals_first(given) == moved


def test_migrate_says_what_it_ran_and_runs_nothing_twice(command: Command, fresh: Config) -> None:
    first = command(fresh, "migrate")
    second = command(fresh, "migrate")

    assert (first[0], second[0]) == (0, 0)
    assert first[1].startswith("ran 0001_floor.sql\n")
    assert re.fullmatch(r"The schema is up to date: \d+ migrations, 0 of them now\.\n", second[1])
    assert find_installation(fresh.database.url) is None


def test_init_makes_the_keys_the_schema_and_the_first_operator(
    command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", PASSWORD)

    status, out, err = command(fresh, "init", "--email", "Boss@Shop.test")

    assert (status, err) == (0, "")
    assert out.count("made ") == 11
    assert PASSWORD not in out
    found = find_installation(fresh.database.url)
    assert found is not None
    assert found.kind is Kind.PRODUCTION
    with psycopg.connect(fresh.database.url) as connection:
        (row,) = connection.execute(
            "SELECT email, name, password_hash, role, kind FROM staff JOIN staff_role ON staff_id = staff.id"
            " JOIN party ON party.id = party_id"
        ).fetchall()
    assert (row[0], row[1], row[3], row[4]) == ("boss@shop.test", "Boss", "platform_owner", "platform")
    assert PasswordHasher().verify(str(row[2]), PASSWORD)


def test_init_again_changes_nothing(command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", PASSWORD)
    command(fresh, "init", "--email", "boss@shop.test")
    before = {path: path.read_bytes() for path in fresh.keys_dir.iterdir()}

    status, out, _ = command(fresh, "init", "--email", "other@shop.test")

    assert (status, out) == (0, "An operator account is there already; it was left as it is.\n")
    assert {path: path.read_bytes() for path in fresh.keys_dir.iterdir()} == before


@pytest.mark.parametrize(
    ("password", "email", "sentence"),
    [
        ("short", "boss@shop.test", "the operator's password is too short: use 12 characters or more"),
        (None, "boss@shop.test", "the operator's password is missing: set KEYSTALL_OPERATOR_PASSWORD"),
        (PASSWORD, "boss", "'boss' is not an e-mail address: give one with --email"),
    ],
)
def test_init_refuses_a_poor_account(
    command: Command,
    fresh: Config,
    monkeypatch: pytest.MonkeyPatch,
    password: str | None,
    email: str,
    sentence: str,
) -> None:
    if password is not None:
        monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", password)

    status, _, err = command(fresh, "init", "--email", email)

    assert status == 2
    assert err.startswith(f"keystall: {sentence}")
    with psycopg.connect(fresh.database.url) as connection:
        assert connection.execute("SELECT count(*) FROM staff").fetchone() == (0,)


def test_init_makes_no_new_vault_key_once_cards_were_sealed(
    command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)
    lost = [fresh.keys_dir / "fingerprint.key", fresh.keys_dir / "session.key"]
    for path in lost:
        path.unlink()
    monkeypatch.setattr("ops.store.has_cards", lambda url: True)

    status, _, err = command(fresh, "init")

    assert status == 2
    assert err == (
        "keystall: vault.fingerprint_key is missing, but cards were sealed with it: "
        "put it back from your copy of the keys\n"
    )
    assert not any(path.exists() for path in lost)


def test_up_refuses_a_demo_database(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.DEMO)

    status, _, err = command(fresh, "up")

    assert status == 2
    assert err == (
        "keystall: this is a demo database, with play money: "
        "set another store.data_dir or database.url for a real shop\n"
    )


def test_demo_refuses_the_database_of_a_real_shop(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)

    status, _, err = command(fresh, "demo")

    assert status == 2
    assert err.startswith("keystall: this is a production database, not a demo one: set another store.data_dir")


def test_up_refuses_to_start_without_the_keys_of_its_processes(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)
    (fresh.keys_dir / "session.key").write_bytes(b"")

    status, _, err = command(fresh, "up")

    assert status == 2
    assert err.startswith("keystall: secrets.session_key: the secret of file:keys/session.key is empty")


def test_a_mark_is_written_once_and_fits_the_kind(fresh: Config) -> None:
    bring_up_to_date(fresh)

    made = be_of_kind(fresh, Kind.DEMO)
    again = mark(fresh.database.url, Kind.PRODUCTION, fresh)

    assert len(made) == 11
    assert again.kind is Kind.DEMO
    assert be_of_kind(fresh, Kind.DEMO) == []
    with psycopg.connect(fresh.database.url) as connection:
        assert connection.execute("SELECT octet_length(sandbox_public_key) FROM installation").fetchone() == (32,)


def test_doctor_finds_everything_in_order_and_exits_0(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)

    status, out, err = command(fresh, "doctor")

    assert (status, err) == (0, "")
    assert out.endswith("Everything is in order.\n")
    assert "DEFECT" not in out
    assert {line.split()[1] for line in out.splitlines()[:-1]} == {
        "settings", "folder", "machine", "database", "schema", "keys", "redis", "vault", "ports", "gateways",
    }  # fmt: skip


def test_doctor_of_an_empty_folder_makes_nothing(command: Command, data_dir: Path) -> None:
    empty = Config(store=Store(data_dir=data_dir / "new"))

    status, out, _ = command(replace(empty, web=replace(empty.web, port=free_port(), ops_port=free_port())), "doctor")

    assert status == 0
    assert "not made yet" in out
    assert not (data_dir / "new").exists()


@pytest.mark.parametrize(
    ("damage", "defect"),
    [
        ("key", r"DEFECT  keys       vault\.audit_key: the key file .*audit\.key is missing: put it back"),
        ("pair", r"DEFECT  keys       vault\.private_key does not belong to vault\.public_key: put both back"),
        ("mode", r"DEFECT  keys       vault\.link_key: .* can be read by other users: chmod 600"),
        ("schema", r"DEFECT  schema     1 migrations are missing, first \d{4}_\w+\.sql: run `python run\.py migrate`"),
        ("redis", r"DEFECT  redis      Redis at 127\.0\.0\.1:1 does not answer"),
        ("role", r"DEFECT  database   the login of database\.roles\.panel is superuser or owner: give the role"),
        ("port", r"DEFECT  ports      127\.0\.0\.1:\d+ is in use, but not by this store: free it, or set web\.port"),
        ("sandbox", r"DEFECT  gateways   the sandbox works in a demo database only: set pay\.sandbox\.enabled = false"),
    ],
)
def test_doctor_names_each_defect_with_its_mend(command: Command, fresh: Config, damage: str, defect: str) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)

    with socket.socket() as other:
        status, out, _ = command(damaged(fresh, damage, other), "doctor")

    assert status == 1
    assert re.search(defect, out), out
    assert out.endswith("1 defects.\n")


def damaged(config: Config, damage: str, other: socket.socket) -> Config:
    """The store with one thing broken; a wrong address is broken in every place that needs it."""
    match damage:
        case "key":
            (config.keys_dir / "audit.key").unlink()
        case "pair":
            (config.keys_dir / "vault.pub").write_bytes(bytes(range(256)))
        case "mode":
            (config.keys_dir / "link.key").chmod(0o640)
        case "schema":
            with psycopg.connect(config.database.url) as connection:
                last = "DELETE FROM schema_migration WHERE name = (SELECT max(name) FROM schema_migration)"
                connection.execute(last)
        case "redis":
            return replace(config, redis=replace(config.redis, url="redis://127.0.0.1:1/0"))
        case "role":
            roles = replace(config.database.roles, panel=config.database.url)
            return replace(config, database=replace(config.database, roles=roles))
        case "port":
            other.bind((config.web.host, config.web.port))
            other.listen()
        case "sandbox":
            return replace(config, pay=replace(config.pay, sandbox=replace(config.pay.sandbox, enabled=True)))
    return config


def test_the_entry_runs_as_a_program_and_says_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "up"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "KEYSTALL_WEB__PROT": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "keystall: unknown setting web.prot (variable KEYSTALL_WEB__PROT): did you mean web.port?\n"


def test_two_stores_on_one_folder_are_refused_on_the_command_line(command: Command, fresh: Config) -> None:
    with engines.start(fresh):
        status, _, err = command(fresh, "up")

    assert status == 2
    assert re.fullmatch(r"keystall: `up`, process \d+, already runs the store in .*: stop it first, or set .*\n", err)
