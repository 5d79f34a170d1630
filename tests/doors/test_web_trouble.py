"""The web process in trouble: a restarted database, an absent one, too much of everything; what its operator sees."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from core.config import Config, ConfigError, Web
from ops.processes.ports import reserved, taken
from tests.builders import Shop
from tests.support.command_line import free_port
from tests.support.web import Chatter, WebServer

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def chatter(web: WebServer) -> Chatter:
    return Chatter(web.url)


def end_connections(sql: Sql) -> int:
    """What a restart of the server does to every connection of the store."""
    ended = sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'keystall'",
        role="superuser",
    )
    return len(ended)


def test_connections_that_a_restart_ended_are_replaced_without_a_word_to_anyone(chatter: Chatter, sql: Sql) -> None:
    """Fault 8."""

    def ask(_: int) -> int:
        return chatter.post(id=str(uuid.uuid4()), text="菜单").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(16))) == {200}
        assert end_connections(sql) >= 2

        assert set(pool.map(ask, range(16))) == {200}


def test_what_is_told_after_the_listening_connection_ended_still_arrives(
    web: WebServer, chatter: Chatter, sql: Sql
) -> None:
    from tests.doors.test_web_unasked import tell_top_up

    conversation = sql("SELECT conversation_id FROM chat_session")[0][0]
    with chatter.http.stream("GET", "/messages/stream") as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 1500"
        sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%%'",
            role="superuser",
        )
        threading.Timer(0.1, tell_top_up, [conversation]).start()

        assert next(line for line in lines if line.startswith("data: "))


def test_a_database_that_is_away_is_503_with_an_error_id_and_no_detail(
    chatter: Chatter, web: WebServer, sql: Sql, database: str
) -> None:
    """Fault 7."""
    sql(f'ALTER DATABASE "{database}" CONNECTION LIMIT 0', role="superuser")
    end_connections(sql)

    answer = chatter.post(id=str(uuid.uuid4()), text="菜单")
    page = httpx.get(web.url, trust_env=False)

    sql(f'ALTER DATABASE "{database}" CONNECTION LIMIT -1', role="superuser")
    assert (answer.status_code, page.status_code) == (503, 503)
    assert answer.headers["retry-after"]
    assert answer.json()["error_id"].startswith("err_")
    assert database not in answer.text + page.text
    assert "err_" in page.text
    assert chatter.say("菜单")


def test_one_network_may_not_open_sessions_without_end(
    web: WebServer, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.web.api.sessions.SESSIONS_PER_HOUR", 3)

    answers = [httpx.post(f"{web.url}/api/v1/chat/demo/sessions", trust_env=False) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert answers[-1].headers["retry-after"]
    assert goods.count("chat_session") == 3


def test_one_session_may_not_talk_without_end(chatter: Chatter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.web.api.messages.MESSAGES_PER_MINUTE", 2)

    answers = [chatter.post(id=str(uuid.uuid4()), text="菜单").status_code for _ in range(4)]

    assert answers in ([200, 200, 429, 429], [200, 200, 200, 200])  # the minute may turn in between
    assert 429 in answers or chatter.post(id=str(uuid.uuid4()), text="菜单").status_code == 429


def test_a_port_that_another_listens_on_is_refused_in_one_sentence_and_none_is_kept(web: WebServer) -> None:
    port = int(web.url.rsplit(":", 1)[1])
    wanted = Config(web=Web(port=free_port(), ops_port=port))

    with pytest.raises(ConfigError, match=rf"port {port} on 127\.0\.0\.1 is in use: .* set web\.ops_port"):
        reserved(wanted)

    assert taken(wanted.web.host, wanted.web.port) is None
