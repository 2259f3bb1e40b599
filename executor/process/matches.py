"""Look for lines in what a command has written, by a program that can be killed.

Starts `matching` and reads its answer; what the lines mean is its caller's business.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from executor.errors import ToolFailure
from executor.process.command import Command, Ended, Exited, TimedOut
from executor.process.processes import Processes

LINES_MAX = 32 * 1024
"""Bytes of matching lines in one answer."""
SECONDS = 5
"""Of processor time for one search."""
_PATIENCE_S = 20.0
"""The same by the clock on the wall, where the machine is busy."""
_ANSWER_MAX = 1024
_PROGRAM = os.path.join(os.path.dirname(__file__), "matching.py")


class Lines(msgspec.Struct, frozen=True):
    content: bytes
    cursor: int
    """The byte behind what was looked at."""


class Search(msgspec.Struct, frozen=True):
    """A pattern, and the file that it is looked for in."""

    pattern: str
    path: Path
    start: int
    folder: int
    """Handle of a folder to start the program in."""
    call: str


class _Answer(msgspec.Struct, frozen=True):
    cursor: int = 0
    found: int = 0
    problem: str = ""


async def matching_lines(processes: Processes, search: Search, end: int) -> Lines:
    """The lines up to byte `end` that match. Raises ToolFailure for a pattern that is no good."""
    command = _command(search, end=end, waits=False, seconds=_PATIENCE_S)
    lines, answer = _answer(search.pattern, await processes.run(command))
    return Lines(lines, answer.cursor)


async def matched(
    processes: Processes, search: Search, seconds: float, over: asyncio.Future[Ended]
) -> bool:
    """Whether a line matches before `seconds` have passed, or `over` is done and all was looked at.

    Raises ToolFailure for a pattern that is no good.
    """
    command = _command(search, end=None, waits=True, seconds=seconds)
    looking = asyncio.create_task(processes.run(command))
    try:
        await asyncio.wait((looking, over), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not looking.done():
            looking.cancel()
            await asyncio.wait((looking,))
    if looking.cancelled():
        end = min(over.result().output.total_bytes, search.path.stat().st_size)
        command = _command(search, end=end, waits=True, seconds=_PATIENCE_S)
        ended = await processes.run(command)
    else:
        ended = looking.result()
    if isinstance(ended.outcome, TimedOut):
        return False
    return _answer(search.pattern, ended)[1].found > 0


def _command(search: Search, *, end: int | None, waits: bool, seconds: float) -> Command:
    request = {
        "path": str(search.path),
        "start": search.start,
        "end": end,
        "pattern": search.pattern,
        "waits": waits,
        "most": LINES_MAX,
        "seconds": SECONDS,
    }
    return Command(
        argv=(sys.executable, "-I", "-S", _PROGRAM, msgspec.json.encode(request).decode()),
        folder=search.folder,
        call=search.call,
        timeout_s=seconds,
        head_bytes=LINES_MAX + _ANSWER_MAX,
        tail_bytes=0,
        keep_stderr=False,
        confined=False,
    )


def _answer(pattern: str, ended: Ended) -> tuple[bytes, _Answer]:
    """The lines, and what was said of them."""
    lines, newline, last = ended.output.head.removesuffix(b"\n").rpartition(b"\n")
    match ended.outcome:
        case Exited(0):
            answer = msgspec.json.decode(last, type=_Answer)
        case _:
            raise ToolFailure(
                "invalid_parameters",
                f"The pattern {pattern!r} takes too long; use a simpler one.",
            )
    if answer.problem:
        raise ToolFailure("invalid_parameters", f"That is no regular expression: {answer.problem}.")
    return lines + newline, answer
