"""Open the model side that the settings choose, and load its client ahead of the first request.

Knows which process needs a model at all; what one is, `llm` knows.
"""

import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.errors import KeyMissing, ModelError
from maestro.llm import chat_completions
from maestro.llm.opening import ModelSettings, OpenedModel, open_model
from maestro.settings import ModelChoice, Role

GARBAGE_AFTER = 10_000
"""Objects that may be made before those made last are looked through (Python's own number: 700)."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_choice(
    choice: ModelChoice, role: Role, *, shared: bool
) -> AsyncGenerator[OpenedModel]:
    """The model of this process, closed at the end; an edge has none and needs no key.

    `shared`: by several people, whose wishes are bounded.
    """
    if role == "edge":
        opened = OpenedModel(NoModel(), "")
    else:
        opened = open_model(_settings(choice, shared=shared))
    _warn(opened)
    try:
        yield opened
    finally:
        await opened.model.close()


@asynccontextmanager
async def open_or_explain(choice: ModelChoice, *, shared: bool) -> AsyncGenerator[OpenedModel]:
    """As `open_choice`, but without a key every request is answered with what is missing."""
    try:
        opened = open_model(_settings(choice, shared=shared))
    except KeyMissing as error:
        log.warning("model_key_missing", missing=str(error))
        opened = OpenedModel(KeylessModel(str(error)), choice.model or "", str(error))
    _warn(opened)
    try:
        yield opened
    finally:
        await opened.model.close()


def warm_up() -> None:
    """Import the client in the background: it takes most of a second."""
    threading.Thread(target=_warm, name="warm-up", daemon=True).start()


def _warm() -> None:
    chat_completions.warm()
    # What is loaded stays. Looking through it for garbage would stop every session for 30 ms each
    # time, and took a tenth of the processor under load.
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 10, 10)


class NoModel:
    """Of an edge: workers elsewhere have the keys, and the last word on what may be wished."""

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        raise ModelError("not_found", f"an edge makes no generations ({request.model})")
        yield  # an async generator

    def refusal(self, _name: str) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""


class KeylessModel:
    """Of a server whose operator has set no key yet: every run ends with what is missing."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        raise ModelError("auth", f"{request.model or 'the model'}: {self._missing}")
        yield  # an async generator

    def refusal(self, _name: str) -> str | None:
        return self._missing

    async def close(self) -> None:
        """Nothing is open."""


def _warn(opened: OpenedModel) -> None:
    for name, why in opened.left_out.items():
        log.warning("fallback_left_out", model=name, missing=why)


def _settings(choice: ModelChoice, *, shared: bool) -> ModelSettings:
    return ModelSettings(
        model=choice.model,
        base_url=choice.base_url,
        environment=choice.environment,
        fallbacks=choice.fallbacks,
        record=choice.record,
        listed=choice.listed,
        shared=shared,
    )
