"""What a model gets wrong is told to it, and a model that gets nothing right is stopped."""

from pathlib import Path

import pytest

from maestro.domain.conversation import AssistantTurn, ModelCall, Reply, ToolTurn, UserTurn
from maestro.domain.events import MAESTRO, PlanChanged, ToolAnswered, ToolAsked
from protocol.from_executor import CustomTool
from protocol.wire import PlanStep
from tests.maestro.bench import git, open_bench


async def test_what_the_model_does_wrong_is_told_to_it_in_the_same_append(tmp_path: Path) -> None:
    bad = (
        ModelCall("1", "Gti", "{}"),
        ModelCall("2", "Git", '{"args": ["log"}'),
        ModelCall("3", "Git", '{"args": ["a"], "args": []}'),
        ModelCall("4", "Git", '{"args": 5}'),
        ModelCall("5", "Git", '{"args": ["log"], "colour": true}'),
        ModelCall("6", "Git", ""),
        ModelCall("7", "Git", '{"args": ["' + "x" * 1_100_000 + '"]}'),
        ModelCall("8", "Git", '{"args": [NaN]}'),
        ModelCall("9", "Git", '{"args": ["log"]} {}'),
    )
    async with open_bench(tmp_path, [Reply("", bad)]) as bench:
        session_id = await bench.open()
        await bench.run(session_id)

        turns = bench.model.requests[1].turns
        assert [turn.text for turn in turns if isinstance(turn, ToolTurn)] == [
            "Error (unknown_tool): There is no tool 'Gti'. The tools are: Git, UpdatePlan.",
            (
                "Error (invalid_parameters): The arguments must be one JSON object: not JSON: "
                "Expecting ',' delimiter, at character 15. Around it you wrote: "
                '\'{"args": ["log"}\''
            ),
            (
                "Error (invalid_parameters): The arguments must be one JSON object: "
                'duplicate key "args".'
            ),
            (
                "Error (invalid_parameters): Expected `array`, got `int` - at `$.args`. "
                "Parameters of Git: args."
            ),
            (
                "Error (invalid_parameters): Object contains unknown field `colour`. "
                "Parameters of Git: args."
            ),
            (
                "Error (invalid_parameters): Object missing required field `args`. "
                "Parameters of Git: args."
            ),
            (
                "Error (too_large): The arguments take more than 1044480 bytes. Do it in several "
                "smaller calls."
            ),
            "Error (invalid_parameters): The arguments must be one JSON object: NaN is not JSON.",
            (
                "Error (invalid_parameters): The arguments must be one JSON object: not JSON: "
                'Extra data, at character 18. Around it you wrote: \'{"args": ["log"]} {}\''
            ),
        ]
        asked = [e for e in await bench.events(session_id) if isinstance(e, ToolAsked)]
        assert {call.bound_to for call in asked} == {MAESTRO}
        assistant = turns[1]
        assert isinstance(assistant, AssistantTurn)
        assert [call.arguments for call in assistant.calls][:4] == [
            "{}",
            "{}",
            '{"args": ["a"], "args": []}',
            '{"args": 5}',
        ]


async def test_three_replies_without_a_valid_call_end_the_run(tmp_path: Path) -> None:
    scripts = [Reply("", (ModelCall("1", f"Nope{i}", "{}"),)) for i in range(5)]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open()
        await bench.run(session_id)

        assert await bench.ends(session_id) == [("error", "tool_protocol")]
        assert len(bench.model.requests) == 3


async def test_an_empty_answer_is_nudged_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [Reply(" "), Reply("Done."), Reply(""), Reply("")]) as bench:
        session_id = await bench.open()
        held = await bench.run(session_id)
        assert isinstance(bench.model.requests[1].turns[-1], UserTurn)
        assert bench.model.requests[1].turns[-1].text.startswith("Your reply was empty.")
        await bench.say(session_id, "again")
        await bench.run(session_id, held)

        assert await bench.ends(session_id) == [("success", "completed"), ("error", "model_error")]


async def test_the_plan_is_carried_out_by_the_maestro(tmp_path: Path) -> None:
    call = ModelCall("1", "UpdatePlan", '{"steps": [{"title": "look", "status": "active"}]}')
    async with open_bench(tmp_path, [Reply("", (call, git("log", "2")))]) as bench:
        session_id = await bench.open()
        held = await bench.run(session_id)

        assert held.transcript.plan == (PlanStep("look", "active"),)
        events = await bench.events(session_id)
        assert PlanChanged((PlanStep("look", "active"),)) in events
        answers = [turn for turn in bench.model.requests[1].turns if isinstance(turn, ToolTurn)]
        assert [turn.text for turn in answers] == ["The plan is shown.", "ok"]


async def test_a_custom_tool_is_offered_and_its_arguments_are_checked(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"env": {"enum": ["dev", "prod"]}},
        "required": ["env"],
        "additionalProperties": False,
    }
    tool = CustomTool("deploy", "Deploys.", schema)
    calls = (
        ModelCall("1", "deploy", '{"env": "moon"}'),
        ModelCall("2", "deploy", '{"env": "dev"}'),
    )
    async with open_bench(tmp_path, [Reply("", calls)]) as bench:
        session_id = await bench.open(tools=(), custom=(tool,))
        await bench.run(session_id)

        assert [spec.name for spec in bench.model.requests[0].tools] == ["UpdatePlan", "deploy"]
        answers = [turn for turn in bench.model.requests[1].turns if isinstance(turn, ToolTurn)]
        assert [turn.text for turn in answers] == [
            (
                "Error (invalid_parameters): 'moon' is not one of ['dev', 'prod'] - at `$.env`. "
                "Parameters of deploy: env."
            ),
            "ok",
        ]


async def test_five_hundred_calls_in_one_reply_are_all_answered(tmp_path: Path) -> None:
    calls = tuple(git(f"log{i}", "same id") for i in range(500))
    async with open_bench(tmp_path, [Reply("", calls)]) as bench:
        session_id = await bench.open()
        await bench.run(session_id)

        turns = bench.model.requests[1].turns
        answers = [turn for turn in turns if isinstance(turn, ToolTurn)]
        assert len({turn.call_id for turn in answers}) == 500
        assert sum(turn.text == "ok" for turn in answers) == 64


@pytest.mark.parametrize(
    ("size", "max_frame_bytes", "sent"),
    [(20_000, 16_384, False), (20_000, None, True), (1_100_000, 2_000_000, True)],
)
async def test_a_call_fits_into_what_its_executor_reads(
    tmp_path: Path, size: int, max_frame_bytes: int | None, sent: bool
) -> None:
    call = ModelCall("1", "Git", '{"args": ["' + "x" * size + '"]}')
    async with open_bench(tmp_path, [Reply("", (call,))]) as bench:
        session_id = await bench.open(max_frame_bytes=max_frame_bytes)
        await bench.run(session_id)
        [asked] = [e for e in await bench.events(session_id) if isinstance(e, ToolAsked)]
        [answer] = [e for e in await bench.events(session_id) if isinstance(e, ToolAnswered)]

    assert (asked.bound_to == MAESTRO, answer.status) == (not sent, "success" if sent else "error")
