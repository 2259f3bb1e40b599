"""What a strict provider refuses in a conversation: broken pairs of tool calls and answers.

Judges a parsed request; answers nothing itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def refusal(request: Mapping[str, Any]) -> str | None:
    """Why a provider would answer 400, or None."""
    messages: Sequence[Mapping[str, Any]] = request.get("messages") or ()
    if not messages:
        return "'messages' must not be empty"
    waiting: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role")
        if role == "tool":
            answered = message.get("tool_call_id")
            if answered not in waiting:
                return f"messages[{place}]: tool message {answered!r} answers no open tool call"
            waiting.remove(answered)
        elif waiting:
            return f"messages[{place}]: tool calls {waiting} have no tool message"
        waiting += [made["id"] for made in message.get("tool_calls") or ()]
        if role == "assistant" and not (message.get("content") or message.get("tool_calls")):
            return f"messages[{place}]: an assistant message needs content or tool_calls"
    return f"tool calls {waiting} have no tool message" if waiting else None
