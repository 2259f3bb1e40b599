"""Short ways to ask a model in a test."""

import contextlib
from collections.abc import AsyncGenerator

from maestro.domain.conversation import ModelRequest, Reply, ReplyPart, Turn, UserTurn
from maestro.errors import ModelError
from maestro.llm.chat_completions import ChatCompletions
from maestro.llm.providers import Endpoint, Price, Quirks
from maestro.llm.timeouts import Timeouts
from maestro.ports import Model
from tests.scripted_model import ScriptedModel

KEY = "sk-test-0000"


def asking(*turns: Turn, model: str = "openai/scripted") -> ModelRequest:
    return ModelRequest(model, "You are a test.", turns or (UserTurn("hello"),), ())


@contextlib.asynccontextmanager
async def client_of(
    server: ScriptedModel,
    *,
    quirks: Quirks | None = None,
    timeouts: Timeouts | None = None,
    prices: dict[str, Price] | None = None,
) -> AsyncGenerator[ChatCompletions]:
    endpoint = Endpoint("openai", server.base_url, KEY, quirks or Quirks(), prices or {})
    client = ChatCompletions(endpoint, timeouts or Timeouts())
    try:
        yield client
    finally:
        await client.close()


async def parts_from(model: Model, request: ModelRequest | None = None) -> list[ReplyPart]:
    return [part async for part in model.generate(request or asking())]


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
            parts.append(part)  # noqa: PERF401 - what came before the error is kept
    except ModelError as error:
        return parts, error
    raise AssertionError(f"no error after {parts}")
