"""The fold of a journal's records: what is known of its session and its calls.

In memory only. Who writes the records, and when, is `journal`.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from executor.journal.records import (
    AnyRecord,
    CallFinished,
    CallsAccepted,
    CallStarted,
    FilesDecided,
    FilesSettled,
    FilesStaged,
    FirstWords,
    Head,
    RunOpen,
    Seen,
    SessionKnown,
)
from protocol.from_executor import ToolResult


class JournalState:
    """What the records say, each applied in its order."""

    def __init__(self, head: Head, records: Iterable[AnyRecord] = ()) -> None:
        self.head = head
        self.session_id: str | None = None
        self.first_words: FirstWords | None = None
        """None once the session is known."""
        self.run_open: bool | None = None
        """None: nothing is known of its runs here."""
        self.last_seq = 0
        self.started: dict[str, CallStarted] = {}
        self.staged: dict[str, FilesStaged] = {}
        self.decided: dict[str, FilesDecided] = {}
        """Of the calls that started and have not finished, like `staged` and `settled`."""
        self.settled: dict[str, FilesSettled] = {}
        self.finished: dict[str, ToolResult] = {}
        """Not known to be in the ledger, in the order in which they ended."""
        self.accepted: dict[str, None] = {}
        for record in records:
            self.apply(record)

    @property
    def half_way(self) -> bool:
        """A call has left files half-way, and nobody has brought them to an end."""
        return not self.staged.keys() <= self.settled.keys()

    def apply(self, record: AnyRecord) -> None:
        match record:
            case Head():
                self.head = record
            case FirstWords():
                self.first_words, self.run_open = record, True
            case SessionKnown(session_id=session_id):
                self.session_id, self.first_words = session_id, None
            case RunOpen(open=is_open):
                self.run_open = is_open
            case Seen(seq=seq):
                self.last_seq = seq
            case CallStarted(tool_id=tool_id):
                self.started[tool_id] = record
            case FilesStaged(tool_id=tool_id):
                self.staged[tool_id] = record
            case FilesDecided(tool_id=tool_id):
                self.decided[tool_id] = record
            case FilesSettled(tool_id=tool_id):
                self.settled[tool_id] = record
            case CallFinished(result=result):
                for open_calls in (self.started, self.staged, self.decided, self.settled):
                    open_calls.pop(result.tool_id, None)
                self.finished[result.tool_id] = result
            case CallsAccepted(tool_ids=tool_ids):
                for tool_id in tool_ids:
                    self.finished.pop(tool_id, None)
                    self.accepted[tool_id] = None
            case _:
                assert_never(record)

    def records(self) -> Iterator[AnyRecord]:
        """The shortest journal that says the same."""
        yield self.head
        if self.first_words is not None:
            yield self.first_words
        if self.session_id is not None:
            yield SessionKnown(self.session_id)
        if self.run_open is not None:
            yield RunOpen(self.run_open)
        yield Seen(self.last_seq)
        yield CallsAccepted(tuple(self.accepted))
        for tool_id in sorted(self.started):
            yield self.started[tool_id]
            for said in (self.staged, self.decided, self.settled):
                if tool_id in said:
                    yield said[tool_id]
        yield from map(CallFinished, self.finished.values())
