"""Tell a model what a command wrote and how it ended.

Makes words and facts of values; runs nothing.
"""

import hashlib
from collections.abc import Sequence
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
    Silent,
    Stopped,
    TimedOut,
)
from executor.process.terminal import plain_text
from executor.workspace.kinds import binary_kind
from protocol.from_executor import ResultMetadata, ToolError, ToolStatus


class Report(msgspec.Struct, frozen=True):
    text: str
    status: ToolStatus
    error: ToolError | None
    metadata: ResultMetadata


def report(
    ended: Ended, *, shell_id: str = "", terminal: bool = False, also: Sequence[str] = ()
) -> Report:
    """Output first, then one line on the end, in brackets, with what is to be told `also`.

    `shell_id`: by which the part that is left out can be read. How long it took is told roughly,
    and exactly in the metadata alone: the same call with the same outcome reads the same, by which
    a model that runs in circles is known.
    Raises ToolFailure `not_started` for what was not.
    """
    status, error = _status(ended.outcome)
    facts = [ending(ended.outcome), *_roughly(ended), *left_behind(ended)]
    output = shown(ended.output, shell_id, terminal=terminal)
    hint = f"\n[{ended.hint}]" if ended.hint else ""
    text = with_facts(output, *facts, *also) + hint
    return Report(text, status, error, metadata(ended))


def left_behind(ended: Ended) -> list[str]:
    """What is to be told of processes that were there when the command ended by itself."""
    return [f"ended what it left running ({ended.left_behind})"] if ended.left_behind else []


def with_facts(output: str, *facts: str) -> str:
    """`output` and, on a line of their own, the facts in brackets."""
    text = f"{output}{'' if not output or output.endswith(chr(10)) else chr(10)}"
    return f"{text}[{', '.join(facts)}]"


def _roughly(ended: Ended) -> list[str]:
    """The time from a second on, as a figure that two runs of one command have in common."""
    seconds = ended.duration_ms / 1000
    if seconds < 1 or isinstance(ended.outcome, TimedOut | Stopped | NotStarted):
        return []
    return [f"about {next((rough for rough in _ROUGH_S if seconds < 1.5 * rough), 3600)} s"]


_ROUGH_S = (1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800)


def _status(outcome: Outcome) -> tuple[ToolStatus, ToolError | None]:
    match outcome:
        case Exited() | Signalled():
            return "success", None
        case TimedOut(seconds):
            return "timeout", ToolError("timeout", f"stopped after {seconds:g} s")
        case Silent(seconds):
            return "timeout", ToolError("timeout", f"stopped after {seconds:g} s without output")
        case Stopped(why):
            return "cancelled", ToolError("cancelled", f"ended {why}")
        case NotStarted(reason):
            raise ToolFailure("not_started", f"The program could not be started: {reason}.")
        case Lost():
            return "interrupted", ToolError("unknown_outcome", "the process that watched it died")
        case _:
            assert_never(outcome)


def ending(outcome: Outcome) -> str:
    """How a command ended, in words."""
    match outcome:
        case Exited(code):
            return f"exit code {code}"
        case Signalled(name):
            return f"ended by {name}"
        case TimedOut(seconds):
            return f"stopped after its time-out of {seconds:g} s; the output so far is above"
        case Silent(seconds):
            return (
                f"stopped after {seconds:g} s without output; if it waited for input, "
                "give it some or an option that does without"
            )
        case Stopped(why):
            return f"ended {why}"
        case NotStarted(reason):
            return f"not started: {reason}"
        case Lost():
            return "how it ended is unknown: the process that watched it was killed"
        case _:
            assert_never(outcome)


def metadata(ended: Ended) -> ResultMetadata:
    """The same as facts."""
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


def shown(output: Captured, shell_id: str = "", *, terminal: bool = False) -> str:
    """The output as far as it was kept, and what was left out."""
    text = _drawn if terminal else _decoded
    where = f" The output is in {output.spill}" if output.spill else ""
    if output.spill_note:
        where += f" ({output.spill_note})"
    kind = None if terminal else binary_kind(output.head)
    if kind is not None:
        digest = hashlib.sha256(output.head + output.tail).hexdigest()
        proof = "" if output.truncated else f", SHA-256 {digest}"
        return f"[binary output: {kind}, {output.total_bytes:,} bytes{proof}.{where}]"
    if not output.truncated:
        return text(output.head + output.tail)
    head, tail = _at_lines(output.head, output.tail)
    left_out = output.total_bytes - len(head) - len(tail)
    if shell_id:
        where += f"; ShellOutput with shell_id {shell_id} and cursor {len(head)} reads on"
    note = f"[... {left_out:,} of {output.total_bytes:,} bytes left out.{where} ...]"
    return f"{text(head)}\n{note}\n{text(tail)}"


def part_text(content: bytes, *, terminal: bool = False) -> str:
    """One part of an output as text, or what kind of bytes it is."""
    kind = None if terminal else binary_kind(content)
    if kind is not None:
        return f"[binary output: {kind}, {len(content):,} bytes]"
    return _drawn(content) if terminal else _decoded(content)


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _drawn(content: bytes) -> str:
    return plain_text(_decoded(content))


def _at_lines(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """Both without the line that was cut, unless that would lose most of it."""
    end = head.rfind(b"\n")
    start = tail.find(b"\n") + 1
    return (
        head[:end] if end > len(head) // 2 else whole_characters(head),
        tail[start:] if 0 < start < len(tail) // 2 else tail.lstrip(bytes(range(0x80, 0xC0))),
    )


def whole_characters(head: bytes) -> bytes:
    """`head` without a last character of which bytes are missing."""
    for back in range(1, min(4, len(head)) + 1):
        byte = head[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return head[:-back] if needed > back else head
        if byte < 0x80:
            break
    return head
