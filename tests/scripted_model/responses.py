"""Read requests of the Responses API as Chat Completions, and render replies as its events.

Knows what agents that speak only this one send in a run of tool calls, and no more of the format.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tests.scripted_model.script import Say

JsonObject = dict[str, Any]


def as_chat(asked: JsonObject) -> JsonObject:
    """The same request with `messages`, and with tools as Chat Completions offers them."""
    given: Any = asked.get("input") or []
    entries: list[JsonObject] = (
        [{"role": "user", "content": given}] if isinstance(given, str) else given
    )
    functions = [tool for tool in asked.get("tools") or () if tool.get("type") == "function"]
    return {
        **asked,
        "messages": list(_messages(entries)),
        "tools": [{"type": "function", "function": tool} for tool in functions],
    }


def stream(reply: Say, number: int) -> list[bytes]:
    """The events that answer request `number`, each as the bytes of one chunk."""
    answer: JsonObject = {"id": f"resp_{number}", "object": "response"}
    done = [
        {"type": "response.output_item.done", "output_index": index, "item": item}
        for index, item in enumerate(_items(reply, number))
    ]
    usage = {
        "input_tokens": reply.tokens.prompt,
        "input_tokens_details": {"cached_tokens": reply.tokens.cached},
        "output_tokens": reply.tokens.completion,
        "output_tokens_details": {"reasoning_tokens": reply.tokens.reasoning},
        "total_tokens": reply.tokens.prompt + reply.tokens.completion,
    }
    last = {"type": "response.completed", "response": {**answer, "usage": usage}}
    return [
        _event(each) for each in ({"type": "response.created", "response": answer}, *done, last)
    ]


def _messages(entries: list[JsonObject]) -> Iterator[JsonObject]:
    """Calls that stand together are those of one reply; reasoning is no message."""
    for kind, together in groupby(entries, lambda entry: str(entry.get("type", "message"))):
        match kind:
            case "function_call":
                yield {"role": "assistant", "tool_calls": [_call(entry) for entry in together]}
            case "function_call_output":
                for entry in together:
                    answered, words = entry["call_id"], entry["output"]
                    yield {"role": "tool", "tool_call_id": answered, "content": words}
            case "message":
                for entry in together:
                    yield {"role": entry["role"], "content": entry["content"]}
            case _:
                continue


def _call(entry: JsonObject) -> JsonObject:
    function = {"name": entry["name"], "arguments": entry["arguments"]}
    return {"id": entry["call_id"], "type": "function", "function": function}


def _items(reply: Say, number: int) -> Iterator[JsonObject]:
    if reply.text:
        words: JsonObject = {"type": "output_text", "text": "".join(reply.text), "annotations": []}
        yield {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [words],
        }
    for index, made in enumerate(reply.calls):
        yield {
            "id": f"fc_{number}_{index}",
            "type": "function_call",
            "call_id": made.id or f"call_{number}_{index}",
            "name": made.name,
            "arguments": made.arguments,
            "status": "completed",
        }


def _event(event: JsonObject) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
