"""A machine for each test, and one team for all that do not break it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.e2e.team import Team, team
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer


@pytest.fixture
def machine() -> Iterator[Machine]:
    """An empty home and project; what runs in it ends with the test."""
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        made = Machine(Path(folder).resolve())
        try:
            yield made
        finally:
            made.end_private_maestros()


@pytest.fixture(scope="module")
def pair(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    """Two maestros that serve, for tests that leave them be."""
    database = postgres_server.create_database()
    dsn = postgres_server.dsn_of(database)
    with team(tmp_path_factory.mktemp("team"), dsn, redis_server.url) as made:
        for maestro in (made.start(), made.start()):
            maestro.wait()
        yield made
    postgres_server.drop_database(database)


@pytest.fixture
def crew(postgres_dsn: str, redis_url: str, tmp_path: Path) -> Iterator[Team]:
    """A team of the test's own, to start, break and end."""
    with team(tmp_path, postgres_dsn, redis_url) as made:
        yield made
