"""Whether an audit log is what was written: every line in its place, none changed, none missing.

Reads. Someone who may write the files can make both of them anew: what this finds is what happened
to them since, and only a digest kept elsewhere proves the rest.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from executor.audit.chain import HEAD_BYTES, Link, head_of, record_of
from executor.audit.log import FOLDER, MAX_BYTES
from executor.errors import UsageError


class Checked(msgspec.Struct, frozen=True):
    """One log: `end` is the link that its lines lead to."""

    session: str
    end: Link
    problem: str = ""
    """The first thing that is wrong; empty: nothing."""
    note: str = ""
    """What a process that was killed leaves, and is no harm."""


def audit_files(state: Path, session: str | None = None) -> list[Path]:
    """The logs of this user, oldest first, or the one whose name begins with `session`."""
    files = sorted((state / FOLDER).glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    if session is None:
        return files
    named = [file for file in files if file.stem.startswith(session)]
    if len(named) != 1:
        raise UsageError(f"--session: {len(named)} audit logs begin with {session!r}")
    return named


def records(file: Path) -> Iterator[dict[str, Any]]:
    """What the lines say, without checking that they are in order."""
    with file.open("rb") as lines:
        for line in lines:
            record = record_of(line)
            if record is not None:
                yield record


def checked(file: Path) -> Checked:
    """Follow the chain from its first line to its anchor."""
    link, problem, torn = _followed(file)
    if problem:
        return Checked(file.stem, link, problem)
    try:
        with file.with_suffix(".head").open("rb") as head:
            anchored = head_of(head.read(HEAD_BYTES))
    except OSError:
        anchored = None
    if anchored is None:
        return Checked(file.stem, link, "its anchor (.head) is missing or damaged")
    if anchored.n > link.n:
        missing = anchored.n - link.n
        return Checked(file.stem, link, f"the last {missing} of {anchored.n} lines are missing")
    if anchored.n == link.n and anchored.digest != link.digest:
        return Checked(file.stem, link, f"line {link.n} is not the one that was written")
    if link.n > anchored.n + 1:
        return Checked(file.stem, link, f"{link.n - anchored.n} lines stand behind its anchor")
    note = "its last line is torn, as when a process is killed" if torn else ""
    return Checked(file.stem, link, note=note)


def _followed(file: Path) -> tuple[Link, str, bool]:
    """How far the chain holds, what breaks it, and whether half a line is left behind it."""
    link = Link()
    with file.open("rb") as lines:
        if file.stat().st_size > 2 * MAX_BYTES:
            return link, "it is too long to be an audit log", False
        for line in lines:
            if not line.endswith(b"\n"):
                return link, "", True
            record = record_of(line)
            if record is None:
                return link, f"line {link.n + 1} is no record", False
            if record.get("n") != link.n + 1 or record.get("prev") != link.digest:
                return link, f"line {link.n + 1} does not follow the line before it", False
            link = link.followed_by(line)
    return link, "", False
