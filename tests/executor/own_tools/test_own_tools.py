"""The user's own tools: how they are found and described, what a call gives, what is refused."""

import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from executor.errors import ToolFailure, UsageError
from executor.own_tools.catalogue import Sourced, own_tools
from executor.own_tools.checking import misfit
from executor.tool_context import ToolOutcome
from protocol.from_executor import CustomTool, ToolError
from tests.executor.tools.world import World
from tests.requirements import covers

ISSUES = '''"""Tickets."""

from executor.own_tools import tool


@tool(effect="read")
def ticket(number: int, fields: list[str] = ["title"]) -> dict[str, object]:
    """Look a ticket up by its number."""
    print("looking")
    return {"number": number, "fields": fields}


@tool
async def shout(words: str) -> str:
    """Say it loudly."""
    return words.upper()


@tool
def broken() -> None:
    raise RuntimeError("the tracker is away")


@tool
def silent() -> None: ...


def not_offered() -> None: ...
'''


class Shelf:
    """The configuration and state folders of one user."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        self.state = folder / "state"
        (self.config / "tools").mkdir(parents=True)

    def python(self, source: str, name: str = "issues.py") -> Path:
        file = self.config / "tools" / name
        file.write_text(source)
        return file

    def commands(self, text: str) -> None:
        (self.config / "tools.toml").write_text(text)

    def found(self, **environment: str) -> dict[str, Sourced]:
        whole = {"PATH": os.environ["PATH"], **environment}
        return own_tools(self.config, self.state, whole, misfit)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "own")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    made = World(folder, os.environ)
    yield made
    await made.close()


async def _run(shelf: Shelf, world: World, name: str, /, **parameters: Any) -> ToolOutcome:
    async with asyncio.timeout(20):
        return await shelf.found()[name].tool.run(parameters, world.context())


@covers("R-OWN-1")
def test_functions_are_described_by_their_hints_and_words(shelf: Shelf) -> None:
    shelf.python(ISSUES)

    found = {name: each.tool.declaration for name, each in shelf.found().items()}

    assert sorted(found) == ["broken", "shout", "silent", "ticket"]
    assert found["ticket"] == CustomTool(
        name="ticket",
        description="Look a ticket up by its number.",
        parameters={
            "type": "object",
            "properties": {
                "number": {"type": "integer"},
                "fields": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["number"],
            "additionalProperties": False,
        },
        effect="read",
    )
    assert found["shout"].effect == "execute"


def test_a_function_is_offered_by_the_name_that_it_is_given(shelf: Shelf) -> None:
    shelf.python(
        "from executor.own_tools import tool\n\n\n"
        '@tool(name="Weather")\ndef weather_at(place: str) -> str:\n    return place\n'
    )

    assert list(shelf.found()) == ["Weather"]


def test_a_known_file_is_not_run_to_describe_it_again(shelf: Shelf, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    file = shelf.python(f"open({str(loads)!r}, 'a').write('x')\n{ISSUES}")

    first, second = shelf.found(), shelf.found()

    assert loads.read_text() == "x"
    assert list(first) == list(second)
    assert stat.S_IMODE(shelf.state.stat().st_mode) == 0o700
    file.write_text(ISSUES.replace("def silent", "def quiet"))
    assert "quiet" in shelf.found()


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "\0"])
def test_a_damaged_memory_of_descriptions_is_made_anew(shelf: Shelf, content: str) -> None:
    shelf.python(ISSUES)
    shelf.found()
    (shelf.state / "tools.json").write_text(content)

    assert "ticket" in shelf.found()


@covers("R-OWN-1")
@pytest.mark.parametrize(
    ("name", "parameters", "text"),
    [
        ("ticket", {"number": 7}, '{"number":7,"fields":["title"]}'),
        ("ticket", {"number": 7, "fields": []}, '{"number":7,"fields":[]}'),
        ("shout", {"words": "ä b"}, "Ä B"),
        ("silent", {}, ""),
    ],
)
async def test_a_function_gives_what_it_returns(
    shelf: Shelf, world: World, name: str, parameters: dict[str, Any], text: str
) -> None:
    shelf.python(ISSUES)

    outcome = await _run(shelf, world, name, **parameters)

    assert (outcome.status, outcome.text) == ("success", text)


@pytest.mark.parametrize(
    ("name", "parameters", "failure"),
    [
        ("ticket", {"number": "7"}, "invalid_parameters: .*Expected `int`, got `str`"),
        ("ticket", {}, "invalid_parameters: .*missing required field `number`"),
        ("ticket", {"number": 1, "x": 1}, "invalid_parameters: .*unknown field `x`"),
        ("broken", {}, "failed: .*RuntimeError: the tracker is away"),
    ],
)
async def test_what_a_function_refuses_teaches_the_model(
    shelf: Shelf, world: World, name: str, parameters: dict[str, Any], failure: str
) -> None:
    shelf.python(ISSUES)

    with pytest.raises(ToolFailure) as raised:
        await _run(shelf, world, name, **parameters)

    assert re.match(failure, f"{raised.value.code}: {raised.value.message}")


async def test_a_file_that_changed_since_it_was_offered_is_not_run(
    shelf: Shelf, world: World
) -> None:
    file = shelf.python(ISSUES)
    offered = shelf.found()["shout"].tool
    file.write_text(ISSUES.replace("upper", "lower"))

    with pytest.raises(ToolFailure, match="has changed since this session began"):
        await offered.run({"words": "x"}, world.context())


async def test_a_function_that_dies_costs_its_call_alone(shelf: Shelf, world: World) -> None:
    shelf.python(
        "import os\nfrom executor.own_tools import tool\n@tool\ndef die() -> None: os.abort()\n"
    )

    outcome = await _run(shelf, world, "die")

    assert (outcome.status, outcome.text) == ("error", "[ended by SIGABRT]")


def _command(script: str, rest: str = "") -> str:
    return f"[lookup]\ncommand = ['/bin/sh', '-c', {json.dumps(script)}]\n{rest}"


@covers("R-OWN-2")
async def test_a_command_gets_its_parameters_as_json_and_gives_what_it_prints(
    shelf: Shelf, world: World
) -> None:
    schema = "parameters = { type = 'object', properties = { n = { type = 'integer' } } }"
    shelf.commands(_command("cat; pwd", schema))

    outcome = await _run(shelf, world, "lookup", n=7)

    root = world.workspace.root
    assert (outcome.status, outcome.text) == ("success", f'{{"n":7}}{root}\n[exit code 0]')
    assert list(world.spill.glob("parameters-*")) == []


async def test_a_command_that_fails_is_an_error_with_its_words(shelf: Shelf, world: World) -> None:
    shelf.commands(_command("echo no such ticket >&2; exit 4"))

    outcome = await _run(shelf, world, "lookup")

    assert (outcome.status, outcome.text) == ("error", "no such ticket\n[exit code 4]")
    assert outcome.error == ToolError("failed", "lookup did not end well: exit code 4")


async def test_a_command_whose_program_is_gone_is_named(shelf: Shelf, world: World) -> None:
    shelf.commands("[lookup]\ncommand = ['/nonexistent/lookup']\n")

    with pytest.raises(ToolFailure, match="lookup: /nonexistent/lookup is not there, or is no"):
        await _run(shelf, world, "lookup")


async def test_a_command_is_ended_after_its_time(shelf: Shelf, world: World) -> None:
    shelf.commands(_command("sleep 60", "timeout_s = 1"))

    assert (await _run(shelf, world, "lookup")).status == "timeout"


async def test_a_command_sees_the_variables_that_it_names_and_no_other_secret(
    shelf: Shelf, world: World
) -> None:
    shelf.commands(_command('echo "$TRACKER_TOKEN-$OTHER_TOKEN"', "environment=['TRACKER_TOKEN']"))
    offered = shelf.found(TRACKER_TOKEN="t-0", OTHER_TOKEN="t-1")["lookup"].tool

    outcome = await offered.run({}, world.context())

    assert outcome.text == "t-0-\n[exit code 0]"


async def test_parameters_that_do_not_fit_the_schema_start_nothing(
    shelf: Shelf, world: World
) -> None:
    schema = "[lookup.parameters]\ntype='object'\nrequired=['n']\nproperties.n.type='integer'"
    shelf.commands(_command("touch ran", f"\n{schema}"))

    with pytest.raises(ToolFailure, match="n: 'x' is not of type 'integer'"):
        await _run(shelf, world, "lookup", n="x")

    assert not (Path(world.workspace.root) / "ran").exists()


@covers("R-OWN-3")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[lookup]\ncommand = ['lookup']", "line 1: lookup: command: expected a list that begins"),
        ("[lookup]\ncommand = []", "command: expected a list"),
        ("[lookup]", "missing required field `command`"),
        ("\n[lookup]\ncommand = 'x'", "line 2: lookup: Expected `array`"),
        ("[lookup]\ncommand = ['/x']\nfrob = 1", "unknown field `frob`"),
        ("[lookup]\ncommand = ['/x']\neffect = 'none'", "Invalid enum value 'none'"),
        ("[lookup]\ncommand = ['/x']\ntimeout_s = 0", "timeout_s: expected 1 to 1800"),
        ("[ReadFile]\ncommand = ['/x']", "'ReadFile': there is a built-in tool of this name"),
        ("[readfile]\ncommand = ['/x']", "there is a built-in tool of this name"),
        ("['a b']\ncommand = ['/x']", "a tool's name matches"),
        ("[lookup]\ncommand=['/x']\nparameters={type='string'}", "the JSON Schema of an object"),
        (
            "[lookup]\ncommand=['/x']\nparameters={'$ref'='http://example.org'}",
            "no reference to elsewhere",
        ),
        ("[lookup", "tools.toml: "),
        ("lookup = 1", "Expected `object`"),
    ],
)
def test_a_definition_that_is_wrong_is_named_with_its_file(
    shelf: Shelf, text: str, words: str
) -> None:
    shelf.commands(text)

    with pytest.raises(UsageError, match=r"tools\.toml") as raised:
        shelf.found()

    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def (", "SyntaxError"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("from executor.own_tools import tool\n@tool\ndef f(x): ...", "has no type hint"),
        ("from executor.own_tools import tool\n@tool\ndef f(*x: int): ...", r"\*args"),
        ("from executor.own_tools import tool\n@tool\ndef Shell(): ...", "there is a built-in"),
        ("raise SystemExit(9)", "issues.py"),
    ],
)
def test_a_file_that_can_not_be_offered_is_named(shelf: Shelf, source: str, words: str) -> None:
    shelf.python(source)

    with pytest.raises(UsageError, match=words) as raised:
        shelf.found()

    assert "issues.py" in str(raised.value)


def test_two_tools_of_one_name_are_refused_with_both_places(shelf: Shelf) -> None:
    shelf.python(ISSUES)
    shelf.commands("[shout]\ncommand = ['/bin/echo']")

    with pytest.raises(UsageError, match=r"issues\.py: there is a tool 'shout' already, in .*toml"):
        shelf.found()


def test_where_there_are_none_nothing_is_started(shelf: Shelf) -> None:
    assert shelf.found() == {}
    assert not shelf.state.exists()
