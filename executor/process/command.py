"""What is run, and what became of it.

Values only; `processes` does the work.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

HEAD_BYTES = 24 * 1024
TAIL_BYTES = 24 * 1024
SPILL_MAX = 64 * 1024 * 1024


class Command(msgspec.Struct, frozen=True):
    """One program to run; standard input is closed."""

    argv: tuple[str, ...]
    """The program first: an absolute path, or a name that is looked up in the clean PATH."""
    folder: int
    """Handle of the folder to run in; it must stay open until the command has started."""
    call: str
    """The tool_id: what is started carries it in its environment."""
    timeout_s: float
    """Until it is ended, counted from its start."""
    silence_s: float | None = None
    """Until it is ended for writing nothing; None: it may be silent as long as it runs."""
    terminal: bool = False
    """Give it a pseudo-terminal: output and errors come as one, and nobody types."""
    tells_place: bool = False
    """Its handle 3 takes the folder that it ends in."""
    environment: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    """On top of the clean environment."""
    spill: Path | None = None
    """The folder for output beyond head and tail; without it, that is dropped."""
    head_bytes: int = HEAD_BYTES
    tail_bytes: int = TAIL_BYTES
    keep_stderr: bool = True
    confined: bool = True
    """In the sandbox, where there is one; False only for what runs nothing of the project's."""


class Exited(msgspec.Struct, frozen=True, tag=True):
    code: int


class Signalled(msgspec.Struct, frozen=True, tag=True):
    name: str
    """As in SIGSEGV."""


class TimedOut(msgspec.Struct, frozen=True, tag=True):
    seconds: float


class Silent(msgspec.Struct, frozen=True, tag=True):
    """Ended for having written nothing for so long."""

    seconds: float


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """Ended because somebody wanted it to."""

    why: str
    """As in "by ShellKill"."""


class NotStarted(msgspec.Struct, frozen=True, tag=True):
    reason: str


class Lost(msgspec.Struct, frozen=True, tag=True):
    """The process that watched the command was killed: how the command ended is unknown."""


Outcome = Exited | Signalled | TimedOut | Silent | Stopped | NotStarted | Lost


class Captured(msgspec.Struct, frozen=True):
    """Standard output and error in the order in which they came, middle left out."""

    head: bytes
    tail: bytes
    """Empty when `head` is all there is."""
    total_bytes: int
    spill: Path | None = None
    """The file that holds the whole, or its first 64 MiB; owner-readable only."""
    spill_note: str = ""
    """Why `spill` does not hold the whole, in words."""

    @property
    def truncated(self) -> bool:
        return self.total_bytes > len(self.head) + len(self.tail)


class Ended(msgspec.Struct, frozen=True):
    outcome: Outcome
    output: Captured
    duration_ms: int
    left_behind: int = 0
    """How many processes the command had left running; they were ended."""
    place: bytes = b""
    """What it wrote to handle 3; from the command, so not to be believed."""
    hint: str = ""
    """For the model: that it may have been the sandbox."""
