"""What is wrong with what a user gave: one line that names it, a code that is not zero."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.machine import Machine, Ran, ended, installed, started
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, error, text


def assert_complains(ran: Ran, code: int, *words: str) -> None:
    """One line, with these words in it, and this exit code."""
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.code == code, ran.err
    assert [word for word in words if word not in ran.complaint] == [], ran.complaint


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@asynccontextmanager
async def answering(reply: bytes) -> AsyncGenerator[str]:
    """An address at which every connection is answered with `reply` and closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@covers("R-BAD-1")
async def test_no_key_is_named_with_the_variable_to_set(machine: Machine) -> None:
    ran = await machine.codegen("do it")

    assert_complains(ran, 2, "OPENAI_API_KEY")


@covers("R-BAD-1")
async def test_a_provider_without_its_key_is_named_with_the_variable_to_set(
    machine: Machine,
) -> None:
    ran = await machine.codegen("--model", "anthropic/some", "do it")

    assert_complains(ran, 2, "ANTHROPIC_API_KEY")


@covers("R-BAD-2")
async def test_a_wrong_key_is_shown_in_the_providers_own_words(machine: Machine) -> None:
    refusal = error(401, "Incorrect API key provided: sk-test-****.", code="invalid_api_key")
    async with ScriptedModel([refusal]) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("do it")

    assert_complains(ran, 5, "Incorrect API key provided: sk-test-****.", "401")


@covers("R-BAD-3")
async def test_an_unknown_provider_is_named(machine: Machine) -> None:
    ran = await machine.codegen("--model", "nosuch/model", "do it", OPENAI_API_KEY="sk-test-0000")

    assert_complains(ran, 2, "nosuch")


@covers("R-BAD-3")
async def test_an_unknown_model_is_named_in_the_providers_own_words(machine: Machine) -> None:
    refusal = error(404, "The model `nosuch` does not exist.", code="model_not_found")
    async with ScriptedModel([refusal]) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--model", "openai/nosuch", "do it")

    assert_complains(ran, 5, "The model `nosuch` does not exist.")


@covers("R-BAD-3")
async def test_a_recording_that_is_not_there_is_named(machine: Machine) -> None:
    ran = await machine.codegen("--model", "replay:absent.jsonl", "do it")

    assert_complains(ran, 2, "absent.jsonl")


@covers("R-BAD-4")
async def test_a_server_that_is_not_there_is_named(machine: Machine) -> None:
    address = f"ws://127.0.0.1:{free_port()}"
    ran = await machine.codegen("--server", address, "--token", "t", "do it")

    assert_complains(ran, 6, address, "refused")


@covers("R-BAD-4")
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "web page"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not a maestro"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "token"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403"),
    ],
)
async def test_a_server_that_is_no_maestro_or_refuses_is_told_apart(
    reply: bytes, words: str, machine: Machine
) -> None:
    async with answering(reply) as address:
        ran = await machine.codegen("--server", address, "--token", "t", "do it")

    assert_complains(ran, 6, address, words)


CONFIGURATIONS = [
    ('mode = "ask"\nmodel = \n', "line 2"),
    ('model = "a/b"\n\nmode = "yolo"\n', "line 3"),
    ('modle = "a/b"\n', "line 1"),
    ("max_steps = 0\n", "line 1"),
    ('[policy]\nallow = "all"\n', "line 2"),
]


@covers("R-BAD-5")
@pytest.mark.parametrize(("content", "where"), CONFIGURATIONS)
async def test_an_unreadable_configuration_is_named_with_file_and_line(
    content: str, where: str, machine: Machine
) -> None:
    machine.config_file.write_text(content)
    ran = await machine.codegen("do it")

    assert_complains(ran, 2, str(machine.config_file), where)


@covers("R-BAD-6", "R-BAD-7")
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--cwd", "absent", "do it"), ("--cwd", "absent")),
        (("--mode", "wild", "do it"), ("--mode", "wild", "auto-edit")),
        (("--mode", "auto", "--sandbox", "none", "do it"), ("--no-sandbox",)),
        (("--max-steps", "many", "do it"), ("--max-steps", "many")),
        (("--colour", "do it"), ("--colour",)),
        (("--model",), ("--model",)),
        (("sesions",), ("sesions", "sessions")),
        (("-c", "do it"), ("--continue", "no earlier session")),
        (("--take-over", "do it"), ("--take-over",)),
        (("--server", "ftp://x", "do it"), ("--server", "ftp://x")),
        (("--server", "ws://maestro.example", "do it"), ("ws://maestro.example", "wss://")),
        (("--server", "wss://a.example", "--base-url", "http://b", "do it"), ("--base-url",)),
        (("--server", "wss://a.example", "--record", "f", "do it"), ("--record",)),
        (("--server", "wss://a.example", "--model", "replay:f", "do it"), ("replay:",)),
        ((), ("no prompt",)),
    ],
)
async def test_bad_usage_is_named(
    flags: tuple[str, ...], words: tuple[str, ...], machine: Machine
) -> None:
    assert_complains(await machine.codegen(*flags), 2, *words)


@covers("R-BAD-8")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--port", "many"), ("port", "many")),
        (("serve", "--auth", "none", "--host", "maestro.example"), ("auth", "none")),
        (("serve", "--role", "edge"), ("MAESTRO_DATABASE_URL",)),
        (("serve", "--database-url", "mysql://x"), ("database_url", "mysql")),
        (("migrate", "--database-url", "postgresql://127.0.0.1:1/x"), ("PostgreSQL",)),
    ],
)
async def test_a_bad_setting_of_a_server_is_named(
    arguments: tuple[str, ...], words: tuple[str, ...], machine: Machine
) -> None:
    command = [*installed("maestro"), *arguments]
    environment = machine.environment | {"OPENAI_API_KEY": "sk-test-0000"}
    ran = await ended(await started(command, machine.project, environment))

    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    assert [word for word in words if word not in ran.err.splitlines()[-1]] == [], ran.err


@covers("R-BAD-9")
async def test_a_conversation_needs_a_terminal_and_a_prompt_does_not(machine: Machine) -> None:
    async with ScriptedModel([text("Fine.")]) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--", "--mode", "is", "just", "words")

    assert (ran.code, ran.out) == (0, "Fine.\n")
    assert model.requests[0].messages[-1]["content"].startswith("--mode is just words")
