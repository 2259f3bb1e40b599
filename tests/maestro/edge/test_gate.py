"""Who gets in: deny by default, on every route and socket."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from starlette.routing import WebSocketRoute
from structlog.testing import LogCapture
from websockets.exceptions import InvalidStatus

from maestro.bus.memory import MemoryBus
from maestro.edge.app import create_app
from maestro.edge.auth import OPEN_PATHS
from maestro.edge.dependencies import ANY_HOST, NoAuth, SecretAuth
from maestro.errors import BusUnavailable, SettingsError
from maestro.ports import Account
from tests.e2e.processes import until
from tests.maestro.edge.stage import Stage, stage
from tests.requirements import covers

WRONG = "cg_wrong-token-0000"


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture
    structlog.reset_defaults()


def doors(edge: Stage) -> list[tuple[str, str]]:
    """Method and path of every route, WS for a socket; ids filled in."""
    app = create_app(edge.edge)
    found = [("GET", str(app.openapi_url))]
    for path, methods in app.openapi()["paths"].items():
        found += [(method.upper(), path) for method in methods]
    found += [("WS", route.path) for route in app.routes if isinstance(route, WebSocketRoute)]
    return [(method, path.replace("{session_id}", "s1")) for method, path in found]


async def status(edge: Stage, method: str, path: str, headers: dict[str, str]) -> int:
    """The HTTP status of a request or of an upgrade."""
    if method != "WS":
        async with edge.http(WRONG) as client:
            client.headers.clear()
            answer = await client.request(method, path, headers=headers)
            return answer.status_code
    with pytest.raises(InvalidStatus) as refused:
        async with edge.connect(path, token=WRONG, **headers):
            pass
    return refused.value.response.status_code


@covers("R-GATE-1")
async def test_every_door_but_health_and_readiness_needs_a_token(edge: Stage) -> None:
    async with asyncio.timeout(20):
        found = doors(edge)
        answers = {
            door: await status(edge, *door, {"Authorization": f"Bearer {WRONG}"})
            for door in found
            if door[1] not in OPEN_PATHS
        }
        assert len(found) >= 10
        assert set(answers.values()) == {401}
        assert await status(edge, "GET", "/nowhere", {}) == 401
        assert await status(edge, "GET", "/health", {}) == 200
        assert await status(edge, "GET", "/ready", {}) == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic {token}", "{token}", "Bearer {token}x"]
)
async def test_nothing_but_the_whole_bearer_token_is_one(edge: Stage, authorization: str) -> None:
    header = authorization.format(token=edge.token)
    headers = {"Authorization": header} if header else {}
    async with asyncio.timeout(20):
        assert await status(edge, "GET", "/api/v1/sessions", headers) == 401


@covers("R-GATE-2")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "[::1]",
        "127.0.0.1:80",
        "localhost:evil.example",
        "localhost:80:80",
        "localhost@evil.example",
        "[localhost].evil.example",
        "[localhost]",
    ],
)
async def test_another_host_is_refused_before_any_token(edge: Stage, host: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {edge.token}"}
    async with asyncio.timeout(20):
        assert await status(edge, "GET", "/api/v1/sessions", headers) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "localhost.:1"])
async def test_a_listed_host_is_known_by_its_name_alone(edge: Stage, host: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {edge.token}"}
    async with asyncio.timeout(20):
        assert await status(edge, "GET", "/api/v1/sessions", headers) == 200


@pytest.mark.parametrize(
    ("host", "status_of"),
    [("[::1]", 200), ("[::1]:8400", 200), ("[::1].evil.example", 403), ("[::1]evil", 403)],
)
async def test_a_host_of_ipv6_is_known_with_its_brackets_and_nothing_behind(
    tmp_path: Path, host: str, status_of: int
) -> None:
    async with asyncio.timeout(20), stage(tmp_path, allowed_hosts=frozenset({"::1"})) as edge:
        headers = {"Host": host, "Authorization": f"Bearer {edge.token}"}
        assert await status(edge, "GET", "/api/v1/sessions", headers) == status_of


@covers("R-GATE-2")
async def test_a_page_of_another_origin_is_refused_and_gets_no_cors(edge: Stage) -> None:
    authorization = {"Authorization": f"Bearer {edge.token}"}
    async with asyncio.timeout(20), edge.http() as client:
        answer = await client.get("/api/v1/sessions", headers={"Origin": "https://evil.example"})
        listed = await client.get("/api/v1/sessions", headers={"Origin": "https://console.example"})
        evil = {**authorization, "Origin": "null"}
        assert await status(edge, "WS", "/ws/v1/connect", evil) == 403

    assert answer.status_code == 403
    assert listed.status_code == 200
    assert "access-control-allow-origin" not in {*answer.headers, *listed.headers}


async def test_a_refused_token_is_repeated_nowhere(edge: Stage, logged: LogCapture) -> None:
    async with asyncio.timeout(20), edge.http(WRONG) as client:
        answer = await client.get("/api/v1/sessions")
        assert await status(edge, "WS", "/ws/v1/connect", {}) == 401

    assert answer.json() == {
        "error": {
            "code": "unauthorized",
            "message": "a valid token is needed: Authorization: Bearer",
        }
    }
    assert WRONG not in f"{answer.headers}{logged.entries}"


async def test_a_refused_upgrade_is_no_error_of_the_server(
    edge: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20):
        assert await status(edge, "WS", "/ws/v1/connect", {}) == 401
        assert await status(edge, "GET", "/health", {}) == 200

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_private_maestro_knows_one_secret(tmp_path: Path) -> None:
    auth = SecretAuth("synthetic-secret", Account("me", "me"))
    async with asyncio.timeout(20), stage(tmp_path, auth=auth) as edge:
        right = {"Authorization": "Bearer synthetic-secret"}
        assert await status(edge, "GET", "/api/v1/sessions", right) == 200
        wrong = {"Authorization": "Bearer synthetic-secreT"}
        assert await status(edge, "GET", "/api/v1/sessions", wrong) == 401
    assert "synthetic-secret" not in repr(auth)


async def test_without_authentication_everybody_is_one_account(tmp_path: Path) -> None:
    auth = NoAuth(Account("me", "me"))
    async with (
        asyncio.timeout(20),
        stage(tmp_path, auth=auth, allowed_hosts=frozenset({ANY_HOST})) as edge,
    ):
        assert await status(edge, "GET", "/api/v1/sessions", {"Host": "anything"}) == 200


async def test_a_bus_that_goes_away_takes_nobody_out_and_one_that_never_came_does(
    tmp_path: Path,
) -> None:
    bus = AwayBus()
    async with asyncio.timeout(20), stage(tmp_path, bus=bus) as edge, edge.http() as client:
        given = [await client.get("/ready")]
        bus.is_there = True
        await until(lambda: edge.edge.bus_answered, "it is seen")
        given.append(await client.get("/ready"))
        bus.is_there = False
        given.append(await client.get("/ready"))

    answers = [(answer.status_code, answer.json()["status"]) for answer in given]
    assert answers == [(503, "not ready"), (200, "ready"), (200, "degraded")]


class AwayBus(MemoryBus):
    """One that the test takes away."""

    is_there = False

    async def check(self) -> None:
        if not self.is_there:
            raise BusUnavailable("Redis is away")


async def test_readiness_names_what_is_missing(tmp_path: Path) -> None:
    async def no_model() -> None:
        raise SettingsError("no model: set OPENAI_API_KEY")

    async with (
        asyncio.timeout(20),
        stage(tmp_path, readiness={"model": no_model}) as edge,
        edge.http() as client,
    ):
        answer = await client.get("/ready")
        alive = await client.get("/health")

    assert (answer.status_code, answer.json()) == (
        503,
        {
            "status": "not ready",
            "missing": {"model": "no model: set OPENAI_API_KEY"},
            "version": "0.0.0",
        },
    )
    assert alive.json() == {"status": "ok"}
