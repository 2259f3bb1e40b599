"""The words of a script: replies, how they are delivered, and short ways to write them.

Values only; the same structs are read from a JSON file. Knows nothing of HTTP.

A script file is `{"replies": [...], "sessions": {"KEY": [...]}}` or
`{"shell_steps": {"count": 20}}`, with replies such as

    {"type": "say", "text": ["Hel", "lo"], "calls": [{"name": "Shell", "arguments": "{}"}]}
    {"type": "fail", "status": 429, "message": "slow down", "headers": {"retry-after": "1"}}
    {"type": "raw", "chunks": ["data: {}", "[DONE]"]}
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace

Cut = Literal["close", "reset", "end"]
"""By FIN, by RST, or by a proper end of the response that lacks the rest."""

NEVER = "never"
"""A gate that nobody opens."""


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a reply's bytes on the way; the default sends them at once."""

    delay: float = 0.0
    """Seconds before the head of the response."""
    gate: str | None = None
    """Wait for `ScriptedModel.open(gate)` ..."""
    gate_after: int | None = None
    """... after this many chunks of the body (an event is a chunk); None: before the head."""
    cut_after: int | None = None
    """Break off after this many bytes of the body ..."""
    cut: Cut = "close"
    """... like this."""
    piece: int | None = None
    """Send pieces of this many bytes, each its own write ..."""
    every: float = 0.0
    """... with so many seconds between."""
    gzip: bool = False


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompt: int = 100
    cached: int = 0
    completion: int = 10
    reasoning: int = 0


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: str = "{}"
    """JSON text, sent as it stands, in `pieces`."""
    id: str | None = None
    """None: `call_{request}_{index}`."""
    pieces: int = 2


class Say(msgspec.Struct, frozen=True, tag="say", forbid_unknown_fields=True):
    """A reply by the book. Each string of `text` and `reasoning` is one delta."""

    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    reasoning: tuple[str, ...] = ()
    reasoning_field: str = "reasoning_content"
    finish: str | None = None
    """None: `tool_calls` where there are calls, else `stop`."""
    tokens: Tokens = Tokens()
    delivery: Delivery = Delivery()


class Fail(msgspec.Struct, frozen=True, tag="fail", forbid_unknown_fields=True):
    """An HTTP error. Without a `body` it is `{"error": {"message": ..., "code": ...}}`."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    body: str | None = None
    headers: dict[str, str] = {}
    delivery: Delivery = Delivery()


class Raw(msgspec.Struct, frozen=True, tag="raw", forbid_unknown_fields=True):
    """A 200 with this body; lone surrogates U+DC80 to U+DCFF stand for the bytes 0x80 to 0xFF."""

    chunks: tuple[str, ...]
    content_type: str = "text/event-stream"
    headers: dict[str, str] = {}
    delivery: Delivery = Delivery()


Reply = Say | Fail | Raw
AnyReply = TypeVar("AnyReply", Say, Fail, Raw)


class ShellSteps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answer request k of a session with shell call k, until `count` are answered; then `final`.

    k is one more than the tool messages in the request, so any number of sessions share it.
    """

    count: int
    command: str = "echo step-{k}-ok"
    final: str = "All steps are done."
    tool: str = "Shell"


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each request takes the next reply of its list.

    Its list is that of the first key of `sessions` found in the request's body, else `replies`.
    """

    replies: tuple[Reply, ...] = ()
    sessions: dict[str, tuple[Reply, ...]] = {}
    shell_steps: ShellSteps | None = None


def text(*pieces: str, finish: str | None = None, tokens: Tokens | None = None) -> Say:
    return Say(text=pieces, finish=finish, tokens=tokens or Tokens())


def reasoning(*pieces: str, then: Say | None = None, field: str = "reasoning_content") -> Say:
    return replace(then or Say(), reasoning=pieces, reasoning_field=field)


def call(name: str, /, **arguments: object) -> Call:
    return Call(name, json.dumps(arguments))


def calls(*made: Call, say: str | None = None) -> Say:
    """A reply of tool calls, with a text before them when `say` is given."""
    return Say(text=() if say is None else (say,), calls=made)


def error(
    status: int,
    message: str = "scripted failure",
    *,
    code: str | None = None,
    body: str | None = None,
    retry_after: float | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fail:
    wait = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Fail(status, message, code, body, {**wait, **(headers or {})})


def events(*chunks: Mapping[str, Any] | str, done: bool = True) -> Raw:
    """A stream of just these `data:` events, and [DONE]."""
    made = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return Raw(tuple(f"data: {event}\n\n" for event in (made + ["[DONE]"] * done)))


def raw(*chunks: str | bytes, content_type: str = "text/event-stream") -> Raw:
    return Raw(
        tuple(
            chunk if isinstance(chunk, str) else chunk.decode("utf-8", "surrogateescape")
            for chunk in chunks
        ),
        content_type,
    )


def delayed(reply: AnyReply, seconds: float) -> AnyReply:
    return replace(reply, delivery=replace(reply.delivery, delay=seconds))


def held(reply: AnyReply, gate: str, *, after: int | None = None) -> AnyReply:
    """Wait for `ScriptedModel.open(gate)` after so many chunks; None: before the head."""
    return replace(reply, delivery=replace(reply.delivery, gate=gate, gate_after=after))


def hang(reply: AnyReply, *, after: int | None = None) -> AnyReply:
    """Say no more after so many chunks; None: not even the head."""
    return held(reply, NEVER, after=after)


def cut(reply: AnyReply, *, after_bytes: int, how: Cut = "close") -> AnyReply:
    return replace(reply, delivery=replace(reply.delivery, cut_after=after_bytes, cut=how))


def drip(reply: AnyReply, *, piece: int = 1, every: float = 0.0) -> AnyReply:
    return replace(reply, delivery=replace(reply.delivery, piece=piece, every=every))


def gzipped(reply: AnyReply) -> AnyReply:
    return replace(reply, delivery=replace(reply.delivery, gzip=True))
