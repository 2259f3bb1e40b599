"""The file of a recorded model: what it said, reply by reply, in JSON lines.

Reads, checks and writes the format. Plays nothing back and talks to no model.

The first line is `{"recording": 1}`; each further line is one reply:

    {"text": "Testing first.", "calls": [{"name": "Shell", "arguments": {"command": "pytest"}}]}
    {"text": "All of them pass."}

A line may say `after` (`user` or `tool`: what the conversation ended with when it was made),
`reasoning`, `finish`, `usage`, `model` and `pace`, the parts in which it streamed: `[milliseconds
since the part before, "text" or "reasoning", characters]`. `at` is how many replies stood before it
in the conversation; without it a line follows the one above. A line for a place that was there
before replaces it, and one at 0 begins the recording anew. Empty lines are skipped.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from maestro.errors import SettingsError
from protocol.wire import JsonObject, Usage

VERSION = 1
MAX_FILE = 64 << 20
MAX_PACE = 4096
"""Parts of one reply whose timing is kept; the rest of it comes as one."""

After = Literal["user", "tool"]
Milliseconds = Annotated[int, msgspec.Meta(ge=0)]
Step = tuple[Milliseconds, Literal["text", "reasoning"], Annotated[int, msgspec.Meta(ge=1)]]


class RecordedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: JsonObject | str = {}
    """A string is taken as it stands: what a model wrote may be broken JSON."""


class RecordedReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    text: str = ""
    calls: tuple[RecordedCall, ...] = ()
    reasoning: str = ""
    finish: Literal["stop", "calls", "length", "filter"] | None = None
    """None: `calls` where there are calls, else `stop`."""
    usage: Usage = Usage()
    model: str = ""
    after: After | None = None
    at: Annotated[int, msgspec.Meta(ge=0)] | None = None
    pace: tuple[Step, ...] = ()


class _Head(msgspec.Struct, frozen=True):
    recording: int


def read(path: Path) -> tuple[RecordedReply, ...]:
    """All replies in their places; raises SettingsError that names file and line."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise SettingsError(f"{path}: larger than {MAX_FILE} bytes")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    replies: list[RecordedReply] = []
    headed = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            if b'"recording"' in line and _is_head(line):
                headed = True
            elif not headed:
                raise SettingsError(f'the first line must be {{"recording": {VERSION}}}')
            else:
                _place(replies, msgspec.json.decode(line, type=RecordedReply))
        except (msgspec.DecodeError, UnicodeDecodeError, SettingsError) as error:
            raise SettingsError(f"{path}, line {number}: {error}") from error
    if not replies:
        raise SettingsError(f"{path}: no replies are recorded in it")
    return tuple(replies)


def _is_head(line: bytes) -> bool:
    """A reply may hold the word too, but not as its own field: that is refused when it is read."""
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.ValidationError:
        return False
    if head.recording != VERSION:
        raise SettingsError(f"recording version {head.recording}; this program reads {VERSION}")
    return True


def _place(replies: list[RecordedReply], reply: RecordedReply) -> None:
    place = len(replies) if reply.at is None else reply.at
    if place > len(replies):
        raise SettingsError(f"a reply at {place}, but only {len(replies)} before it")
    if place == 0:
        replies.clear()
    replies[place : place + 1] = [reply]


class RecordingFile:
    """Appends replies to a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        """Opens or creates it; raises SettingsError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._file = os.fdopen(os.open(path, flags, 0o600), "ab")
        except OSError as error:
            raise SettingsError(f"cannot record to {path}: {error.strerror or error}") from error
        if self._file.tell() == 0:
            self._line(_Head(VERSION))

    def append(self, reply: RecordedReply) -> None:
        self._line(reply)

    def close(self) -> None:
        self._file.close()

    def _line(self, line: _Head | RecordedReply) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
