"""What each frame of an attached executor is: a fact for the ledger, or live text for the bus.

Pure: appends, publishes and answers nothing.
"""

import uuid
from dataclasses import dataclass
from typing import assert_never

from maestro.domain.events import CallWaiting, Fact, Interrupted, ToolAnswered, UserSaid
from maestro.edge.identifiers import is_short
from maestro.ports import Live
from protocol.codec import cut
from protocol.from_executor import (
    ExecutorError,
    FromExecutor,
    Handshake,
    Interrupt,
    ToolOutputDelta,
    ToolProgress,
    ToolResult,
    UserMessage,
)
from protocol.from_maestro import Accepted
from protocol.wire import Frame


@dataclass(frozen=True)
class Claimed:
    """A fact as this executor tells it, its key, and the answer once the ledger holds it."""

    key: str
    fact: Fact
    answer: Accepted | None = None


@dataclass(frozen=True)
class UnknownCall:
    """Names a call that no ledger of ours can hold."""

    tool_id: str


def meaning(
    frame: Frame[FromExecutor], live_bytes: int
) -> Claimed | Live | UnknownCall | ExecutorError:
    """`live_bytes`: what is kept of one piece of live output, in UTF-8."""
    message = frame.message
    match message:
        case (
            ToolResult(tool_id=tool_id)
            | ToolProgress(tool_id=tool_id)
            | ToolOutputDelta(tool_id=tool_id)
        ) if not is_short(tool_id):
            return UnknownCall(tool_id[:100])
        case ToolResult():
            return Claimed(
                f"tool:{message.tool_id}",
                ToolAnswered(
                    tool_id=message.tool_id,
                    generation_id=message.generation_id,
                    status=message.status,
                    result=message.result,
                    error=message.error,
                    content=message.content,
                    metadata=message.metadata,
                ),
                Accepted(tool_id=message.tool_id),
            )
        case ToolProgress(tool_id=tool_id, state=state):
            return Claimed(f"waiting:{tool_id}:{state}", CallWaiting(tool_id, state))
        case ToolOutputDelta(content=content):
            kept, _ = cut(content, live_bytes)
            return Live(ToolOutputDelta(message.tool_id, message.index, message.stream, kept))
        case UserMessage():
            message_id = frame.id or uuid.uuid4().hex
            said = UserSaid(message_id, message.content, message.attachments, message.run)
            return Claimed(f"user:{message_id}", said, Accepted(id=message_id))
        case Interrupt(reason=reason):
            interrupt_id = frame.id or uuid.uuid4().hex
            return Claimed(
                f"interrupt:{interrupt_id}", Interrupted(reason), Accepted(id=interrupt_id)
            )
        case ExecutorError():
            return message
        case Handshake():
            raise AssertionError("the protocol's state admits one handshake")
        case _:
            assert_never(message)
