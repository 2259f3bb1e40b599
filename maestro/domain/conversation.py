"""What planning and model clients share: messages, tools, a request, and the parts of a reply.

Provider-neutral values. Messages are immutable and live as long as the fold that made them, so a
client may keep the bytes of each one by identity.
"""

from typing import Literal

import msgspec

from protocol.wire import Content, JsonObject, Usage


class ModelCall(msgspec.Struct, frozen=True):
    """One tool call, as the model wrote it. `arguments` is its JSON text, possibly broken."""

    id: str
    name: str
    arguments: str


class UserTurn(msgspec.Struct, frozen=True, weakref=True):
    text: str
    attachments: tuple[Content, ...] = ()


class AssistantTurn(msgspec.Struct, frozen=True, weakref=True):
    text: str
    calls: tuple[ModelCall, ...] = ()
    reasoning: str = ""


class ToolTurn(msgspec.Struct, frozen=True, weakref=True):
    """The answer to one call of the assistant turn before it, in the model's order."""

    call_id: str
    name: str
    text: str
    attachments: tuple[Content, ...] = ()


Turn = UserTurn | AssistantTurn | ToolTurn


class ToolSpec(msgspec.Struct, frozen=True):
    name: str
    description: str
    parameters: JsonObject


class ModelRequest(msgspec.Struct, frozen=True):
    """One generation. The bytes made of it are a prefix of the next one's, until a compaction."""

    model: str
    """`provider/name`, as the settings list it."""
    system: str
    turns: tuple[Turn, ...]
    tools: tuple[ToolSpec, ...]
    effort: str | None = None
    session_id: str = ""
    """A stable key for the provider's prompt cache; hashed before it leaves."""


# Parts of a reply, in the order in which they stream


class TextDelta(msgspec.Struct, frozen=True):
    text: str


class ReasoningDelta(msgspec.Struct, frozen=True):
    text: str


class Retrying(msgspec.Struct, frozen=True):
    """What came so far of this reply is void: it is made again after `delay` seconds."""

    why: str
    attempt: int
    delay: float


class Reply(msgspec.Struct, frozen=True):
    """The whole reply; always the last part, exactly once. Nothing runs from less than this."""

    text: str
    calls: tuple[ModelCall, ...] = ()
    finish: Literal["stop", "calls", "length", "filter"] = "stop"
    usage: Usage = Usage()
    reasoning: str = ""
    model: str = ""
    """What the provider says answered."""


ReplyPart = TextDelta | ReasoningDelta | Retrying | Reply
