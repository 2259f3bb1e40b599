"""Tell a model what a command wrote and how it ended.

Makes words and facts of values; runs nothing.
"""

import hashlib
from typing import assert_never

import msgspec

from executor.errors import ToolFailure
from executor.process.command import (
    Captured,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Outcome,
    Signalled,
    TimedOut,
)
from executor.workspace.kinds import binary_kind
from protocol.from_executor import ResultMetadata, ToolError, ToolStatus


class Report(msgspec.Struct, frozen=True):
    text: str
    status: ToolStatus
    error: ToolError | None
    metadata: ResultMetadata


def report(ended: Ended) -> Report:
    """Output first, then one line on the end, in brackets.

    How long it took is in the metadata alone: the same call with the same outcome reads the same,
    by which a model that runs in circles is known.
    Raises ToolFailure `not_started` for what was not.
    """
    status, error = _status(ended.outcome)
    output = _shown(ended.output)
    facts = [_ending(ended.outcome)]
    if ended.left_behind:
        facts.append(f"ended what it left running ({ended.left_behind})")
    text = f"{output}{'' if not output or output.endswith(chr(10)) else chr(10)}"
    hint = f"\n[{ended.hint}]" if ended.hint else ""
    return Report(f"{text}[{', '.join(facts)}]{hint}", status, error, _metadata(ended))


def _status(outcome: Outcome) -> tuple[ToolStatus, ToolError | None]:
    match outcome:
        case Exited() | Signalled():
            return "success", None
        case TimedOut(seconds):
            return "timeout", ToolError("timeout", f"stopped after {seconds:g} s")
        case NotStarted(reason):
            raise ToolFailure("not_started", f"The program could not be started: {reason}.")
        case Lost():
            return "interrupted", ToolError("unknown_outcome", "the process that watched it died")
        case _:
            assert_never(outcome)


def _ending(outcome: Outcome) -> str:
    match outcome:
        case Exited(code):
            return f"exit code {code}"
        case Signalled(name):
            return f"ended by {name}"
        case TimedOut(seconds):
            return f"stopped after its time-out of {seconds:g} s; the output so far is above"
        case NotStarted(reason):
            return f"not started: {reason}"
        case Lost():
            return "how it ended is unknown: the process that watched it was killed"
        case _:
            assert_never(outcome)


def _metadata(ended: Ended) -> ResultMetadata:
    match ended.outcome:
        case Exited(code):
            exit_code, signal = code, None
        case Signalled(name):
            exit_code, signal = None, name
        case _:
            exit_code, signal = None, None
    return ResultMetadata(
        exit_code=exit_code,
        signal=signal,
        duration_ms=ended.duration_ms,
        truncated=ended.output.truncated,
        total_bytes=ended.output.total_bytes,
    )


def _shown(output: Captured) -> str:
    whole = f" The output is in {output.spill}" if output.spill else ""
    if output.spill_note:
        whole += f" ({output.spill_note})"
    kind = binary_kind(output.head)
    if kind is not None:
        digest = hashlib.sha256(output.head + output.tail).hexdigest()
        proof = "" if output.truncated else f", SHA-256 {digest}"
        return f"[binary output: {kind}, {output.total_bytes:,} bytes{proof}.{whole}]"
    if not output.truncated:
        return (output.head + output.tail).decode("utf-8", "replace")
    head, tail = _at_lines(output.head, output.tail)
    left_out = output.total_bytes - len(head) - len(tail)
    note = f"[... {left_out:,} of {output.total_bytes:,} bytes left out.{whole} ...]"
    return f"{head.decode('utf-8', 'replace')}\n{note}\n{tail.decode('utf-8', 'replace')}"


def _at_lines(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """Both without the line that was cut, unless that would lose most of it."""
    end = head.rfind(b"\n")
    start = tail.find(b"\n") + 1
    return (
        head[:end] if end > len(head) // 2 else _whole_characters(head),
        tail[start:] if 0 < start < len(tail) // 2 else tail.lstrip(bytes(range(0x80, 0xC0))),
    )


def _whole_characters(head: bytes) -> bytes:
    """`head` without a last character of which bytes are missing."""
    for back in range(1, min(4, len(head)) + 1):
        byte = head[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return head[:-back] if needed > back else head
        if byte < 0x80:
            break
    return head
