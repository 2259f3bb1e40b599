"""`maestro` as an operator meets it: what it prints, what it refuses, and in how many lines."""

import asyncio
import socket
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from maestro.bootstrap import open_ledger
from maestro.commands.serve import first_account
from maestro.settings import Backends
from tests.maestro.bootstrap.program import Program, ran, started
from tests.maestro.edge.stage import Peer

KEY = {"OPENAI_API_KEY": "sk-test-0000"}
SERVE = ("serve", "--port", "0")


async def ready(program: Program) -> Any:
    """Status and body of `/ready`."""
    async with httpx2.AsyncClient(base_url=await program.listening(), trust_env=False) as client:
        answer = await client.get("/ready")
        return answer.status_code, answer.json()


async def refusal(home: Path, *arguments: str, **environment: str) -> str:
    """The one line with which `maestro` fails."""
    ended = await ran(home, *arguments, **environment)
    assert (ended.code, ended.out) == (1, ""), ended
    (line,) = ended.err.splitlines()
    return line


async def test_the_first_start_prints_a_token_that_is_never_shown_again(tmp_path: Path) -> None:
    async with started(tmp_path, *SERVE, **KEY) as program:
        address = await program.listening()
        first = await program.stop()
    token = first.out.strip()
    async with started(tmp_path, *SERVE, **KEY) as program:
        address = await program.listening()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            listed = await client.get("/api/v1/sessions", headers=headers)
        second = await program.stop()

    assert (first.code, second.code, second.out) == (0, 0, "")
    assert (listed.status_code, listed.json()) == (200, {"sessions": []})
    assert token not in first.err + second.err


async def test_two_first_starts_at_once_show_one_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_ledger(Backends(state=tmp_path)) as ledger:
        await asyncio.gather(*(first_account(ledger.accounts) for _ in range(2)))

    assert len(capsys.readouterr().out.splitlines()) == 1


async def test_a_name_has_one_key(tmp_path: Path) -> None:
    made = await ran(tmp_path, "keys", "create", "ada")

    assert (made.code, made.out[:3]) == (0, "cg_")
    line = await refusal(tmp_path, "keys", "create", "ada")
    assert line == "maestro: there is an account named 'ada': --another makes one more key"
    assert (await ran(tmp_path, "keys", "create", "ada", "--another")).code == 0


async def test_keys_are_listed_expire_and_are_revoked(tmp_path: Path) -> None:
    made = await ran(tmp_path, "keys", "create", "ada", "--expires", "90d")
    listed = await ran(tmp_path, "keys", "list")
    key_id = listed.out.splitlines()[1].split()[0]

    revoked = await ran(tmp_path, "keys", "revoke", key_id)
    after = await ran(tmp_path, "keys", "list")

    assert "valid until" in listed.out
    assert (revoked.code, revoked.err) == (
        0,
        "Revoked. What is connected by it is closed within 5 seconds.\n",
    )
    assert "revoked" in after.out.splitlines()[1]
    assert made.out.strip()[3:] not in f"{listed}{after}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", ""), "name: '' is empty"),
        (("create", "ada "), "name: 'ada ' is empty, or has spaces around it"),
        (("create", "ada\x1b[31m"), "control letters"),
        (("create", "a" * 101), "more than 100 characters"),
        (("create", "ada", "--expires", "soon"), "expires: 'soon' is no time such as 90d"),
        (("create", "ada", "--expires", "999999w"), "more than 100 years"),
        (("revoke", "cafe"), "no key has the id 'cafe': see maestro keys list"),
        (("create", "ada", "--another"), "there is no account named 'ada'"),
    ],
)
async def test_a_wrong_word_about_keys_is_named(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in await refusal(tmp_path, "keys", *arguments)


@pytest.mark.parametrize("role", ["all", "edge", "worker"])
async def test_without_a_schema_it_says_what_to_run(
    tmp_path: Path, postgres_dsn: str, redis_url: str, role: str
) -> None:
    stores = {"MAESTRO_DATABASE_URL": postgres_dsn, "MAESTRO_REDIS_URL": redis_url}

    line = await refusal(tmp_path, *SERVE, "--role", role, **KEY, **stores)

    assert line.endswith("run `maestro migrate`")


async def test_without_a_key_the_doors_open_and_say_what_is_missing(tmp_path: Path) -> None:
    async with started(tmp_path, *SERVE) as program:
        status, body = await ready(program)
        ended = await program.stop()

    assert (status, list(body["missing"])) == (503, ["model"])
    assert body["missing"]["model"].startswith("no key of a model provider: set one of OPENAI_API_")
    assert "model_key_missing" in ended.err


async def test_a_run_without_a_key_ends_with_what_is_missing(tmp_path: Path) -> None:
    async with started(tmp_path, *SERVE, "--auth", "none", "--model", "openai/m") as program:
        address = (await program.listening()).replace("http", "ws", 1)
        async with connect(f"{address}/ws/v1/connect", proxy=None) as socket_:
            executor = Peer(socket_)
            await executor.handshake(known_tools=[])
            finished = (await executor.until("run_finished"))["payload"]

    assert (finished["outcome"], finished["reason"]) == ("error", "model_error")
    assert finished["summary"] == "openai/m: no key for OpenAI: set OPENAI_API_KEY"


async def test_with_a_key_it_is_ready(tmp_path: Path) -> None:
    async with started(tmp_path, *SERVE, **KEY) as program:
        status, body = await ready(program)

    assert (status, body["missing"]) == (200, {})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "opneai/x"), "unknown provider 'opneai'; there are openai, "),
        (("--model", "openai/"), "'openai/' names no model: write openai/NAME"),
        (("--model", "replay:absent"), "absent"),
        (("--host", "192.0.2.1"), "say by which names: --allowed-hosts maestro.example (or '*')"),
        (("--host", "192.0.2.1", "--auth", "none"), "use --auth token, or --host 127.0.0.1"),
        (("--database-url", "sqlite:////proc/none/x"), "(/proc/none/x)"),
    ],
)
async def test_what_cannot_be_served_is_refused_with_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    await ran(tmp_path, "keys", "create", "ada")

    line = await refusal(tmp_path, *SERVE, *arguments, **KEY)

    assert line.startswith("maestro: ")
    assert words in line


async def test_a_variable_that_is_no_setting_is_warned_of(tmp_path: Path) -> None:
    async with started(tmp_path, *SERVE, **KEY, MAESTRO_MODLE="x") as program:
        await program.listening()

    assert "did you mean MAESTRO_MODEL?" in program.err


async def test_a_unix_socket_is_its_users_alone_and_has_one_server(tmp_path: Path) -> None:
    path = tmp_path / "s"
    uds = ("serve", "--auth", "none", "--uds", str(path))
    async with started(tmp_path, *uds, **KEY) as program:
        assert await program.listening() == f"unix:{path}"
        mode = path.stat().st_mode
        line = await refusal(tmp_path, *uds, **KEY)
        program.process.kill()
        await program.process.wait()
    async with started(tmp_path, *uds, **KEY) as program:  # in the place of one that was killed
        await program.listening()

    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
    assert line == f"maestro: can't listen on {path}: another server does"


async def test_a_file_in_the_place_of_the_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")

    line = await refusal(tmp_path, "serve", "--auth", "none", "--uds", str(path), **KEY)

    assert line == f"maestro: can't listen on {path}: it is there, and no socket"
    assert path.read_text() == "mine"


async def test_a_port_has_one_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = await refusal(tmp_path, "serve", "--auth", "none", "--port", port, **KEY)

    assert line == f"maestro: can't listen on http://127.0.0.1:{port}: Address already in use"


async def test_no_text_holds_an_address_a_user_or_a_password(tmp_path: Path) -> None:
    """Of backends that are not there, and of addresses that are none."""
    await ran(tmp_path, "keys", "create", "ada")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    where = f"canary-user:canary-password@127.0.0.1:{port}"
    texts = [
        await refusal(tmp_path, *SERVE, "--database-url", f"postgresql://{where}/canary-db"),
        await refusal(tmp_path, "migrate", "--database-url", f"postgresql://{where}/canary-db"),
        await refusal(tmp_path, "migrate", "--database-url", "postgresql://u:canary/w@h:x/d"),
        await refusal(tmp_path, *SERVE, "--database-url", "postgresql://u:canary/w@h:x/d"),
        await refusal(tmp_path, *SERVE, "--redis-url", "redis://u:canary/w@h:x/0"),
    ]
    serve = (*SERVE, "--redis-url", f"redis://{where}/0")
    async with started(tmp_path, *serve, **KEY) as program:
        status, body = await ready(program)
        texts += [str(body), (await program.stop()).err]

    assert (status, body["missing"]) == (503, {"bus": "Redis is away: Connection refused"})
    assert texts[:2] == ["maestro: PostgreSQL: Connection refused"] * 2
    assert [text for text in texts if "canary" in text or str(port) in text] == []
