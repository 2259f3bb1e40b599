"""Make the bytes of a Chat Completions request, each message of them once.

Append-only: while a conversation grows, one request is a byte prefix of the next up to the end of
its messages, which stand last in the body; which images it has room for is therefore decided from
the front. Knows nothing of the answer.
"""

import hashlib
import re
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import msgspec

from maestro.domain.conversation import (
    AssistantTurn,
    ModelCall,
    ModelRequest,
    ToolSpec,
    ToolTurn,
    Turn,
    UserTurn,
)
from maestro.llm.images import Shown, image_parts, images_in, unseen
from maestro.llm.providers import Quirks
from protocol.wire import Content, ImageContent, TextContent

_encode = msgspec.json.Encoder().encode


class RequestEncoder:
    """Encodes requests in one provider's dialect; keeps each turn's bytes as long as the turn."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._kept: dict[tuple[int, bool], tuple[weakref.ref[Turn], bytes]] = {}
        """By the turn's identity, and whether the model sees."""

    def encode(self, request: ModelRequest, name: str) -> bytes:
        """The body; `name` is the model as the provider calls it."""
        head = self._head(request, name).removesuffix(b"}")
        system = _encode({"role": "system", "content": request.system})
        sees = self._quirks.model_sees(name)
        messages = [head + b',"messages":[' + system, *self._messages(request.turns, sees=sees)]
        messages[-1] += b"]}"
        return b",".join(messages)

    def _head(self, request: ModelRequest, name: str) -> bytes:
        quirks = self._quirks
        head: dict[str, Any] = {"model": name, "stream": True}
        if quirks.stream_options:
            head["stream_options"] = {"include_usage": True}
        if quirks.max_tokens is not None:
            head[quirks.max_tokens_field] = quirks.max_tokens
        if quirks.effort and request.effort is not None:
            head["reasoning_effort"] = request.effort
        if quirks.cache_key and request.session_id:
            head["prompt_cache_key"] = hashlib.sha256(request.session_id.encode()).hexdigest()[:32]
        if request.tools:
            head["tools"] = [_tool(tool) for tool in request.tools]
        return _encode(head)

    def _messages(self, turns: Sequence[Turn], *, sees: bool) -> Iterator[bytes]:
        """Images of tool answers follow those in a user message: a tool message is text alone."""
        shown = Shown()
        images: list[ImageContent] = []
        for turn in turns:
            if images and not isinstance(turn, ToolTurn):
                yield _images_of_tools(images, shown)
                images = []
            if encoded := self._turn(turn, sees=sees):
                yield encoded
            if sees and isinstance(turn, ToolTurn) and turn.attachments:
                images += images_in(turn.attachments)
        if images:
            yield _images_of_tools(images, shown)

    def _turn(self, turn: Turn, *, sees: bool) -> bytes:
        key = (id(turn), sees)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        made = self._encode_turn(turn, sees=sees)
        # The turn is alive as long as its entry: an id is reused only after the callback ran.
        self._kept[key] = (weakref.ref(turn, lambda _: self._kept.pop(key, None)), made)
        return made

    def _encode_turn(self, turn: Turn, *, sees: bool) -> bytes:
        match turn:
            case UserTurn():
                return _encode({"role": "user", "content": _user_content(turn, sees=sees)})
            case ToolTurn():
                content = _with_texts(turn.text, turn.attachments, sees=sees)
                call_id = self._call_id(turn.call_id)
                return _encode({"role": "tool", "tool_call_id": call_id, "content": content})
            case AssistantTurn():
                return self._assistant(turn)
            case _:
                assert_never(turn)

    def _assistant(self, turn: AssistantTurn) -> bytes:
        """Nothing for a turn without words and calls: providers refuse an empty message."""
        if not turn.text and not turn.calls:
            return b""
        message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
        if turn.reasoning and self._quirks.reasoning_back is not None:
            message[self._quirks.reasoning_back] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = [self._call(call) for call in turn.calls]
        return _encode(message)

    def _call(self, call: ModelCall) -> dict[str, Any]:
        function = {"name": call.name, "arguments": _arguments(call)}
        made: dict[str, Any] = {
            "id": self._call_id(call.id),
            "type": "function",
            "function": function,
        }
        if (signature := self._quirks.thought_signature) is not None:
            made["extra_content"] = {"google": {"thought_signature": signature}}
        return made

    def _call_id(self, given: str) -> str:
        if not self._quirks.short_call_ids or re.fullmatch("[a-zA-Z0-9]{9}", given):
            return given
        return hashlib.sha256(given.encode()).hexdigest()[:9]


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _arguments(call: ModelCall) -> str:
    """JSON of an object: several providers refuse a history that holds anything else."""
    if not call.arguments.strip():
        return "{}"
    try:
        if isinstance(msgspec.json.decode(call.arguments), dict):
            return call.arguments
    except (msgspec.DecodeError, RecursionError):
        pass
    return _encode({"not_a_json_object": call.arguments}).decode()


def _user_content(turn: UserTurn, *, sees: bool) -> str | list[dict[str, Any]]:
    text = _with_texts(turn.text, turn.attachments, sees=sees)
    images = images_in(turn.attachments) if sees else []
    return [{"type": "text", "text": text}, *image_parts(images, Shown())] if images else text


def _with_texts(text: str, attachments: Sequence[Content], *, sees: bool) -> str:
    """`text`, the texts of `attachments`, and how many images the model is not shown."""
    texts = [part.text for part in attachments if isinstance(part, TextContent)]
    return "\n\n".join([text, *texts, *unseen(attachments, sees=sees)])


def _images_of_tools(images: Sequence[ImageContent], shown: Shown) -> bytes:
    said = {"type": "text", "text": "Images from the tool results above:"}
    return _encode({"role": "user", "content": [said, *image_parts(images, shown)]})
