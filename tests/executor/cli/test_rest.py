"""The REST door is reached the way that a run's socket is: base path, trust and proxy."""

import asyncio
from pathlib import Path

import pytest

from executor.cli.rest import ask
from executor.errors import ServerUnreachable, UsageError
from executor.link import endpoint
from tests.executor.link.test_link import answering, http

PATH = "/api/v1/sessions"


async def test_a_server_below_a_path_is_asked_below_it() -> None:
    async with answering(http("200 OK", body="{}")) as (address, requests), asyncio.timeout(20):
        for base in ("", "/team", "/team/ws/v1/connect"):
            where = endpoint(address + base, "sk-test-0000")
            assert await asyncio.to_thread(ask, where, "GET", PATH) == {}

    assert [request.split()[1].decode() for request in requests] == [
        PATH,
        f"/team{PATH}",
        f"/team{PATH}",
    ]


@pytest.mark.parametrize("user", ["", "ada:pass-0000@"])
async def test_a_proxy_of_the_environment_is_used_beyond_this_machine(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(http("407 Proxy Authentication Required")) as (proxy, requests):
        monkeypatch.setenv("https_proxy", proxy.replace("ws://", f"http://{user}"))
        monkeypatch.setenv("no_proxy", "")
        where = endpoint("wss://maestro.invalid", "sk-test-0000")
        async with asyncio.timeout(20):
            with pytest.raises(ServerUnreachable, match="407 Proxy Authentication"):
                await asyncio.to_thread(ask, where, "GET", PATH)

    assert requests[0].startswith(b"CONNECT maestro.invalid:443 ")
    assert b"sk-test" not in requests[0]
    assert (b"Proxy-Authorization: Basic YWRhOnBhc3MtMDAwMA==" in requests[0]) == bool(user)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(UsageError, match=f"{proxy.partition(':')[0]}.*maestro.invalid|{proxy}"):
        ask(endpoint("wss://maestro.invalid"), "GET", PATH)


def test_a_file_of_certificates_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"

    with pytest.raises(UsageError, match=r"ca\.pem: no certificates can be read"):
        ask(endpoint("wss://maestro.invalid", ca_file=missing), "GET", PATH)
