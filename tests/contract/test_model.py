"""What every Model keeps, whatever answers: one suite over each implementation."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from maestro.domain.conversation import (
    AssistantTurn,
    ModelRequest,
    ReasoningDelta,
    Reply,
    Retrying,
    TextDelta,
    UserTurn,
)
from maestro.errors import ModelError
from maestro.llm.chat_completions import ChatCompletions
from maestro.llm.opening import ModelSettings, open_model
from maestro.llm.providers import resolve
from maestro.llm.replay import ReplayModel
from maestro.llm.streaming import parts_of
from maestro.llm.timeouts import Timeouts
from maestro.ports import Model
from tests.scripted_model import ScriptedModel, call, calls, error, reasoning, text

ENVIRONMENT = {"OPENAI_API_KEY": "sk-test-0000"}
SCRIPT = [
    reasoning("Hm", ".", then=text("I ", "look.")),
    calls(call("Shell", command="ls"), call("Shell", command="pwd")),
    error(400, "no more"),
]
RECORDING = """\
{"recording": 1}
{"reasoning": "Hm.", "text": "I look."}
"""

Opening = Callable[[Path], AbstractAsyncContextManager[tuple[Model, str]]]


@contextlib.asynccontextmanager
async def _chat_completions(_: Path) -> AsyncGenerator[tuple[Model, str]]:
    async with ScriptedModel(SCRIPT) as server:
        target = resolve("m", ENVIRONMENT, server.base_url)
        yield ChatCompletions(target.endpoint, Timeouts()), target.name


@contextlib.asynccontextmanager
async def _opened(_: Path) -> AsyncGenerator[tuple[Model, str]]:
    async with ScriptedModel(SCRIPT) as server:
        opened = open_model(ModelSettings("m", server.base_url, ENVIRONMENT))
        yield opened.model, opened.name


@contextlib.asynccontextmanager
async def _recording(folder: Path) -> AsyncGenerator[tuple[Model, str]]:
    async with ScriptedModel(SCRIPT) as server:
        record = folder / "recording.jsonl"
        opened = open_model(ModelSettings("m", server.base_url, ENVIRONMENT, record=record))
        yield opened.model, opened.name


@contextlib.asynccontextmanager
async def _replay(folder: Path) -> AsyncGenerator[tuple[Model, str]]:
    path = folder / "session.jsonl"
    path.write_text(RECORDING, encoding="utf-8")
    model = ReplayModel(path)
    yield model, model.name


@pytest.fixture(
    params=[
        pytest.param(_chat_completions, id="chat_completions"),
        pytest.param(_opened, id="routed_and_retrying"),
        pytest.param(_recording, id="recording"),
        pytest.param(_replay, id="replay"),
    ]
)
async def opened(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[tuple[Model, str]]:
    opening: Opening = request.param
    async with opening(tmp_path) as (model, name):
        try:
            yield model, name
        finally:
            await model.close()


def _asking(name: str) -> ModelRequest:
    return ModelRequest(name, "You are a test.", (UserTurn("hello"),), ())


async def test_the_reply_is_the_last_part_and_holds_what_streamed(
    opened: tuple[Model, str],
) -> None:
    model, name = opened
    parts = [part async for part in model.generate(_asking(name))]

    *deltas, last = parts
    assert isinstance(last, Reply)
    assert not any(isinstance(part, Reply | Retrying) for part in deltas)
    assert (last.text, last.reasoning, last.finish) == ("I look.", "Hm.", "stop")
    assert "".join(part.text for part in deltas if isinstance(part, TextDelta)) == last.text
    thought = "".join(part.text for part in deltas if isinstance(part, ReasoningDelta))
    assert thought == last.reasoning


async def test_a_generation_may_be_left_at_any_part(opened: tuple[Model, str]) -> None:
    model, name = opened
    async with parts_of(model, _asking(name)) as parts:
        first = await anext(parts)

    assert isinstance(first, ReasoningDelta)


async def test_its_own_name_can_be_had_and_a_strangers_cannot(opened: tuple[Model, str]) -> None:
    model, name = opened

    assert model.refusal(name) is None
    assert model.refusal("nobody/none")


async def test_what_fails_for_good_is_a_model_error(opened: tuple[Model, str]) -> None:
    model, name = opened
    # All scripts are used up by the third generation; a recording by a longer conversation.
    with pytest.raises(ModelError) as caught:
        await _ask_to_the_end(model, name)

    assert caught.value.kind == "bad_request"
    assert caught.value.message


async def _ask_to_the_end(model: Model, name: str) -> None:
    for _ in SCRIPT:
        async for _ in model.generate(_beyond(name)):
            pass


def _beyond(name: str) -> ModelRequest:
    turns = (UserTurn("hello"), AssistantTurn("I look."), UserTurn("more"))
    return ModelRequest(name, "You are a test.", turns, ())
