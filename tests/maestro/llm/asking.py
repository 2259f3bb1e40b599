"""Short ways to ask a model in a test."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from maestro.domain.conversation import (
    ModelRequest,
    ReasoningDelta,
    Reply,
    ReplyPart,
    TextDelta,
    Turn,
    UserTurn,
)
from maestro.errors import ModelError
from maestro.llm.chat_completions import ChatCompletions
from maestro.llm.providers import Endpoint, Price, Quirks
from maestro.llm.timeouts import Timeouts
from maestro.ports import Model
from tests.scripted_model import ScriptedModel

KEY = "sk-test-0000"


def asking(*turns: Turn, model: str = "openai/scripted") -> ModelRequest:
    return ModelRequest(model, "You are a test.", turns or (UserTurn("hello"),), ())


def client_of(
    server: ScriptedModel,
    *,
    timeouts: Timeouts | None = None,
    prices: dict[str, Price] | None = None,
) -> AbstractAsyncContextManager[ChatCompletions]:
    return client_at(server.base_url, timeouts=timeouts, prices=prices)


@contextlib.asynccontextmanager
async def client_at(
    base_url: str,
    *,
    timeouts: Timeouts | None = None,
    prices: dict[str, Price] | None = None,
) -> AsyncGenerator[ChatCompletions]:
    endpoint = Endpoint("openai", base_url, KEY, Quirks(), prices or {})
    client = ChatCompletions(endpoint, timeouts or Timeouts())
    try:
        yield client
    finally:
        await client.close()


async def parts_from(model: Model, request: ModelRequest | None = None) -> list[ReplyPart]:
    return [part async for part in model.generate(request or asking())]


def joined(parts: list[ReplyPart]) -> list[ReplyPart]:
    """Neighbours of one kind as one: where text is cut depends on what was read at once."""
    found: list[ReplyPart] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, TextDelta) and isinstance(last, TextDelta):
            found[-1] = TextDelta(last.text + part.text)
        elif isinstance(part, ReasoningDelta) and isinstance(last, ReasoningDelta):
            found[-1] = ReasoningDelta(last.text + part.text)
        else:
            found.append(part)
    return found


async def reply_from(model: Model, request: ModelRequest | None = None) -> Reply:
    last = (await parts_from(model, request))[-1]
    assert isinstance(last, Reply)
    return last


async def failure_of(
    model: Model, request: ModelRequest | None = None
) -> tuple[list[ReplyPart], ModelError]:
    """The parts before a ModelError, and the error."""
    parts: list[ReplyPart] = []
    try:
        async for part in model.generate(request or asking()):
            parts += [part]
    except ModelError as error:
        return parts, error
    raise AssertionError(f"no error after {parts}")
