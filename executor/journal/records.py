"""The lines of a journal: one record each, behind a checksum.

Turns records into bytes and back. Knows nothing of files.
"""

import zlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from executor.workspace.staging import Staged
from protocol.from_executor import ToolResult
from protocol.wire import FileChange

JOURNAL_VERSION = 1


class Record(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """Base of every record; the struct's tag is the record's `kind`."""


class Head(Record, frozen=True, tag="head"):
    """The first line of every journal."""

    journal_id: str
    created: float
    """Unix time, seconds."""
    cwd: str
    server: str
    title: str = ""
    version: int = JOURNAL_VERSION


class FirstWords(Record, frozen=True, tag="words"):
    """What a session begins with: needed until its maestro has answered."""

    prompt: str


class SessionKnown(Record, frozen=True, tag="session"):
    session_id: str


class Seen(Record, frozen=True, tag="seen"):
    """Every durable frame up to `seq` was taken in."""

    seq: int


class RunOpen(Record, frozen=True, tag="run"):
    """Whether a run is open that this machine has not seen the end of."""

    open: bool


class CallStarted(Record, frozen=True, tag="started"):
    """Written before the effect: what follows may have happened."""

    tool_id: str
    files: bool = False
    """Of a tool that only changes files: nothing happened unless `FilesDecided` follows."""


class FilesStaged(Record, frozen=True, tag="staged"):
    """Which files a call is about to change, and into what."""

    tool_id: str
    files: tuple[Staged, ...]
    result: str
    """What the model is told once it is done."""
    changes: tuple[FileChange, ...] = ()


class FilesDecided(Record, frozen=True, tag="decided"):
    """All that was staged is to be done: from here on it is finished, never taken back."""

    tool_id: str


class FilesSettled(Record, frozen=True, tag="settled"):
    """What became of a call's files: its process was killed, and another brought them to an end."""

    tool_id: str
    outcome: Literal["done", "unchanged", "partly"]
    done: tuple[str, ...] = ()
    """Where it is `partly`, the files that are changed as asked."""
    left: tuple[str, ...] = ()
    """And those that somebody else had changed meanwhile."""


class CallFinished(Record, frozen=True, tag="finished"):
    result: ToolResult


class CallsAccepted(Record, frozen=True, tag="accepted"):
    """The ledger holds these results: forgotten here, but for their ids."""

    tool_ids: tuple[str, ...]


AnyRecord = (
    Head
    | FirstWords
    | SessionKnown
    | Seen
    | RunOpen
    | CallStarted
    | FilesStaged
    | FilesDecided
    | FilesSettled
    | CallFinished
    | CallsAccepted
)


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sum: str
    record: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)
_RECORD = msgspec.json.Decoder(AnyRecord)
_ENCODER = msgspec.json.Encoder()


class Reading(msgspec.Struct, frozen=True):
    """What a journal's bytes say, up to the first byte that can't be trusted."""

    records: tuple[AnyRecord, ...]
    good_bytes: int
    torn: bool
    """Behind them lies part of a line: the process died while writing it."""
    damaged: bool
    """A whole line is wrong: whatever stood from there on is lost."""


def encode_line(record: AnyRecord) -> bytes:
    body = _ENCODER.encode(record)
    return b'{"sum":"%08x","record":%b}\n' % (zlib.crc32(body), body)


def read_lines(content: bytes) -> Reading:
    """The records of `content`, stopping before the first line that is not whole and right."""
    records: list[AnyRecord] = []
    good = 0
    for line in _whole_lines(content):
        record = _decoded(line)
        if record is None:
            return Reading(tuple(records), good, torn=False, damaged=True)
        records.append(record)
        good += len(line)
    return Reading(tuple(records), good, torn=good < len(content), damaged=False)


def _whole_lines(content: bytes) -> Iterator[bytes]:
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        yield content[start : end + 1]
        start = end + 1


def _decoded(line: bytes) -> AnyRecord | None:
    try:
        checked = _LINE.decode(line)
        if checked.sum != f"{zlib.crc32(checked.record):08x}":
            return None
        return _RECORD.decode(checked.record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
