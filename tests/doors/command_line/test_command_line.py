"""The command line: help, errors of one line with the mend and exit status 2, and what each command leaves behind."""

import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core.config import Config, Store
from ops import engines
from ops.cli import ORDER, build, globals_first
from ops.installation import Kind, find_installation, mark
from ops.store import be_of_kind, bring_up_to_date
from tests.support.command_line import Command, free_port

ROOT = Path(__file__).resolve().parents[3]


def test_help_lists_the_commands_and_hides_the_inner_one(command: Command) -> None:
    status, out, err = command(Config(), "--help")

    assert (status, err) == (0, "")
    assert re.findall(r"^  (demo|up|init|migrate|doctor|process) ", out, re.MULTILINE) == [
        "demo", "up", "init", "migrate", "doctor",
    ]  # fmt: skip
    assert command(Config()) == (0, out, "")


def test_every_command_and_every_group_has_its_place_in_the_help() -> None:
    app = build()
    groups = [one.name for one in app.registered_groups]
    shown = [one.name for one in app.registered_commands if not one.hidden]

    assert {*groups, *shown} == set(ORDER)
    for names in (groups, shown):
        assert names == sorted(names, key=lambda name: ORDER.index(str(name)))


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
        (("--config", "x.toml"), "keystall: the command is missing: `python run.py --help` lists them.\n"),
        (
            ("keys",),
            "keystall: `keys` wants one of status, rotate, rekey, retire, make. See `python run.py keys --help`.\n",
        ),
        (
            ("keys", "make", "/nonexist/x"),
            "keystall: there is no folder /nonexist: make it first, or name another place\n",
        ),
        (
            ("keys", "make", "/proc/x"),
            "keystall: /proc/x cannot be written (No such file or directory): name another place\n",
        ),
        (("audit",), "keystall: `audit` wants one of verify, mark, accept. See `python run.py audit --help`.\n"),
        (
            ("channel", "add"),
            "keystall: `channel add` wants one of telegram, wechat. See `python run.py channel add --help`.\n",
        ),
        (("up", "--frob"), "keystall: No such option: --frob. See `python run.py --help`.\n"),
        (
            ("race", "--buyers", "x", "--cards", "1"),
            "keystall: Invalid value for '--buyers': Input should be a valid integer. See `python run.py --help`.\n",
        ),
        (
            ("race", "--buyers", "1", "--cards", "1", "--seed", "3"),
            "keystall: --seed decides when faults are done: add --faults\n",
        ),
        (
            ("import", "nowhere.csv", "--batch-of", "A1"),
            "keystall: there is no file nowhere.csv: give the path of a CSV, TSV, TXT or XLSX file\n",
        ),
        (
            ("import", "/", "--batch-of", "A1"),
            "keystall: / is a folder: give the path of a CSV, TSV, TXT or XLSX file\n",
        ),
        (("up", "--only", "web,cook"), "keystall: there is no process 'cook': --only takes vault, worker, bot, web\n"),
        (
            ("doctor", "--config", "/nowhere.toml"),
            "keystall: the configuration file /nowhere.toml does not exist: give its path with --config\n",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(command: Command, arguments: tuple[str, ...], line: str) -> None:
    assert command(Config(), *arguments) == (2, "", line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        *((("task", word, "xx", "--staff", "li@example.com"), "keystall: xx is no order number: `task list` shows")
          for word in ("take", "open", "back", "done")),
        (("audit", "accept", "--reason", " "), "keystall: --reason is empty: say what happened"),
    ],
)  # fmt: skip
def test_a_word_that_is_no_number_is_refused_before_an_empty_folder_becomes_a_store(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    folder = tmp_path / "store"

    status, out, err = command(Config(store=Store(data_dir=folder)), *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(line)
    assert not folder.exists()


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
    """Fault 26."""
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

    assert len(made) == 14
    assert again.kind is Kind.DEMO
    assert be_of_kind(fresh, Kind.DEMO) == []
    with psycopg.connect(fresh.database.url) as connection:
        assert connection.execute("SELECT octet_length(sandbox_public_key) FROM installation").fetchone() == (32,)


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
