"""The frames that the user of this project gave, exactly as written, against the real maestro."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.interaction.world import frames_until, tool_answers, world
from tests.maestro.edge.stage import Json, Peer
from tests.protocol.test_bare_executor import run_example
from tests.requirements import covers
from tests.scripted_model import call, calls, text

HANDSHAKE = (
    '{"type":"handshake","payload":{"client_type":"cli","initial_prompt":"crie um endpoint REST",'
    '"known_tools":["Shell","ReadFile","WriteFile","Edit"],"custom_tools":[],'
    '"project_spec":{"content":"...","file_paths":["src/","package.json"]}}}'
)


async def start(peer: Peer, **changes: Any) -> Json:
    """Send the user's handshake, with these payload fields changed; its `session_started`."""
    handshake = json.loads(HANDSHAKE)
    handshake["payload"].update(changes)
    await peer.socket.send(json.dumps(handshake))
    return await peer.until("session_started")


async def answer(peer: Peer, frame: Json, result: str = "ok", status: str = "success") -> None:
    """The user's own `tool_result` for a `run_tool`."""
    asked = frame["payload"]
    await peer.send(
        "tool_result",
        {
            "tool_id": asked["tool_id"],
            "status": status,
            "result": result,
            "generation_id": asked["generation_id"],
        },
    )


async def answer_bootstrap(peer: Peer, count: int = 2) -> list[Json]:
    asked = [await peer.until("run_tool") for _ in range(count)]
    for frame in asked:
        await answer(peer, frame, "known")
    return asked


@covers("R-WIRE-1", "R-WIRE-2", "R-WIRE-3")
async def test_the_users_handshake_is_answered_by_its_start_its_bootstrap_and_the_loop(
    tmp_path: Path,
) -> None:
    script = [calls(call("WriteFile", file_path="api.py", content="app")), text("Feito.")]
    async with world(tmp_path, script) as here, here.connected() as peer:
        await peer.socket.send(HANDSHAKE)
        started = await peer.receive()
        bootstrap = [await peer.until("run_tool") for _ in range(2)]
        for frame in bootstrap:
            await answer(peer, frame)
        asked = await peer.until("run_tool")
        await answer(peer, asked, "Wrote api.py.")
        finished = await peer.until("run_finished")

    assert started["type"] == "session_started"
    assert started["payload"]["tools_accepted"] == ["Shell", "ReadFile", "WriteFile", "Edit"]
    assert [frame["payload"] | {"tool_id": ""} for frame in bootstrap] == [
        {
            "tool_name": "ReadFile",
            "tool_id": "",
            "generation_id": "bootstrap",
            "parameters": {"file_path": ".codegen/plan.md"},
        },
        {
            "tool_name": "Shell",
            "tool_id": "",
            "generation_id": "bootstrap",
            "parameters": {"command": "git log --oneline -10"},
        },
    ]
    assert asked["payload"]["tool_name"] == "WriteFile"
    assert asked["payload"]["parameters"] == {"file_path": "api.py", "content": "app"}
    assert finished["payload"]["outcome"] == "success"
    assert finished["payload"]["summary"] == "Feito."
    assert tool_answers(here.model.requests[1]) == ["Wrote api.py."]


BOOTSTRAPS: list[tuple[list[str], list[tuple[str, Json]]]] = [
    ([], []),
    (["Edit"], []),
    (["GetWorkingDirectory", "Grep"], [("GetWorkingDirectory", {})]),
    (
        ["Shell", "ReadFile", "ReadFolder", "GetWorkingDirectory"],
        [
            ("GetWorkingDirectory", {}),
            ("ReadFolder", {"dir_path": "."}),
            ("ReadFile", {"file_path": ".codegen/plan.md"}),
            ("Shell", {"command": "git log --oneline -10"}),
        ],
    ),
]


@covers("R-WIRE-4")
@pytest.mark.parametrize(("known", "asked"), BOOTSTRAPS)
async def test_the_bootstrap_asks_exactly_what_this_executor_knows(
    known: list[str], asked: list[tuple[str, Json]], tmp_path: Path
) -> None:
    async with world(tmp_path, [text("Done.")]) as here, here.connected() as peer:
        await start(peer, known_tools=known)
        made = await answer_bootstrap(peer, len(asked))
        rest = await frames_until(peer, "run_finished")

    assert [(one["payload"]["tool_name"], one["payload"]["parameters"]) for one in made] == asked
    assert [frame for frame in rest if frame["type"] == "run_tool"] == []


@covers("R-WIRE-5")
async def test_what_the_bootstrap_found_and_the_spec_says_stand_before_the_prompt(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, [text("Done.")]) as here, here.connected() as peer:
        await start(peer, known_tools=["ReadFolder"])
        await answer(peer, await peer.until("run_tool"), "package.json  12 bytes")
        await peer.until("run_finished")

    roles = here.model.requests[0].roles
    context, prompt = (one["content"] for one in here.model.requests[0].messages[1:])
    assert roles == ["system", "user", "user"]
    assert prompt == "crie um endpoint REST"
    assert "<project_instructions>\n...\n</project_instructions>" in context
    assert "<project_files>\nsrc/\npackage.json\n</project_files>" in context
    assert '<observation of="ReadFolder .">\npackage.json  12 bytes\n</observation>' in context


@covers("R-WIRE-6")
async def test_live_text_reaches_the_executor_as_deltas_of_its_generation(tmp_path: Path) -> None:
    async with world(tmp_path, [text("Hel", "lo.")]) as here, here.connected() as peer:
        await start(peer, known_tools=[])
        frames = await frames_until(peer, "run_finished")

    deltas = [frame["payload"] for frame in frames if frame["type"] == "agent_message_delta"]
    whole = next(frame["payload"] for frame in frames if frame["type"] == "agent_message")
    assert "".join(delta["content"] for delta in deltas) == "Hello." == whole["content"]
    assert {delta["generation_id"] for delta in deltas} == {whole["generation_id"]}


WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "effect": "network",
}


@covers("R-WIRE-7", "R-WIRE-8")
async def test_a_custom_tool_is_offered_and_called_once_its_arguments_fit_its_schema(
    tmp_path: Path,
) -> None:
    script = [
        calls(call("weather", city="Lisboa", days=0)),
        calls(call("weather", city="Lisboa", days=2)),
        text("Sunny."),
    ]
    async with world(tmp_path, script) as here, here.connected() as peer:
        started = await start(peer, known_tools=[], custom_tools=[WEATHER])
        asked = await peer.until("run_tool")
        await answer(peer, asked, "sun")
        await peer.until("run_finished")

    offered = {
        one["function"]["name"]: one["function"] for one in here.model.requests[0].json["tools"]
    }
    assert started["payload"]["tools_accepted"] == ["weather"]
    assert offered["weather"] == {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": WEATHER["parameters"],
    }
    assert asked["payload"]["parameters"] == {"city": "Lisboa", "days": 2}
    refused, answered = tool_answers(here.model.requests[2])
    assert refused.startswith("Error (invalid_parameters)")
    assert "days" in refused
    assert answered == "sun"


async def test_results_may_come_in_any_order_and_reach_the_model_in_its_own(
    tmp_path: Path,
) -> None:
    script = [
        calls(*(call("ReadFile", file_path=name) for name in ("a", "b", "c"))),
        text("Read."),
    ]
    async with world(tmp_path, script) as here, here.connected() as peer:
        await start(peer)
        await answer_bootstrap(peer)
        asked = [await peer.until("run_tool") for _ in range(3)]
        for frame in reversed(asked):
            await answer(peer, frame, f"content of {frame['payload']['parameters']['file_path']}")
        await peer.until("run_finished")

    assert tool_answers(here.model.requests[1]) == ["content of a", "content of b", "content of c"]


async def refusals_of_forged_results(peer: Peer, asked: Json) -> list[str]:
    codes: list[str] = []
    for changed in ({"tool_id": "never-issued"}, {"generation_id": "another"}):
        await answer(peer, {"payload": asked["payload"] | changed}, "forged")
        codes.append((await peer.until("error"))["payload"]["code"])
    return codes


@covers("R-WIRE-9")
async def test_a_result_of_an_unknown_call_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    script = [calls(call("Shell", command="ls")), text("Done.")]
    async with world(tmp_path, script) as here, here.connected() as peer:
        await start(peer)
        await answer_bootstrap(peer)
        asked = await peer.until("run_tool")
        codes = await refusals_of_forged_results(peer, asked)
        await answer(peer, asked, "real")
        await peer.until("run_finished")

    assert codes == ["unknown_call", "unknown_call"]
    assert tool_answers(here.model.requests[1]) == ["real"]


@covers("R-WIRE-10")
@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ('{"type":"tool_result","payload":{"tool_id":7}}', "tool_id"),
        ('{"type":"user_message","payload":{}}', "content"),
        ("{", ""),
        ('{"type":"interrupt","payload":{"reason":[]}}', "reason"),
    ],
)
async def test_a_malformed_frame_is_answered_with_its_field_and_the_session_lives_on(
    frame: str, named: str, tmp_path: Path
) -> None:
    script = [calls(call("Shell", command="ls")), text("Done.")]
    async with world(tmp_path, script) as here, here.connected() as peer:
        await start(peer)
        await answer_bootstrap(peer)
        asked = await peer.until("run_tool")
        await peer.socket.send(frame)
        error = (await peer.until("error"))["payload"]
        await answer(peer, asked)
        finished = await peer.until("run_finished")

    assert error["code"] == "bad_frame"
    assert named in error["message"]
    assert finished["payload"]["outcome"] == "success"


@covers("R-WIRE-12")
async def test_an_executor_without_a_line_of_ours_works_to_the_end(tmp_path: Path) -> None:
    script = [
        calls(
            call("WriteFile", file_path="app/api.py", content="def get(): ...\n"),
            call("Edit", file_path="app/api.py", old_string="...", new_string="return 1"),
            call("Shell", command="cat app/api.py"),
        ),
        text("Feito."),
    ]
    async with world(tmp_path, script) as here:
        address = here.address.replace("http", "ws", 1)
        ended = await run_example(address, here.project, "--yes")

    assert ended == (0, "Feito.\n")
    assert (here.project / "app" / "api.py").read_text() == "def get(): return 1\n"
    assert tool_answers(here.model.requests[1])[2].startswith("def get(): return 1\n")


@covers("R-WIRE-11")
async def test_a_second_run_follows_a_user_message_on_the_same_socket(tmp_path: Path) -> None:
    async with world(tmp_path, [text("One."), text("Two.")]) as here, here.connected() as peer:
        await start(peer, known_tools=[])
        await peer.until("run_finished")
        await peer.send("user_message", {"content": "and more"})
        finished = await peer.until("run_finished")

    assert finished["payload"]["summary"] == "Two."
    assert here.model.requests[1].roles == ["system", "user", "user", "assistant", "user"]
