"""Where a run ends that would not end by itself, and what it has used up by then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.from_maestro import EndReason
from protocol.wire import Usage
from tests.interaction.world import world
from tests.requirements import covers
from tests.scripted_model import Fail, Recorded, Reply, Say, call, calls, error, hang, text
from tests.scripted_model.script import Call, Tokens


def a_new_call_each_time(request: Recorded) -> Reply:
    return calls(call("Shell", command=f"echo {len(request.messages)}"))


def the_same_call_for_ever(_request: Recorded) -> Reply:
    return calls(call("Shell", command="echo again"))


def nothing(_request: Recorded) -> Reply:
    return text()


def broken_arguments(_request: Recorded) -> Reply:
    return calls(Call("Shell", '{"command": '))


def an_unknown_tool(_request: Recorded) -> Reply:
    return calls(call("Telepathy"))


@covers("R-LIMIT-1", "R-LIMIT-2", "R-LIMIT-3", "R-LIMIT-4")
@pytest.mark.parametrize(
    ("model", "limits", "reason", "generations"),
    [
        (a_new_call_each_time, {"max_steps": 3}, "max_steps", 3),
        (a_new_call_each_time, {"max_tokens": 250}, "max_tokens", 3),
        (the_same_call_for_ever, {}, "loop", 4),
        (nothing, {}, "model_error", 2),
        (broken_arguments, {}, "tool_protocol", 3),
        (an_unknown_tool, {}, "tool_protocol", 3),
    ],
)
async def test_a_run_that_would_not_end_is_ended_for_its_reason(
    model: Callable[[Recorded], Reply],
    limits: dict[str, Any],
    reason: EndReason,
    generations: int,
    tmp_path: Path,
) -> None:
    async with world(tmp_path, model) as here, here.program(**limits) as program:
        over = await program.over()

    assert (over.finished.outcome, over.finished.reason) == ("error", reason)
    assert over.finished.summary
    assert len(here.model.requests) == generations
    assert over.usage == Usage(100 * generations, 0, 10 * generations)


@covers("R-LIMIT-5")
async def test_the_time_of_a_run_ends_also_a_command_that_hangs(tmp_path: Path) -> None:
    script = [calls(call("Shell", command="sleep 60"))]
    async with world(tmp_path, script) as here, here.program(max_seconds=1) as program:
        over = await program.over()

    assert over.finished.reason == "max_seconds"


@covers("R-LIMIT-5")
async def test_the_time_of_a_run_ends_also_a_generation_that_hangs(tmp_path: Path) -> None:
    script = [hang(text("Once"), after=1)]
    async with world(tmp_path, script) as here, here.program(max_seconds=1) as program:
        over = await program.over()

    assert over.finished.reason == "max_seconds"


@covers("R-LIMIT-6")
async def test_a_clients_limits_only_tighten_the_maestros(tmp_path: Path) -> None:
    async with (
        world(tmp_path, a_new_call_each_time, max_steps=2) as here,
        here.program(max_steps=50) as program,
    ):
        over = await program.over()

    assert over.finished.reason == "max_steps"
    assert len(here.model.requests) == 2


@covers("R-MODEL-2")
@pytest.mark.parametrize(
    "refusal",
    [
        error(401, "Incorrect API key provided: sk-test.", code="invalid_api_key"),
        error(404, "The model `scripted` does not exist.", code="model_not_found"),
        error(400, "This model's maximum context length is 10 tokens."),
    ],
)
async def test_a_refusal_of_the_provider_ends_the_run_in_its_own_words(
    refusal: Fail, tmp_path: Path
) -> None:
    async with world(tmp_path, [refusal]) as here, here.program() as program:
        over = await program.over()

    assert over.finished.reason == "model_error"
    assert refusal.message in over.finished.summary
    assert len(here.model.requests) == 1


@covers("R-MODEL-3")
async def test_a_busy_provider_is_waited_for_as_it_asks(tmp_path: Path) -> None:
    script = [
        error(429, "slow down", retry_after=0.05),
        error(503, "busy", retry_after=0),
        text("Here."),
    ]
    async with world(tmp_path, script) as here, here.program() as program:
        over = await program.over()

    assert over.text == "Here."
    assert len({request.body for request in here.model.requests}) == 1


@covers("R-LIMIT-3")
async def test_an_empty_answer_is_told_to_the_model_once(tmp_path: Path) -> None:
    script = [text(), text("Sorry, done.")]
    async with world(tmp_path, script) as here, here.program() as program:
        over = await program.over()

    assert over.text == "Sorry, done."
    assert "empty" in here.model.requests[1].messages[-1]["content"]


@covers("R-USAGE-1")
async def test_the_usage_of_a_run_is_the_sum_of_its_generations(tmp_path: Path) -> None:
    used = (Tokens(100, 0, 10, 3), Tokens(200, 100, 20, 5), Tokens(300, 200, 30, 7))
    look = Say(calls=(call("Shell", command="echo 1"),), tokens=used[0])
    again = Say(calls=(call("Shell", command="echo 2"),), tokens=used[1])
    script = [look, again, text("Done.", tokens=used[2]), text("More.", tokens=used[0])]
    async with world(tmp_path, script) as here, here.program() as program:
        first = await program.over()
        program.session.say("more")
        second = await program.over()

    assert first.usage == Usage(600, 300, 60, 15)
    assert second.usage == Usage(100, 0, 10, 3)
