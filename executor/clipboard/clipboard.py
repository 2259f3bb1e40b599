"""Read and write the clipboard, by whatever way there is.

Sizes are bounded; every refusal says what is missing.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, assert_never

from executor.clipboard.programs import ProgramFailed, read_from, write_to
from executor.clipboard.ways import (
    Argv,
    ByProgram,
    ByTerminal,
    NoWay,
    Through,
    says_nothing_is_there,
    way_to_read,
    way_to_write,
)
from executor.errors import ToolFailure
from executor.process.programs import find_program

TEXT_MAX = 100_000
"""Bytes of UTF-8, both ways."""
TERMINAL_MAX = 74_994
"""Bytes that many terminals take by OSC 52: 100,000 after base64, with its head."""

ARRIVED_S = 1.0
_LOOK_S = 0.25
_PAUSE_S = 0.01
_LATE = f", which did not show it within {ARRIVED_S:g} s"

T = TypeVar("T")

Copy = Callable[[str, Through], bool]
"""Have the terminal take a text; False where it can't at this moment."""


class Clipboard:
    """The clipboard as one session sees it."""

    def __init__(
        self,
        environment: Mapping[str, str],
        project: Path,
        copy: Copy | None = None,
        system: str = sys.platform,
    ) -> None:
        """`copy` of the view, where that owns a terminal; no program of the `project` is run."""
        self._environment = environment
        self._project = project
        self._copy = copy
        self._system = system

    async def read(self) -> str:
        """Raises ToolFailure: no_clipboard, clipboard, not_text, too_large."""
        way = way_to_read(self._environment, self._system, self._program)
        match way:
            case ByProgram(argv=argv):
                content = await _told(read_from(argv, self._environment, TEXT_MAX))
            case NoWay(why=why):
                raise ToolFailure("no_clipboard", f"The clipboard can't be read: {why}.")
            case ByTerminal():
                raise ToolFailure("no_clipboard", "A terminal is only ever written to.")
            case _:
                assert_never(way)
        if len(content) > TEXT_MAX:
            raise ToolFailure("too_large", f"The clipboard holds more than {TEXT_MAX:,} bytes.")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ToolFailure("not_text", "The clipboard holds no text.") from error
        if "\0" in text:
            raise ToolFailure("not_text", "The clipboard holds no text.")
        return text

    async def write(self, text: str) -> str:
        """Replace it; how that was done, in words. Raises ToolFailure, as `read`."""
        content = text.encode("utf-8", "replace")
        if len(content) > TEXT_MAX:
            raise ToolFailure(
                "too_large", f"A text for the clipboard has {TEXT_MAX:,} bytes at most."
            )
        way = way_to_write(
            self._environment, self._system, self._program, terminal=self._copy is not None
        )
        match way:
            case ByProgram(argv=argv, shown_by=shown_by):
                await _told(write_to(argv, self._environment, content))
                late = shown_by and not await self._has_arrived(shown_by, content)
                return f"by {Path(argv[0]).name}{_LATE if late else ''}"
            case ByTerminal(through=through):
                return self._by_terminal(content.decode(), len(content), through)
            case NoWay(why=why):
                raise ToolFailure("no_clipboard", f"The clipboard can't be written: {why}.")
            case _:
                assert_never(way)

    async def _has_arrived(self, shown_by: Argv, content: bytes) -> bool:
        """Whether the clipboard holds it within ARRIVED_S: who looks next is not to find what
        was there before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVED_S):
                while True:
                    if await self._seen(shown_by) == content:
                        return True
                    await asyncio.sleep(_PAUSE_S)
        return False

    async def _seen(self, shown_by: Argv) -> bytes | None:
        """None while nobody owns the clipboard, and where the one who just lost it was asked, who
        goes without an answer."""
        with suppress(ProgramFailed):
            return await read_from(shown_by, self._environment, TEXT_MAX, _LOOK_S)
        return None

    def _by_terminal(self, text: str, size: int, through: Through) -> str:
        if size > TERMINAL_MAX:
            raise ToolFailure("too_large", f"A terminal takes {TERMINAL_MAX:,} bytes at most.")
        if self._copy is None or not self._copy(text, through):
            raise ToolFailure("no_clipboard", "The terminal takes nothing at the moment.")
        # Nothing comes back by which to know.
        passing = "; tmux needs set-clipboard or allow-passthrough on" if through == "tmux" else ""
        return f"handed to the terminal (OSC 52), which may take it or not{passing}"

    def _program(self, name: str) -> str | None:
        return find_program(name, self._environment, self._project)


NO_CLIPBOARD = Clipboard({}, Path("/"), system="none")


async def _told(work: Awaitable[T]) -> T:
    try:
        return await work
    except ProgramFailed as error:
        if says_nothing_is_there(str(error)):
            raise ToolFailure("not_text", "The clipboard is empty, or holds no text.") from error
        raise ToolFailure("clipboard", f"{error}.") from error
