"""Tools of the user's own, from the configuration folder to the model and back: the examples."""

import shutil
from pathlib import Path

from tests.e2e.machine import Machine
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text

EXAMPLES = Path(__file__).parents[2] / "examples" / "own_tools"


@covers("R-OWN-1", "R-OWN-2")
async def test_the_examples_are_offered_called_and_listed(machine: Machine) -> None:
    shutil.copytree(EXAMPLES, machine.config_file.parent, dirs_exist_ok=True)
    (machine.project / "poem.txt").write_text("a rose is a rose\n")
    script = [
        calls(call("common_words", path="poem.txt", most=1), call("greet", names=["Ada"])),
        calls(call("echo_parameters", text="hi")),
        text("Done."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--mode", "auto", "--no-sandbox", "count")
        listed = await machine.codegen("tools")
        first, second, third = model.requests

    assert (ran.code, ran.out) == (0, "Done.\n")
    offered = {each["function"]["name"] for each in first.json["tools"]}
    assert {"common_words", "greet", "disk_usage", "echo_parameters"} <= offered
    answers = [each["content"] for each in second.messages if each["role"] == "tool"]
    assert answers == ['{"a":2}', "Hello Ada!"]
    assert third.messages[-1]["content"] == '{"text":"hi"}\n[exit code 0]'
    assert "greet                execute  Greet people by name." in listed.out


async def test_a_tool_that_only_reads_runs_unasked_and_others_are_denied_without_a_terminal(
    machine: Machine,
) -> None:
    shutil.copytree(EXAMPLES, machine.config_file.parent, dirs_exist_ok=True)
    script = [calls(call("disk_usage"), call("greet", names=["Ada"])), text("Done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("count")
        usage, greeting = [
            each["content"] for each in model.requests[1].messages if each["role"] == "tool"
        ]

    assert ran.code == 3
    assert usage.endswith(".\n[exit code 0]")
    assert "denied" in greeting.lower() or "nobody" in greeting.lower()
