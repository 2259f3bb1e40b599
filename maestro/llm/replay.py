"""Models that write a recording while they answer, and that answer from one.

A replay keeps no state: what it says follows from how many replies the conversation holds. Knows
nothing of the file's format.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

import msgspec

from maestro.domain.conversation import (
    AssistantTurn,
    ModelCall,
    ModelRequest,
    ReasoningDelta,
    Reply,
    ReplyPart,
    Retrying,
    TextDelta,
    ToolTurn,
)
from maestro.errors import ModelError
from maestro.llm.recording import (
    MAX_PACE,
    After,
    RecordedCall,
    RecordedReply,
    RecordingFile,
    Step,
    read,
)
from maestro.llm.streaming import parts_of
from maestro.ports import Model

PREFIX = "replay:"
LONGEST_PAUSE = 0.05
"""Seconds between two parts of a replay, however long the model had thought."""
UNPACED = 12
"""Characters of a part where a recording says nothing of its pace (a line written by hand)."""
UNPACED_MS = 15


class RecordingModel:
    """Passes everything on and appends each whole reply to a file."""

    def __init__(self, model: Model, path: Path) -> None:
        self._model = model
        self._file = RecordingFile(path)

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        pace = _Pace()
        async with parts_of(self._model, request) as parts:
            async for part in parts:
                pace.add(part)
                if isinstance(part, Reply):
                    self._file.append(_recorded(part, request, pace.steps))
                yield part

    def refusal(self, name: str) -> str | None:
        return self._model.refusal(name)

    async def close(self) -> None:
        self._file.close()
        await self._model.close()


class ReplayModel:
    """Answers from a recording, whatever the tools' answers were."""

    def __init__(self, path: Path, *, longest_pause: float = LONGEST_PAUSE) -> None:
        """Raises SettingsError when the file can't be read. `longest_pause` 0: all at once."""
        self.name = f"{PREFIX}{path}"
        self._path = path
        self._replies = read(path)
        self._longest_pause = longest_pause

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        place = _place(request)
        reply = self._reply(place, request)
        for pause, part in _parts(reply):
            if self._longest_pause:
                await asyncio.sleep(min(pause, self._longest_pause))
            yield part
        calls = tuple(
            ModelCall(f"call_{place}_{index}", call.name, _arguments(call))
            for index, call in enumerate(reply.calls)
        )
        yield Reply(
            text=reply.text,
            calls=calls,
            finish=reply.finish or ("calls" if calls else "stop"),
            usage=reply.usage,
            reasoning=reply.reasoning,
            model=reply.model or self.name,
        )

    def refusal(self, name: str) -> str | None:
        if name == self.name:
            return None
        return f"a recording is played back ({self._path}); no other model can be had"

    async def close(self) -> None:
        """Holds nothing open."""

    def _reply(self, place: int, request: ModelRequest) -> RecordedReply:
        if place >= len(self._replies):
            held = f"{len(self._replies)} replies, and the conversation asks for one more"
            raise ModelError("bad_request", f"the recording {self._path} holds {held}")
        reply = self._replies[place]
        after = _after(request)
        if reply.after not in {None, after}:
            words = f"reply {place + 1} answers a {reply.after} message, and this is a {after} one"
            raise ModelError("bad_request", f"the recording {self._path} went another way: {words}")
        return reply


class _Pace:
    """The timing of a reply while it streams."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._last = time.monotonic()

    def add(self, part: ReplyPart) -> None:
        match part:
            case TextDelta(text=text):
                self._step("text", text)
            case ReasoningDelta(text=text):
                self._step("reasoning", text)
            case Retrying():
                self.steps.clear()
            case Reply():
                pass

    def _step(self, kind: str, text: str) -> None:
        now = time.monotonic()
        if text and len(self.steps) < MAX_PACE:
            waited = int((now - self._last) * 1000)
            self.steps.append((waited, "text" if kind == "text" else "reasoning", len(text)))
        self._last = now


def _recorded(reply: Reply, request: ModelRequest, pace: Sequence[Step]) -> RecordedReply:
    return RecordedReply(
        text=reply.text,
        calls=tuple(RecordedCall(call.name, _parsed(call.arguments)) for call in reply.calls),
        reasoning=reply.reasoning,
        finish=reply.finish,
        usage=reply.usage,
        model=reply.model,
        after=_after(request),
        at=_place(request),
        pace=tuple(pace),
    )


def _place(request: ModelRequest) -> int:
    """How many replies the conversation holds already."""
    return sum(isinstance(turn, AssistantTurn) for turn in request.turns)


def _after(request: ModelRequest) -> After:
    return "tool" if request.turns and isinstance(request.turns[-1], ToolTurn) else "user"


def _parts(reply: RecordedReply) -> Iterator[tuple[float, TextDelta | ReasoningDelta]]:
    """Seconds to wait, and what comes then; all of the text and reasoning in the end."""
    reasoning, text = reply.reasoning, reply.text
    for waited, kind, length in reply.pace or _unpaced(reply):
        if kind == "reasoning":
            piece, reasoning = reasoning[:length], reasoning[length:]
        else:
            piece, text = text[:length], text[length:]
        if piece:
            yield waited / 1000, ReasoningDelta(piece) if kind == "reasoning" else TextDelta(piece)
    if reasoning:
        yield 0.0, ReasoningDelta(reasoning)
    if text:
        yield 0.0, TextDelta(text)


def _unpaced(reply: RecordedReply) -> Iterator[Step]:
    for _ in range(0, len(reply.reasoning), UNPACED):
        yield UNPACED_MS, "reasoning", UNPACED
    for _ in range(0, len(reply.text), UNPACED):
        yield UNPACED_MS, "text", UNPACED


def _arguments(call: RecordedCall) -> str:
    if isinstance(call.arguments, str):
        return call.arguments
    return msgspec.json.encode(call.arguments).decode()


def _parsed(arguments: str) -> dict[str, object] | str:
    """The object, which reads better in the file; whatever else it is stays text."""
    try:
        return msgspec.json.decode(arguments, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return arguments
