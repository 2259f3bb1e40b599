"""`codegen` on one machine: its private maestro, its output, its sessions."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.e2e.machine import Machine, ended
from tests.e2e.processes import is_alive, until
from tests.requirements import covers
from tests.scripted_model import Reply, ScriptedModel, call, calls, error, text

AUTO = ("--mode", "auto", "--no-sandbox")


@covers("R-CLI-1", "R-CLI-2")
async def test_a_prompt_with_nothing_configured_but_a_key_changes_files_and_says_so(
    machine: Machine,
) -> None:
    script = [
        calls(call("WriteFile", file_path="a.txt", content="a\n")),
        calls(call("Shell", command="wc -l a.txt")),
        text("It has **one** line."),
    ]
    async with ScriptedModel(script, api_key="sk-test-0000") as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "write a file")

    assert (ran.code, ran.out) == (0, "It has **one** line.\n")
    assert (machine.project / "a.txt").read_text() == "a\n"
    shown = ran.err.splitlines()
    assert [line.split("  ")[0] for line in shown[:3]] == [
        "✓ WriteFile a.txt",
        "✓ Shell wc -l a.txt",
        "a.txt created (+1 -0)",
    ]
    assert shown[-1].startswith("done · 1 file changed · 1 command · 330 tokens")


@covers("R-CLI-3")
async def test_a_second_codegen_joins_the_private_maestro_of_the_first(machine: Machine) -> None:
    async with ScriptedModel([text("One."), text("Two.")]) as model:
        machine.use_model(model.base_url)
        both = [await machine.codegen("one"), await machine.codegen("two")]
        maestros = machine.private_maestros()

    assert [ran.out for ran in both] == ["One.\n", "Two.\n"]
    assert len(maestros) == 1


@covers("R-CLI-4")
async def test_the_private_maestros_socket_is_its_users_alone_and_no_key_is_in_its_arguments(
    machine: Machine,
) -> None:
    async with ScriptedModel([text("One.")]) as model:
        machine.use_model(model.base_url)
        await machine.codegen("one")
        (pid,) = machine.private_maestros()

    runtime = machine.folder / "run" / "codegen"
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in runtime.iterdir()} == {0o600}
    arguments = Path(f"/proc/{pid}/cmdline")
    if arguments.exists():
        assert b"sk-test" not in arguments.read_bytes()


@covers("R-CLI-5")
async def test_a_session_is_continued_with_c_and_with_resume(machine: Machine) -> None:
    script = [text("One."), text("Two."), text("Three."), text("Other.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        first = await machine.codegen("--output-format", "json", "one")
        second = await machine.codegen("-c", "two")
        await machine.codegen("--output-format", "json", "other")
        third = await machine.codegen("--resume", first.result["session_id"], "three")

    assert (second.out, third.out) == ("Two.\n", "Other.\n")
    said = [one["content"] for one in model.requests[3].messages if one["role"] != "system"]
    assert said[0].startswith("This message was put together")
    assert said[1].startswith("one\n")
    assert said[2:] == ["One.", "two", "Two.", "three"]
    assert model.requests[3].body.startswith(model.requests[1].body.removesuffix(b"]}"))


@covers("R-CLI-6")
async def test_a_prompt_comes_from_standard_input_too(machine: Machine) -> None:
    async with ScriptedModel([text("Fine."), text("Fine.")]) as model:
        machine.use_model(model.base_url)
        await machine.codegen("review this", stdin="+ a line\n")
        await machine.codegen(stdin="only this\n")

    review, only = (request.messages[-1]["content"] for request in model.requests)
    assert review.startswith("review this\n\n+ a line\n")
    assert only.startswith("only this\n")


@covers("R-CLI-7")
async def test_json_is_one_object_and_lists_what_was_denied_for_want_of_a_terminal(
    machine: Machine,
) -> None:
    script = [calls(call("Shell", command="make all")), text("Not made.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--output-format", "json", "make it")

    assert ran.code == 3
    assert len(ran.out.splitlines()) == 1
    (denial,) = ran.result["denials"]
    assert ran.result | {"denials": [], "session_id": "", "model": "", "seconds": 0} == {
        "type": "result",
        "session_id": "",
        "outcome": "success",
        "reason": "completed",
        "summary": "Not made.",
        "text": "Not made.",
        "model": "",
        "seconds": 0,
        "usage": {
            "input_tokens": 200,
            "output_tokens": 20,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
            "cost_usd": None,
        },
        "changes": [],
        "commands": 0,
        "denials": [],
    }
    assert (denial["tool_name"], denial["title"]) == ("Shell", "Shell make all")
    assert denial["for_want_of_terminal"] is True


@covers("R-CLI-8")
async def test_stream_json_is_a_line_for_each_thing_and_ends_with_the_result(
    machine: Machine,
) -> None:
    script = [calls(call("Shell", command="echo one")), text("Do", "ne.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "--output-format", "stream-json", "echo")

    lines = [json.loads(line) for line in ran.out.splitlines()]
    kinds = [line["type"] for line in lines]
    assert ran.code == 0
    assert kinds[-1] == "result"
    assert {"session_started", "call_started", "call_finished", "agent_message_delta"} < set(kinds)
    deltas = [line["content"] for line in lines if line["type"] == "agent_message_delta"]
    assert "".join(deltas) == "Done."


EXIT_CODES: list[tuple[list[Reply], tuple[str, ...], int]] = [
    ([text("Done.")], (), 0),
    ([calls(call("Shell", command="make")), text("Done.")], (), 3),
    ([calls(call("Shell", command="ls"))], ("--max-steps", "1"), 4),
    ([calls(call("Shell", command="ls"))] * 4, (), 4),
    ([text(), text()], (), 5),
    ([error(401, "no")], (), 5),
]


@covers("R-CLI-9")
@pytest.mark.parametrize(("script", "flags", "code"), EXIT_CODES)
async def test_the_exit_code_tells_how_the_run_ended(
    script: list[Reply], flags: tuple[str, ...], code: int, machine: Machine
) -> None:
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*flags, "do it")

    assert ran.code == code, ran.err


@covers("R-CLI-10")
async def test_a_signal_interrupts_the_run_and_nothing_of_it_is_left(machine: Machine) -> None:
    script = [calls(call("Shell", command="sh -c 'echo $$ > pid; sleep 60' & wait"))]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        process = await machine.start(*AUTO, "wait")
        file = machine.project / "pid"
        await until(lambda: file.exists() and bool(file.read_text().strip()), "the command")
        child = int(file.read_text())
        process.send_signal(signal.SIGINT)
        ran = await ended(process)

    assert ran.code == 130
    assert not is_alive(child)


@covers("R-CLI-10")
async def test_a_second_signal_leaves_at_once(machine: Machine) -> None:
    script = [calls(call("Shell", command="trap '' TERM; echo $$ > pid; sleep 60"))]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        process = await machine.start(*AUTO, "wait")
        file = machine.project / "pid"
        await until(lambda: file.exists() and bool(file.read_text().strip()), "the command")
        child = int(file.read_text())
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):  # or the two could be one to the kernel
            while b"again leaves" not in await process.stderr.readline():
                pass
        process.send_signal(signal.SIGINT)
        ran = await ended(process)

    assert ran.code == 130
    assert not is_alive(child)


@covers("R-CLI-11")
async def test_the_demonstration_needs_no_key_and_ends_well(machine: Machine) -> None:
    ran = await machine.codegen("demo", "--folder", str(machine.folder / "demo"))

    assert ran.code == 0, ran.err
    assert "Shell python3 -m unittest" in ran.err


@covers("R-CLI-12")
async def test_a_recorded_session_is_played_back_without_its_provider(machine: Machine) -> None:
    script = [calls(call("WriteFile", file_path="a.txt", content="a\n")), text("Written.")]
    recording = machine.project / "session.jsonl"
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        recorded = await machine.codegen(*AUTO, "--record", recording.name, "write")
    (machine.project / "a.txt").unlink()
    played = await machine.codegen(*AUTO, "--model", f"replay:{recording.name}", "write")

    assert (recorded.code, recorded.out) == (0, "Written.\n")
    assert (played.code, played.out) == (0, "Written.\n")
    assert (machine.project / "a.txt").read_text() == "a\n"
    assert len(model.requests) == 2
    assert "sk-test" not in recording.read_text()


@covers("R-CLI-13")
async def test_a_private_maestro_that_was_killed_is_started_again_mid_run(
    machine: Machine,
) -> None:
    script = [
        calls(call("Shell", command="echo ran >> log; while [ ! -e go ]; do sleep 0.05; done")),
        text("Done."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        process = await machine.start(*AUTO, "wait")
        log = machine.project / "log"
        await until(log.exists, "the command")
        machine.end_private_maestros()
        (machine.project / "go").touch()
        ran = await ended(process)

    assert (ran.code, ran.out) == (0, "Done.\n")
    assert log.read_text() == "ran\n"
