"""PostgreSQL's own log never holds a failing row, a statement or a parameter: they may be what must not be read."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.attacks.server_log import AS_IT_COMES, FAILING, provoked


def log_of(urls: dict[str, str]) -> Path:
    return Path(str(conninfo_to_dict(urls["superuser"])["host"])).parent / "log" / "postgres.log"


def test_fault_97_no_failing_statement_leaves_its_secret_in_the_servers_log(urls: dict[str, str]) -> None:
    tried = list(provoked(urls["superuser"]))

    said = log_of(urls).read_text("utf-8", "replace")
    assert [way for way, secret in tried if secret in said] == []
    assert len(tried) == len(FAILING)


def test_fault_97_control_a_server_as_it_comes_would_keep_them(urls: dict[str, str]) -> None:
    tried = list(provoked(urls["superuser"], *AS_IT_COMES))

    said = log_of(urls).read_text("utf-8", "replace")
    assert {way for way, secret in tried if secret in said} == set(FAILING)
