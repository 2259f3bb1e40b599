"""Append what happens to one session's audit log, and anchor its end beside it.

Nothing is synced: the journal syncs what must not be run twice, this only tells of it. Where a line
can't be written, calls with effects are refused by its JournalError, and reads go on.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from executor.audit.chain import HEAD_BYTES, Link, head_of, line_of, record_of
from executor.audit.cut import Redact, digest_of, shortened
from executor.errors import JournalError
from protocol.from_executor import ToolResult
from protocol.from_maestro import RunTool

MAX_BYTES = 64 * 1024 * 1024
"""Of one session's log: some 100,000 calls."""
MAX_ALL_BYTES = 512 * 1024 * 1024
"""Of all logs: the oldest go when a session begins."""
FOLDER = "audit"
KEPT = "kept-"
"""Begins the name of a log that is of no session, but of a command that outlived one."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class AuditLog:
    """One session's log. Without `state` nothing is kept, and nothing refused."""

    def __init__(
        self,
        state: Path | None = None,
        session: str = "",
        redact: Redact = str,
        opened: Mapping[str, str] | None = None,
    ) -> None:
        """`session` is the journal's id; `opened` goes into the line that begins this process."""
        self._redact = redact
        self._path = None if state is None else state / FOLDER / f"{session}.jsonl"
        self._opened = opened or {}
        self._log = self._head = -1
        self._size = 0
        self._link = Link()

    def ordered(self, message: RunTool) -> None:
        """A call has come, as it was sent: secrets are placeholders still."""
        self._told(
            {
                "what": "order",
                "tool_id": self._short(message.tool_id),
                "generation_id": self._short(message.generation_id),
                "tool": self._short(message.tool_name),
                "parameters": self._short(message.parameters),
                "digest": digest_of(message.parameters),
            }
        )

    def decided(self, tool_id: str, verdict: str, why: str, by: str, *, effects: bool) -> None:
        """`by`: policy, user, or nobody. Raises JournalError where effects could not be told of."""
        record = {
            "what": "decision",
            "tool_id": self._short(tool_id),
            "verdict": verdict,
            "why": self._short(why),
            "by": by,
        }
        try:
            self._add(record)
        except OSError as error:
            if effects and verdict == "allow":
                raise JournalError(
                    f"the audit log {self._path} can't be written: {error}"
                ) from None

    def ended(self, result: ToolResult) -> None:
        """A result leaves; only its digest is kept."""
        changes = [[change.kind, self._short(change.path)] for change in result.metadata.changes]
        self._told(
            {
                "what": "result",
                "tool_id": self._short(result.tool_id),
                "status": result.status,
                "bytes": len(result.result.encode("utf-8", "surrogatepass")),
                "digest": digest_of(result.result),
                "changes": changes[:100],
            }
        )

    def reached(self, tool_id: str, host: str, port: int, verdict: str) -> None:
        """A command of the call has asked for a host: `allowed` or `refused`, and nothing else."""
        self._told(
            {
                "what": "network",
                "tool_id": self._short(tool_id),
                "host": self._short(host),
                "port": port,
                "verdict": verdict,
            }
        )

    def close(self) -> None:
        for descriptor in (self._log, self._head):
            if descriptor >= 0:
                os.close(descriptor)
        self._log = self._head = -1
        self._path = None

    def _told(self, record: dict[str, Any]) -> None:
        with suppress(OSError):  # the next decision about effects meets it again
            self._add(record)

    def _add(self, record: dict[str, Any]) -> None:
        if self._path is None:
            return
        if self._log < 0:
            self._open(self._path)
        self._append(record)

    def _short(self, value: Any) -> Any:
        return shortened(value, self._redact)

    def _append(self, record: dict[str, Any]) -> None:
        line = line_of(self._link, {"at": round(time.time(), 3), **record})
        if self._size + len(line) > MAX_BYTES:
            raise OSError(f"it holds {MAX_BYTES} bytes, and a session gets no more: begin another")
        if os.pwrite(self._log, line, self._size) != len(line):
            os.ftruncate(self._log, self._size)
            raise OSError("the disk is full")
        self._size += len(line)
        self._link = self._link.followed_by(line)
        os.pwrite(self._head, self._link.as_head(), 0)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_oldest(path)
        log = os.open(path, _FLAGS, 0o600)
        try:
            self._head = os.open(path.with_suffix(".head"), _FLAGS, 0o600)
            self._size, torn = _whole_lines(log)
            found = head_of(os.pread(self._head, HEAD_BYTES, 0))
            self._link = _end(log, self._size, found)
        except OSError:
            os.close(log)
            raise
        self._log = log
        mended = {"mended": torn} if torn else {}
        self._append({"what": "opened", "session": path.stem, **self._opened, **mended})


def _whole_lines(log: int) -> tuple[int, int]:
    """How long the file is up to its last line feed, and how many bytes behind it were dropped."""
    size = os.fstat(log).st_size
    tail = os.pread(log, 1024 * 1024, max(0, size - 1024 * 1024))
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        os.ftruncate(log, size - torn)
    return size - torn, torn


def _end(log: int, size: int, anchored: Link | None) -> Link:
    """The link to go on from: where the last line is not the anchored one, the anchor: it shows."""
    start = max(0, size - 1024 * 1024)
    last = os.pread(log, size - start, start).rstrip(b"\n").rpartition(b"\n")[2]
    number = (record_of(last) or {}).get("n")
    link = Link().followed_by(last) if last else Link()
    if last and isinstance(number, int):
        link = Link(number, link.digest)
    return anchored if anchored is not None and anchored.n >= link.n else link


def _forget_oldest(keep: Path) -> None:
    logs = [(file.stat(), file) for file in keep.parent.glob("*.jsonl") if file != keep]
    total = sum(status.st_size for status, _ in logs)
    for status, file in sorted(logs, key=lambda one: one[0].st_mtime):
        if total <= MAX_ALL_BYTES:
            break
        file.unlink(missing_ok=True)
        file.with_suffix(".head").unlink(missing_ok=True)
        total -= status.st_size
