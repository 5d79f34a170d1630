"""A store on Debian's own servers over TLS: who they are is checked, and a sale goes through PgBouncer."""

import psycopg
import pytest

from core import db
from core.config import ConfigError
from ops.engines.reach import check_database, check_redis
from ops.engines.roles import ROLES
from ops.processes.queue import LISTENING_NAME
from tests.external.servers import DebianServers
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("server", ["postgres", "pgbouncer"])
def test_each_role_enters_by_a_certificate_that_our_authority_signed(debian: DebianServers, server: str) -> None:
    for role in ROLES:
        check_database(debian.url(role, server=server))
    with psycopg.connect(debian.url(ROLES[0])) as connection:
        assert connection.pgconn.ssl_in_use


@pytest.mark.parametrize("server", ["postgres", "pgbouncer"])
def test_a_server_of_another_authority_is_refused(debian: DebianServers, server: str) -> None:
    with pytest.raises(ConfigError, match="certificate verify failed"):
        check_database(debian.url(ROLES[0], server=server, trusts=debian.stranger.certificate))


@pytest.mark.parametrize("server", ["postgres", "pgbouncer"])
def test_a_certificate_of_another_name_is_refused(debian: DebianServers, server: str) -> None:
    with pytest.raises(ConfigError, match=r'certificate for "localhost".* does not match host name "127\.0\.0\.1"'):
        check_database(debian.url(ROLES[0], server=server, host="127.0.0.1"))


def test_the_server_takes_nobody_in_clear(debian: DebianServers) -> None:
    clear = debian.url(ROLES[0]).replace("sslmode=verify-full", "sslmode=disable")

    with pytest.raises(ConfigError, match="no encryption"):
        check_database(clear)


def test_redis_is_believed_by_its_certificate_only(debian: DebianServers) -> None:
    check_redis(debian.redis_url())

    with pytest.raises(ConfigError, match="certificate verify failed"):
        check_redis(debian.redis_url(trusts=debian.stranger.certificate))
    with pytest.raises(ConfigError, match=r"not valid for '127\.0\.0\.1'"):
        check_redis(debian.redis_url(host="127.0.0.1"))
    with pytest.raises(ConfigError, match="does not answer"):
        check_redis(f"redis://:{debian.passwords['redis']}@127.0.0.1:{debian.ports['redis']}/0")


def test_past_a_pooler_no_statement_is_kept_in_a_session(debian: DebianServers) -> None:
    """A statement prepared in one session is unknown in the next, or is somebody else's of the same name."""
    for server, prepares in (("postgres", 5), ("pgbouncer", None)):
        db.connect(debian.url("keystall_shop", server=server), size=2)
        try:
            with db.connection():
                answers = [db.execute("SELECT %s::int", (number,)) for number in range(8)]
                assert db.db.connection().prepare_threshold == prepares
        finally:
            db.disconnect()
        assert answers == [[(number,)] for number in range(8)]


def test_a_whole_store_sells_on_them_with_web_and_worker_behind_pgbouncer(debian: DebianServers) -> None:
    store = WholeStore(**debian.settings(pooled=("shop", "panel", "worker")))
    try:
        store.start()
        guest = Chatter(store.address)
        cards = guest.buy("A1", 2)
        guest.close()
        verified, examined = store.run("verify"), store.run("doctor")
        with psycopg.connect(debian.url("postgres")) as connection:
            listening = connection.execute(
                "SELECT DISTINCT usename, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
                " WHERE application_name = %s",
                (LISTENING_NAME,),
            ).fetchall()

        assert len({card["secret"] for card in cards}) == 2
        assert (verified.returncode, verified.stderr) == (0, "")
        assert "INV-M1 0" in verified.stdout
        assert listening == [("keystall_direct", True)]
        assert not (store.folder / "postgres").exists()
        assert "answers every role" in examined.stdout, examined.stdout
    finally:
        store.remove()
