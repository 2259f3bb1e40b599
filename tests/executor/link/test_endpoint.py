"""Addresses as users write them."""

from pathlib import Path

import pytest

from executor.errors import UsageError
from executor.link import Endpoint, endpoint


@pytest.mark.parametrize(
    ("address", "url", "shown", "direct"),
    [
        ("wss://m.example", "wss://m.example/ws/v1/connect", "wss://m.example", False),
        ("https://m.example:8443/", "wss://m.example:8443/ws/v1/connect", "wss://m.example:8443",
         False),
        ("wss://m.example/team", "wss://m.example/team/ws/v1/connect", "wss://m.example/team",
         False),
        ("ws://127.0.0.1:80/ws/v1/connect", "ws://127.0.0.1:80/ws/v1/connect",
         "ws://127.0.0.1:80", True),
        ("http://localhost:8000", "ws://localhost:8000/ws/v1/connect", "ws://localhost:8000", True),
        ("ws://[::1]:9", "ws://[::1]:9/ws/v1/connect", "ws://[::1]:9", True),
    ],
)  # fmt: skip
def test_an_address_becomes_the_door_of_a_maestro(
    address: str, url: str, shown: str, *, direct: bool
) -> None:
    assert endpoint(address, "t") == Endpoint(url, shown, "t", direct=direct)


def test_a_unix_socket_needs_no_host() -> None:
    where = endpoint("unix:/run/m.sock", "t")

    assert where == Endpoint(
        "ws://localhost/ws/v1/connect", "unix:/run/m.sock", "t", Path("/run/m.sock")
    )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("m.example", "no address of a maestro"),
        ("ftp://m.example", "no address of a maestro"),
        ("wss://", "no address of a maestro"),
        ("wss://m.example:port", "no address of a maestro"),
        ("wss://user@m.example", "by --token"),
        ("wss://m.example?token=x", "by --token"),
        ("ws://m.example", "only wss:// leaves this machine"),
        ("unix:m.sock", "absolute path"),
    ],
)
def test_an_address_that_is_none_is_named(address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        endpoint(address, "sk-test-0000")


def test_a_token_with_a_line_break_never_becomes_a_header() -> None:
    with pytest.raises(UsageError, match="token"):
        endpoint("wss://m.example", "a\r\nX-Evil: 1")


def test_the_token_is_not_in_what_is_printed() -> None:
    assert "sk-test-0000" not in repr(endpoint("wss://m.example", "sk-test-0000"))
