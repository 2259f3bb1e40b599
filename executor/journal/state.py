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
        self.started: set[str] = set()
        self.finished: dict[str, ToolResult] = {}
        """Not known to be in the ledger, in the order in which they ended."""
        self.accepted: dict[str, None] = {}
        for record in records:
            self.apply(record)

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
                self.started.add(tool_id)
            case CallFinished(result=result):
                self.started.discard(result.tool_id)
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
        yield from map(CallStarted, sorted(self.started))
        yield from map(CallFinished, self.finished.values())
