"""Put the chunks of a Chat Completions stream together into the parts of one reply.

Tolerates what providers do to tool-call indices, ids and reasoning. Reads no bytes from a wire.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, cast

import msgspec

from maestro.domain.conversation import ModelCall, ReasoningDelta, Reply, TextDelta
from maestro.errors import ModelError
from maestro.llm import failures
from maestro.llm.sse import StreamTooLarge
from protocol.wire import Usage

MAX_CALLS = 1024
"""Calls of one reply; how many of them are carried out is not decided here."""

MAX_TOKENS = 10**9
MAX_COST = 1e6
"""US dollars. What a provider counts beyond these is no count, and no column holds any number."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None
    """A string; some servers send the object itself."""


class _CallDelta(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: int = 0


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Tokens(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cost: float | None = None
    """In US dollars, where the provider counts it itself."""


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Tokens | None = None
    model: str | None = None
    error: Any = None
    object: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode

_FINISHES: dict[str, Literal["stop", "calls", "length", "filter"]] = {
    "tool_calls": "calls",
    "function_call": "calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "filter",
}
_FAILED = frozenset({"error", "malformed_function_call", "insufficient_system_resource"})


class _Call:
    """One tool call, growing."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class Assembly:
    """The reply so far. `who` names the model in errors."""

    def __init__(self, who: str) -> None:
        self.done = False
        """The provider said that nothing follows."""
        self._who = who
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []
        self._at_index: dict[int, _Call] = {}
        self._finish: str | None = None
        self._usage = Usage()
        self._model = ""

    def add_all(self, events: Iterable[bytes]) -> Iterator[TextDelta | ReasoningDelta]:
        """What they show, joined where one kind follows itself; errors raise as in `add`.

        What was shown before an error, or by an error of `events` itself, comes before it.
        """
        kind: type[TextDelta | ReasoningDelta] = TextDelta
        texts: list[str] = []
        try:
            for event in events:
                for part in self.add(event):
                    if texts and type(part) is not kind:
                        yield kind("".join(texts))
                        texts = []
                    kind = type(part)
                    texts.append(part.text)
        except (ModelError, StreamTooLarge):
            if texts:
                yield kind("".join(texts))
            raise
        if texts:
            yield kind("".join(texts))

    def add(self, event: bytes) -> Iterator[TextDelta | ReasoningDelta]:
        """What one event shows; raises ModelError when it is an error or not a chunk at all."""
        if self.done or event == b"[DONE]":
            self.done = True
            return
        try:
            chunk = _decode(event)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._broken(f"an event that is not a chunk ({error})") from error
        if chunk.error is not None or chunk.object == "error":
            raise failures.from_event(self._who, chunk.error or msgspec.json.decode(event))
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._finish = choice.finish_reason or self._finish
                if choice.delta is not None:
                    yield from self._delta(choice.delta)

    @property
    def finished(self) -> bool:
        """The provider said why it stopped: the reply is whole."""
        return self._finish is not None

    def reply(self) -> Reply:
        """The whole; raises ModelError (broken_stream) when the stream ended before that."""
        if self._finish is None:
            raise self._broken("an end in the middle of the reply")
        if self._finish in _FAILED:
            raise self._broken(f"finish_reason {self._finish!r}")
        finish = _FINISHES.get(self._finish, "stop")
        if finish in {"length", "filter"}:
            # The last call may lack its end and look whole: none of them is to run.
            calls: tuple[ModelCall, ...] = ()
        else:
            calls = tuple(self._made_calls())
            finish = "calls" if calls else "stop"
        return Reply(
            text="".join(self._text),
            calls=calls,
            finish=finish,
            usage=self._usage,
            reasoning="".join(self._reasoning),
            model=self._model,
        )

    def _delta(self, delta: _Delta) -> Iterator[TextDelta | ReasoningDelta]:
        thought = delta.reasoning_content or delta.reasoning
        if thought:
            self._reasoning.append(thought)
            yield ReasoningDelta(thought)
        content = delta.content
        if isinstance(content, list):
            yield from self._parts(content)
        elif said := content or delta.refusal:
            self._text.append(said)
            yield TextDelta(said)
        for call in delta.tool_calls or ():
            self._call(call)

    def _parts(self, parts: list[Any]) -> Iterator[TextDelta | ReasoningDelta]:
        """Content as a list of typed parts, as models that think aloud send it at Mistral."""
        for part in parts:
            match part:
                case {"type": "text", "text": str() as said}:
                    self._text.append(said)
                    yield TextDelta(said)
                case {"type": "thinking", "thinking": thought}:
                    joined = _joined(thought)
                    self._reasoning.append(joined)
                    yield ReasoningDelta(joined)
                case _:
                    pass

    def _call(self, delta: _CallDelta) -> None:
        function = delta.function or _Function()
        call = self._slot(delta, function)
        call.id = call.id or delta.id or ""
        call.name = call.name or function.name or ""
        if isinstance(function.arguments, str):
            call.arguments.append(function.arguments)
        elif function.arguments is not None:
            call.arguments.append(msgspec.json.encode(function.arguments).decode())

    def _slot(self, delta: _CallDelta, function: _Function) -> _Call:
        """The call that `delta` goes on with.

        Usually that of its index. Some providers leave out the index, and some give every call
        index 0: a new id with a name begins a new call in any case.
        """
        if delta.index is not None:
            known = self._at_index.get(delta.index)
        else:
            known = self._calls[-1] if self._calls else None
        begins = bool(delta.id) and bool(function.name)
        if known is not None and not (begins and known.id != delta.id and known.name):
            return known
        if len(self._calls) == MAX_CALLS:
            raise self._broken(f"more than {MAX_CALLS} tool calls")
        made = _Call()
        self._calls.append(made)
        if delta.index is not None:
            self._at_index[delta.index] = made
        return made

    def _made_calls(self) -> Iterator[ModelCall]:
        """With ids that are there and differ, whatever the provider sent."""
        taken = {call.id for call in self._calls}
        used = {""}
        for place, call in enumerate(self._calls):
            call_id = call.id if call.id not in used else _free(f"call_{place}", taken)
            used.add(call_id)
            taken.add(call_id)
            yield ModelCall(call_id, call.name, "".join(call.arguments))

    def _broken(self, what: str) -> ModelError:
        return ModelError("broken_stream", f"{self._who}: the stream broke: {what}")


def _free(wish: str, taken: set[str]) -> str:
    while wish in taken:
        wish += "_"
    return wish


def _joined(thought: Any) -> str:
    match thought:
        case str():
            return thought
        case list():
            return "".join(map(_joined, cast("list[Any]", thought)))
        case {"text": str() as said}:
            return said
        case _:
            return ""


def _usage(tokens: _Tokens) -> Usage:
    inside = tokens.prompt_tokens_details
    outside = tokens.completion_tokens_details
    cached = (inside.cached_tokens if inside else None) or tokens.prompt_cache_hit_tokens
    return Usage(
        input_tokens=_count(tokens.prompt_tokens),
        cached_tokens=_count(cached),
        output_tokens=_count(tokens.completion_tokens),
        reasoning_tokens=_count(outside.reasoning_tokens if outside else None),
        cost_usd=tokens.cost if 0.0 <= (tokens.cost or 0.0) <= MAX_COST else None,
    )


def _count(given: int | None) -> int:
    return min(max(0, given or 0), MAX_TOKENS)
