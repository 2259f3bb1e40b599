"""What this machine did for one session: answers whether a call may run, and writes before it does.

Starts nothing and sends nothing. How a journal comes to be is in `opening`.
"""

import msgspec

from executor.errors import JournalError
from executor.journal.file import JournalFile
from executor.journal.intents import FileIntents
from executor.journal.records import (
    AnyRecord,
    CallFinished,
    CallsAccepted,
    CallStarted,
    RunOpen,
    Seen,
    SessionKnown,
    encode_line,
)
from executor.journal.state import JournalState
from protocol.from_executor import ToolResult

COMPACT_BYTES = 8 * 1024 * 1024
"""A file is rewritten when it is this long and has doubled since the last time."""


class Unknown(msgspec.Struct, frozen=True):
    """Never seen: it may run."""


class Running(msgspec.Struct, frozen=True):
    """Started by this process: its result will come."""


class Finished(msgspec.Struct, frozen=True):
    """Done, and not yet known to be in the ledger."""

    result: ToolResult


class Accepted(msgspec.Struct, frozen=True):
    """Done and in the ledger; the result is forgotten."""


class StartedByGoneProcess(msgspec.Struct, frozen=True):
    """Started before this process was: nobody knows how far it came."""

    files: bool = False
    """Of a tool that only changes files: the journal's `intents` know."""


CallState = Unknown | Running | Finished | Accepted | StartedByGoneProcess


class Journal:
    """One session's journal.

    The methods that write raise JournalError when the disk refuses. What they were told holds in
    memory all the same (`begin` apart), so that this process runs nothing twice and still sends
    every result.
    """

    def __init__(
        self,
        file: JournalFile | None,
        state: JournalState,
        *,
        warnings: tuple[str, ...] = (),
        must_take_over: bool = False,
    ) -> None:
        """Without a `file`, reads go on and calls with effects are refused."""
        self._file = file
        self.known = state
        """What its records say; written by this class alone."""
        self._running: set[str] = set()
        self.intents = FileIntents(state, lambda record, sync: self._write(record, sync=sync))
        self._compact_at = COMPACT_BYTES
        self.is_asked = False
        """A handshake is on its way, and was not refused: the maestro may have the session."""
        self.warnings = warnings
        """What was wrong when it was opened, one line each, for the user."""
        self.must_take_over = must_take_over
        """The old file was damaged: attach anew, so that no call from before is sent again."""

    @property
    def journal_id(self) -> str:
        return self.known.head.journal_id

    @property
    def session_id(self) -> str | None:
        return self.known.session_id

    def call(self, tool_id: str) -> CallState:
        if tool_id in self._running:
            return Running()
        if tool_id in self.known.finished:
            return Finished(self.known.finished[tool_id])
        if tool_id in self.known.accepted:
            return Accepted()
        started = self.known.started.get(tool_id)
        return Unknown() if started is None else StartedByGoneProcess(started.files)

    def unaccepted(self) -> tuple[ToolResult, ...]:
        """The results that must be sent again after each attach, oldest first."""
        return tuple(self.known.finished.values())

    def belong_to(self, session_id: str) -> None:
        """On disk when this returns: from then on the session has a name."""
        if session_id != self.session_id:
            self._note(SessionKnown(session_id), sync=True)

    def note_run(self, run: RunOpen) -> None:
        """A run was asked for, or has ended. Not synced: the maestro knows it too."""
        if run.open != self.known.run_open:
            self._note(run, sync=False)

    def see(self, seq: int) -> None:
        """Note a durable frame. Not synced: what is lost is only shown once more."""
        if seq > self.known.last_seq:
            self._note(Seen(seq), sync=False)

    def forget_seen(self) -> None:
        """The maestro does not know our `last_seq`: start from the beginning."""
        self._note(Seen(0), sync=False)

    def begin(self, tool_id: str, *, effects: bool, files: bool = False) -> None:
        """Note that a call starts. One with effects must not start when this raises.

        `files`: all that it does to files is told to `intents` before it is done; so that its
        start need not be on disk before.
        """
        if effects:
            if self._file is None:
                raise JournalError(self.warnings[0])
            started = CallStarted(tool_id, files)
            self._write(started, sync=not files)
            self.known.apply(started)
        self._running.add(tool_id)

    def finish(self, result: ToolResult, *, effects: bool) -> None:
        """Note a result before it is sent. With effects it is on disk when this returns."""
        self._running.discard(result.tool_id)
        self._note(CallFinished(result), sync=effects)

    def accept(self, tool_id: str) -> None:
        """The ledger holds this result, or refuses it for good."""
        if tool_id in self.known.finished:
            self._note(CallsAccepted((tool_id,)), sync=False)

    def close(self) -> None:
        """Free the lock. A journal of a session that never was is taken away."""
        if self._file is None:
            return
        if self.session_id is None and not self.is_asked:
            self._file.remove()
        else:
            self._file.close()

    def _note(self, record: AnyRecord, *, sync: bool) -> None:
        self.known.apply(record)
        self._write(record, sync=sync)

    def _write(self, record: AnyRecord, *, sync: bool) -> None:
        if self._file is None:
            return
        if self._file.size > self._compact_at:
            # Before, not after: the state may not know of this record yet.
            self._file.replace(b"".join(map(encode_line, self.known.records())))
            self._compact_at = max(COMPACT_BYTES, 2 * self._file.size)
        self._file.append(encode_line(record), sync=sync)
