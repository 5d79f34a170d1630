"""One set of Debian's servers for the tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from tests.external.servers import DebianServers, missing


@pytest.fixture(scope="module")
def debian() -> Iterator[DebianServers]:
    """PostgreSQL, PgBouncer and Redis of this machine's Debian, over TLS."""
    lacking = missing()
    if lacking and os.environ.get("CI") != "true":
        pytest.skip(f"Debian's servers are not here: apt install {' '.join(lacking)}")
    assert not lacking, f"apt install {' '.join(lacking)}"
    servers = DebianServers()
    try:
        yield servers.start()
    finally:
        servers.stop()
