"""Commands in the background that outlive `codegen`, because their user said so."""

import json
import re
from pathlib import Path

import pytest

from executor.sandbox.detect import look
from tests.e2e.machine import Machine
from tests.e2e.processes import is_alive, until
from tests.executor.web.site import Site, answer
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text

SERVER = "echo up $$; while sleep 0.1; do echo tick; test ! -e stop || exit 7; done"
ASKING = "while sleep 0.1; do curl -sS http://localhost:{port}/; curl -sS http://{other}/; done"
AUTO = ("--mode", "auto")


async def _begun(machine: Machine, *flags: str) -> tuple[str, int]:
    """One session that starts the server; what the model was told of it, and its process id."""
    script = [calls(call("Shell", command=SERVER, background=True)), text("It runs.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, *flags, "serve")
        told = str(model.requests[1].body)
    assert ran.code == 0, ran.err
    return told, int(re.findall(r"up (\d+)", told)[0])


def _key(listed: str) -> str:
    return listed.split(maxsplit=1)[0]


@covers("R-SHELL-5")
async def test_a_kept_command_outlives_its_session_and_the_resumed_one_reaches_it(
    machine: Machine,
) -> None:
    told, _ = await _begun(machine, "--keep-background")
    shell_id = re.findall(r"background as (sh\d+)", told)[0]
    listed = await machine.codegen("shells", "list")
    output = Path(listed.out.split("writes ")[1].strip())
    size = output.stat().st_size
    await until(lambda: output.stat().st_size > size + 20, "it writes on")

    script = [
        calls(call("ShellOutput", shell_id=shell_id, wait_for="tick", timeout_s=5)),
        calls(call("ShellKill", shell_id=shell_id)),
        text("It is gone."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        resumed = await machine.codegen(*AUTO, "-c", "end it")
        last = str(model.requests[-1].body)
    over = await machine.codegen("shells", "list")

    assert "stays when the session ends" in told
    assert listed.out.split()[3] == "runs"
    assert resumed.code == 0, resumed.err
    assert f"{shell_id} runs since" in last
    assert f"{shell_id}: ended by ShellKill" in last
    assert "runs" not in over.out.split()[3:4]


@covers("R-SHELL-5")
async def test_it_outlives_a_kill_too_and_its_user_can_end_it(machine: Machine) -> None:
    script = [
        calls(call("Shell", command=SERVER, background=True)),
        calls(call("Shell", command="touch x; sleep 60")),
    ]
    machine.config_file.write_text("[shell]\nkeep_background = true\n")
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        codegen = await machine.start(*AUTO, "--no-sandbox", "serve")
        await until((machine.project / "x").exists, "the second command runs")
        codegen.kill()
        await codegen.wait()
    listed = await machine.codegen("shells", "list")
    output = Path(listed.out.split("writes ")[1].strip())
    size = output.stat().st_size
    await until(lambda: output.stat().st_size > size, "it writes on")
    pid = int(output.read_text().split()[1])
    ended = await machine.codegen("shells", "kill", _key(listed.out))
    again = await machine.codegen("shells", "kill", _key(listed.out))
    wrong = await machine.codegen("shells", "kill", "none")

    assert not is_alive(pid)
    assert ended.out == f"ended {_key(listed.out)}\n"
    assert again.out == f"{_key(listed.out)} had ended before\n"
    assert wrong.code == 2


@covers("R-SHELL-5")
async def test_without_the_users_word_nothing_stays_whatever_the_project_says(
    machine: Machine,
) -> None:
    (machine.project / ".codegen").mkdir()
    (machine.project / ".codegen" / "config.toml").write_text("[shell]\nkeep_background = true\n")
    _, pid = await _begun(machine, "--trust", "--no-sandbox")
    listed = await machine.codegen("shells", "list")

    assert not is_alive(pid)
    assert listed.out.startswith("no command was kept")


@pytest.mark.skipif(look().bubblewrap is None, reason="no bubblewrap on this machine")
@covers("R-SHELL-5", "R-HOSTS-1", "R-HOSTS-4")
async def test_beyond_its_session_it_reaches_the_hosts_it_may_and_the_audit_log_tells(
    machine: Machine,
) -> None:
    with Site({"/": answer(b"reached\n")}) as site:
        hosts = f'["localhost:{site.port}"]'
        machine.config_file.write_text(f"[sandbox]\nnetwork = {hosts}\n")
        line = ASKING.format(port=site.port, other="evil.example")
        script = [calls(call("Shell", command=line, background=True)), text("It runs.")]
        async with ScriptedModel(script) as model:
            machine.use_model(model.base_url)
            flags = (*AUTO, "--sandbox", "bubblewrap", "--keep-background")
            ran = await machine.codegen(*flags, "ask on")
        before = len(site.requests)
        await until(lambda: len(site.requests) > before + 2, "it still reaches the server")
        listed = await machine.codegen("shells", "list")
        ended = await machine.codegen("shells", "kill", _key(listed.out))
        output = Path(listed.out.split("writes ")[1].strip()).read_text()
    shown = await machine.codegen("audit", "show")
    lines = await machine.codegen("audit", "show", "--json")
    verified = await machine.codegen("audit", "verify")

    records = [json.loads(record) for record in lines.out.splitlines()]
    (order,) = [one for one in records if one.get("parameters", {}).get("command") == line]
    reached = [one for one in records if one["what"] == "network"]
    assert (ran.code, ended.code) == (0, 0), ran.err
    assert "reached\n" in output
    assert "evil.example" in output
    assert [(one["verdict"], one["host"], one["port"]) for one in reached] == [
        ("allowed", "localhost", site.port),
        ("refused", "evil.example", 80),
    ]
    assert {one["tool_id"] for one in reached} == {order["tool_id"]}
    assert f"kept {_key(listed.out)}, of session {records[0]['session']}" in shown.out
    assert verified.out.count(" whole ") == 2
