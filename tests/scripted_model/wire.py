"""Render scripted replies as the bytes of Chat Completions, streamed or whole.

Knows the format; sends nothing.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.scripted_model.script import Call, Fail, Say, Tokens

JsonObject = dict[str, Any]


def body_of_error(reply: Fail) -> bytes:
    if reply.body is not None:
        return reply.body.encode("utf-8", "surrogateescape")
    return error_body(reply.message, reply.code)


def error_body(message: str, code: str | None = None, kind: str = "invalid_request_error") -> bytes:
    return _json({"error": {"message": message, "type": kind, "param": None, "code": code}})


def whole(reply: Say, number: int, model: str) -> bytes:
    """The `chat.completion` that answers request `number`."""
    message: JsonObject = {"role": "assistant", "content": "".join(reply.text) or None}
    if reply.reasoning:
        message[reply.reasoning_field] = "".join(reply.reasoning)
    if reply.calls:
        message["tool_calls"] = [
            {"id": _id(made, number, index), "type": "function", "function": _function(made)}
            for index, made in enumerate(reply.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    head = _head(number, model, "chat.completion")
    return _json({**head, "choices": [choice], "usage": _usage(reply.tokens)})


def stream(reply: Say, number: int, model: str, *, with_usage: bool) -> list[bytes]:
    """The events that answer request `number`, each as the bytes of one chunk."""
    head = _head(number, model, "chat.completion.chunk")
    made = [
        _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        for delta in _deltas(reply, number)
    ]
    last: JsonObject = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
    made.append(_event({**head, "choices": [last]}))
    if with_usage:
        made.append(_event({**head, "choices": [], "usage": _usage(reply.tokens)}))
    return [*made, b"data: [DONE]\n\n"]


def _deltas(reply: Say, number: int) -> Iterator[JsonObject]:
    yield {"role": "assistant", "content": ""}
    for piece in reply.reasoning:
        yield {reply.reasoning_field: piece}
    for piece in reply.text:
        yield {"content": piece}
    for index, made in enumerate(reply.calls):
        for delta in _call_deltas(made, number, index):
            yield {"tool_calls": [delta]}


def _call_deltas(made: Call, number: int, index: int) -> Iterator[JsonObject]:
    """The id and name first, then the arguments in pieces, as providers do."""
    yield {
        "index": index,
        "id": _id(made, number, index),
        "type": "function",
        "function": {"name": made.name, "arguments": ""},
    }
    size = max(1, -(-len(made.arguments) // max(1, made.pieces)))
    for start in range(0, len(made.arguments), size):
        yield {"index": index, "function": {"arguments": made.arguments[start : start + size]}}


def _head(number: int, model: str, kind: str) -> JsonObject:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 1_700_000_000, "model": model}


def _id(made: Call, number: int, index: int) -> str:
    return made.id or f"call_{number}_{index}"


def _function(made: Call) -> JsonObject:
    return {"name": made.name, "arguments": made.arguments}


def _finish(reply: Say) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _usage(tokens: Tokens) -> JsonObject:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _event(chunk: JsonObject) -> bytes:
    return b"data: " + _json(chunk) + b"\n\n"


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
