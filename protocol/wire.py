"""What every message is built from: the base struct, the envelope, and shared parts.

Data only. How a frame becomes bytes is in `codec`, when it may be sent in `state`.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

MessageT_co = TypeVar("MessageT_co", covariant=True)

JsonObject = dict[str, Any]
"""A JSON object whose members are not this contract's business (a tool's parameters, a schema)."""

_MAX_INTEGER = 2**63 - 1
"""What a database column and every language's integer can hold."""

NonNegative = Annotated[int, msgspec.Meta(ge=0, le=_MAX_INTEGER)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=_MAX_INTEGER)]


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of the values inside messages. Unknown fields are ignored."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every message; the struct's tag is the frame's `type`, its fields the `payload`."""


class FrameMetadata(Part, frozen=True):
    """Who speaks, for logs: the maestro decides nothing by it."""

    version: str | None = None
    client: str | None = None
    user: str | None = None


class Frame(msgspec.Struct, Generic[MessageT_co], frozen=True):
    """One message in its envelope."""

    message: MessageT_co
    id: str | None = None
    """The sender's choice, unique per owner: makes a message safe to send again."""
    seq: int | None = None
    """On durable frames from the maestro: the ledger's number, from 1 on."""
    timestamp: str | None = None
    """RFC 3339."""
    metadata: FrameMetadata | None = None


class TextContent(Part, frozen=True, tag_field="type", tag="text"):
    text: str


class ImageContent(Part, frozen=True, tag_field="type", tag="image"):
    media_type: str
    data: str
    """Base64."""


Content = TextContent | ImageContent


class FrameLimits(Part, frozen=True):
    """What the sender is ready to receive, in encoded bytes."""

    max_frame_bytes: Positive | None = None
    max_result_bytes: Positive | None = None
    """Stated by the maestro only."""


class Usage(Part, frozen=True):
    """Tokens of one generation or one run; `cost_usd` is None where the price is not known."""

    input_tokens: NonNegative = 0
    cached_tokens: NonNegative = 0
    output_tokens: NonNegative = 0
    reasoning_tokens: NonNegative = 0
    cost_usd: float | None = None


class FileChange(Part, frozen=True):
    path: str
    kind: Literal["created", "modified", "deleted", "moved"]
    added: NonNegative = 0
    removed: NonNegative = 0


class PlanStep(Part, frozen=True):
    title: str
    status: Literal["pending", "active", "done", "skipped"] = "pending"
