"""What a call's end becomes on the wire.

Builds values; sends and writes nothing.
"""

import msgspec

from executor.errors import ToolFailure
from executor.redaction import Redactor
from executor.tool_context import ToolOutcome
from protocol.codec import cut_result, well_formed
from protocol.from_executor import ToolError, ToolResult, ToolStatus
from protocol.from_maestro import RunTool
from protocol.strict_json import map_strings
from protocol.version import MAX_RESULT_BYTES
from protocol.wire import TextContent


class Refused(msgspec.Struct, frozen=True):
    """Not run: policy or the user said no."""

    why: str
    for_want_of_terminal: bool = False
    advice: str = ""
    """For the model, besides."""


def failed(failure: ToolFailure) -> ToolOutcome:
    return unsuccessful(failure.status, failure.code, failure.message)


def unsuccessful(status: ToolStatus, code: str, message: str) -> ToolOutcome:
    return ToolOutcome(message, status, ToolError(code, message))


def denied(refused: Refused) -> ToolOutcome:
    words = f"{refused.why}.\n{refused.advice}" if refused.advice else refused.why
    return unsuccessful("denied", "denied", words)


def cancelled(why: str, *, started: bool) -> ToolOutcome:
    how = "It had started: what it did until then stays." if started else "It had not started."
    return unsuccessful("cancelled", "cancelled", f"Cancelled: {why}. {how}")


def without_secrets(outcome: ToolOutcome, redactor: Redactor) -> ToolOutcome:
    """The outcome as it may leave this machine; names of files included."""
    redact = redactor.redact
    error, metadata = outcome.error, outcome.metadata
    if error is not None:
        error = ToolError(error.code, redact(error.message))
    diff = None if metadata.diff is None else redact(metadata.diff)
    changes = tuple(
        msgspec.structs.replace(change, path=redact(change.path)) for change in metadata.changes
    )
    return ToolOutcome(
        text=redact(outcome.before + outcome.text, behind=len(outcome.before)),
        status=outcome.status,
        error=error,
        content=tuple(
            TextContent(redact(one.text)) if isinstance(one, TextContent) else one
            for one in outcome.content
        ),
        metadata=msgspec.structs.replace(metadata, diff=diff, changes=changes),
    )


def wire_result(message: RunTool, outcome: ToolOutcome, seconds: float | None) -> ToolResult:
    """The result, bounded and free of lone surrogates; `seconds` is None if it never ran."""
    metadata = outcome.metadata
    if seconds is not None and metadata.duration_ms is None:
        metadata = msgspec.structs.replace(metadata, duration_ms=round(seconds * 1000))
    result = ToolResult(
        tool_id=message.tool_id,
        status=outcome.status,
        result=outcome.text,
        generation_id=message.generation_id,
        error=outcome.error,
        content=outcome.content,
        metadata=metadata,
    )
    return cut_result(_well_formed(result), MAX_RESULT_BYTES)


def _well_formed(result: ToolResult) -> ToolResult:
    try:
        msgspec.json.encode(result)
    except UnicodeEncodeError:
        return msgspec.convert(map_strings(msgspec.to_builtins(result), well_formed), ToolResult)
    return result


def note(result: ToolResult, tool_name: str = "") -> str:
    """One line for the user: why it came to nothing, how the command ended, or that it has not."""
    if result.error is not None:
        return " ".join(_in_short(result.error.message).split())[:200]
    code, signal = result.metadata.exit_code, result.metadata.signal
    if tool_name == "Shell" and code is None and signal is None:
        return "in the background"
    return f"exit {code}" if code else signal or ""


def _in_short(message: str) -> str:
    """Up to the line behind which text of a file is shown: that is for the model."""
    shown = message.find(":\n")
    is_refusal = message.startswith("Denied")  # behind that line stands what would be lost
    return message if shown < 0 or is_refusal else message[:shown]
