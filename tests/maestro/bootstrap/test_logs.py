"""What is logged of a run, and what never is."""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from maestro.bootstrap.log_lines import LogLines
from maestro.bootstrap.logs import configure_logs
from maestro.settings import LogFormat
from tests.maestro.bootstrap.program import ran, started
from tests.maestro.edge.stage import Peer
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, error, text

KEY = "sk-test-canary-key"


async def converse(address: str, token: str) -> None:
    """A run with a canary in everything that is said, and one that is refused."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{address.replace('http', 'ws', 1)}/ws/v1/connect"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        executor = Peer(socket)
        spec = {"content": "canary-spec", "file_paths": ["canary-file"]}
        await executor.handshake(
            known_tools=["Git"], initial_prompt="canary-prompt", project_spec=spec
        )
        asked = (await executor.until("run_tool"))["payload"]
        await executor.send("tool_result", {"tool_id": asked["tool_id"], "status": "canary-bad"})
        await executor.until("error")
        answer = {"status": "success", "result": "canary-result", "metadata": {"diff": "canary"}}
        ids = {"tool_id": asked["tool_id"], "generation_id": asked["generation_id"]}
        await executor.send("unheard_of", {"x": "canary"})
        await executor.send("tool_result", {**ids, **answer})
        await executor.until("run_finished")
        await executor.send("user_message", {"content": "canary-follow-up"}, id="m1")
        await executor.until("run_finished")
    with pytest.raises(InvalidStatus):
        async with connect(url, additional_headers={"Authorization": "Bearer canary"}, proxy=None):
            pass


@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_log_holds_nothing_of_what_is_said_and_no_secret(tmp_path: Path, form: str) -> None:
    token = (await ran(tmp_path, "keys", "create", "ada")).out.strip()
    script = [
        calls(call("Git", args=["canary-argument"]), say="canary-words"),
        text("canary-text"),
        error(400, "bad canary-provider-words"),
    ]
    async with ScriptedModel(script, api_key=KEY) as model:
        flags = ("--port", "0", "--base-url", model.base_url, "--model", "openai/m")
        log = ("--log-level", "debug", "--log-format", form)
        async with (
            asyncio.timeout(20),
            started(tmp_path, "serve", *flags, *log, OPENAI_API_KEY=KEY) as program,
        ):
            await converse(await program.listening(), token)
            ended = await program.stop()

    assert "executor_attached" in ended.err
    assert [line for line in ended.err.splitlines() if "canary" in line or token in line] == []
    if form == "json":
        _announced, *lines = sorted(ended.err.splitlines(), key=lambda line: line[:1] == "{")
        assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers.copy()
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers


def fail(secret: str) -> None:
    whole = f"{secret}-canary"
    raise ValueError("it", whole[:5])


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_shown_without_its_local_variables(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("info", form)
    try:
        fail("broke")
    except ValueError:
        structlog.get_logger("ours").exception("ours_failed")
        logging.getLogger("uvicorn.error").exception("theirs failed")
    logging.getLogger("asyncio").warning("slow %s", "callback")
    logging.getLogger("httpx2").info("a request")

    shown = capsys.readouterr().err
    assert shown.count("ValueError: ('it', 'broke')") == 2
    assert "broke-canary" not in shown
    assert "a request" not in shown
    if form == "json":
        ours, theirs, slow = map(json.loads, shown.splitlines())
        assert (ours["event"], ours["level"]) == ("ours_failed", "error")
        assert (theirs["event"], theirs["logger"]) == ("theirs failed", "uvicorn.error")
        assert (slow["event"], slow["level"]) == ("slow callback", "warning")


def test_lines_that_a_full_disk_refused_are_counted_in_the_next_one(tmp_path: Path) -> None:
    file, full = (os.open(path, os.O_RDWR | os.O_CREAT) for path in (tmp_path / "log", "/dev/full"))
    kept = os.dup(file)
    lines = LogLines(file)
    lines.write("one\n")
    os.dup2(full, file)
    lines.write("two\nthree\n")
    lines.write("four\n")
    os.dup2(kept, file)
    lines.write("fi")
    lines.write("ve\n")
    for descriptor in (file, full, kept):
        os.close(descriptor)

    assert (tmp_path / "log").read_text() == "one\n2 log lines were dropped\nfive\n"


TOLD = 'odd"key\\value'


@covers("R-TENANT-3")
@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_of_a_log_holds_a_secret(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    token, password = "cg_" + "aB3-" * 10, "synthetic-password"
    configure_logs("info", form, {TOLD, "short"})
    whole = f"{token} sk-live-0123456789abcdef Bearer abc.def postgresql://u:{password}@h/d"

    structlog.get_logger("ours").warning("a short event", given=whole, told=TOLD)
    logging.getLogger("asyncio").error("theirs %s %s", whole, TOLD)
    try:
        raise ValueError(whole, TOLD)
    except ValueError:
        structlog.get_logger("ours").exception("failed")

    shown = capsys.readouterr().err
    for secret in (token, "sk-live", "abc.def", password, "odd", "value"):
        assert secret not in shown.replace("ValueError", "")
    assert "a short event" in shown
    assert shown.count("[secret]") >= 12


@covers("R-TENANT-3")
async def test_neither_log_nor_database_nor_answer_holds_a_key(tmp_path: Path) -> None:
    token = (await ran(tmp_path, "keys", "create", "ada")).out.strip()
    refusing = error(401, f"Incorrect API key provided: {KEY}")
    async with ScriptedModel([refusing] * 9) as model:
        flags = ("--port", "0", "--model", "openai/x", "--base-url", model.base_url)
        async with (
            asyncio.timeout(20),
            started(
                tmp_path, "serve", *flags, "--log-level", "debug", OPENAI_API_KEY=KEY
            ) as program,
        ):
            address = await program.listening()
            url = f"{address.replace('http', 'ws', 1)}/ws/v1/connect"
            headers = {"Authorization": f"Bearer {token}"}
            async with connect(url, additional_headers=headers, proxy=None) as socket:
                executor = Peer(socket)
                await executor.handshake(known_tools=[])
                finished = await executor.until("run_finished")
            ended = await program.stop()

    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = b"".join(files) + f"{ended}{finished}".encode()
    assert finished["payload"]["reason"] == "model_error"
    assert len(files) >= 1
    for secret in (KEY, token, token.removeprefix("cg_")):
        assert secret.encode() not in everything
