"""What each frame of the maestro means to this session.

The link calls it on the receiving path: nothing here waits.
"""

import time
from collections.abc import Callable
from typing import TypeVar, assert_never

from executor.errors import JournalError, ServerRefused, UsageError
from executor.failpoints import hit
from executor.journal import Journal, RunOpen
from executor.link import Reattach
from executor.session.calls import Calls
from executor.session.letters import Letter, Letters
from executor.session.parts import SessionParts
from executor.session.plan_file import PlanFile, plan_text
from executor.session.runs import Ended, Runs
from executor.session.start import SessionStart, handshake
from executor.view.port import Connection, Notice, View
from protocol.codec import FrameTooLarge
from protocol.errors import ErrorCode
from protocol.from_executor import ToolOutputDelta, ToolProgress, ToolResult, UserMessage
from protocol.from_maestro import (
    Accepted,
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    CancelTool,
    ErrorReported,
    FromMaestro,
    PlanUpdated,
    RunFinished,
    RunTool,
    SessionEvent,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.wire import Frame

Kept = TypeVar("Kept")

STRAYS_TOLD = 8
"""Kinds of frames that are told to have been left alone, each once."""


class Frames:
    """The link's peer."""

    def __init__(
        self,
        start: SessionStart,
        parts: SessionParts,
        *,
        calls: Calls,
        runs: Runs,
        letters: Letters,
        plan_file: PlanFile,
    ) -> None:
        self._start = start
        self._parts = parts
        self._calls = calls
        self._runs = runs
        self._letters = letters
        self._plan_file = plan_file
        self._attached_ever = False
        self._began_again = False
        self._lost_at: float | None = None
        self._told: set[str] = set()
        self.strays = 0
        """Frames that were refused or of no known type."""

    def opened(self) -> None:
        message, frame_id = handshake(self._start, self._parts, first=not self._attached_ever)
        try:
            self._parts.link.send(message, frame_id=frame_id)
        except FrameTooLarge as error:
            raise UsageError(f"the prompt and what goes with it are too large: {error}") from error
        self._parts.journal.is_asked = True

    def received(self, frame: Frame[FromMaestro]) -> None:
        hit("recv_frame")
        self._dispatch(frame.message, frame.seq)
        if frame.seq is not None:
            self._keep(Journal.see, frame.seq)

    def strayed(self, what: str) -> None:
        self.strays += 1
        if len(self._told) < STRAYS_TOLD and what not in self._told:
            self._told.add(what)
            self._parts.view.show(Notice(f"a frame of the maestro was left alone: {what[:200]}"))

    def lost(self, why: str) -> None:
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        state = "reconnecting" if self._attached_ever else "connecting"
        shown = self._parts.link.endpoint.shown
        self._parts.view.show(Connection(state, shown, now - self._lost_at, why))

    def post(self, letter: Letter) -> None:
        """Send what the user said, now and after each attach, until it is settled.

        Raises UsageError for what is too large to be sent at all.
        """
        letter_id = self._letters.add(letter)
        if isinstance(letter, UserMessage):
            self._keep(Journal.note_run, RunOpen(open=True))
        if self._parts.link.attached:
            self._deliver(letter_id, letter)

    def journal_failed(self, error: JournalError) -> None:
        self._parts.view.show(Notice(str(error), "error"))

    def _deliver(self, letter_id: str, letter: Letter) -> None:
        try:
            self._parts.link.send(letter, frame_id=letter_id)
        except FrameTooLarge as error:
            self._letters.settle(letter_id)
            raise UsageError(f"the message is too large: {error}") from error

    def _dispatch(self, message: FromMaestro, seq: int | None) -> None:
        match message:
            case RunTool():
                self._calls.take(message)
            case CancelTool(tool_id=tool_id):
                self._calls.cancel(tool_id, "the maestro asked for it")
            case SessionStarted():
                self._attached(message)
            case Accepted(id=letter_id, tool_id=tool_id, of_seq=said_at):
                letter = self._letters.settle(letter_id)
                if isinstance(letter, UserMessage) and not self._letters.words_wait:
                    _tell(self._parts.view, self._runs.heard(said_at))
                self._settle_result(tool_id)
            case ErrorReported():
                self._refused(message)
            case RunFinished():
                self._finished(message, seq)
            case PlanUpdated(steps=steps):
                self._parts.view.show(message)
                if self._parts.keep_plan:
                    self._plan_file.keep(plan_text(_session_id(self._parts), steps, time.time()))
            case StatusChanged():
                self._parts.view.show(message)
                self._runs.status(_session_id(self._parts), message)
            case AgentMessage(content=text):
                self._parts.view.show(message)
                self._runs.speak(text)
            case AgentMessageDelta() | AgentReasoningDelta() | UsageCounted() | UserMessage():
                self._parts.view.show(message)
            case SessionEvent() | ToolResult() | ToolProgress() | ToolOutputDelta():
                self.strays += 1  # for watchers; the connection refuses them already
            case _:
                assert_never(message)

    def _attached(self, started: SessionStarted) -> None:
        self._attached_ever = True
        self._lost_at = None
        if started.resumed:
            hit("on_resume")
        self._keep(Journal.belong_to, started.session_id)
        view = self._parts.view
        view.show(Connection("connected", self._parts.link.endpoint.shown))
        view.show(started)
        for tool in started.tools_rejected:
            view.show(Notice(f"the maestro does not take the tool {tool.name}: {tool.why}"))
        for letter_id, letter in self._letters.waiting():
            try:
                self._deliver(letter_id, letter)
            except UsageError as error:
                view.show(Notice(str(error), "error"))
        self._calls.send_again()

    def _finished(self, message: RunFinished, seq: int | None) -> None:
        self._calls.cancel_all("the run has ended")
        if message.reason == "interrupted":  # by somebody else than this user, maybe
            self._parts.shells.interrupted()
        self._parts.shells.run_over()
        checkpoints = self._parts.checkpoints
        ended = self._runs.finish(
            _session_id(self._parts),
            self._start.model,
            message,
            seq,
            words_wait=self._letters.words_wait,
            undoable=0 if checkpoints is None else checkpoints.run_ended(),
        )
        _tell(self._parts.view, ended)
        self._keep(Journal.note_run, RunOpen(open=self._letters.words_wait))

    def _refused(self, error: ErrorReported) -> None:
        if not self._parts.link.attached:
            self._not_let_in(error)
            return
        self._parts.view.show(error)
        self._settle_result(error.tool_id)
        letter = self._letters.settle(error.id)
        if isinstance(letter, UserMessage):
            self._runs.refuse(ServerRefused(error.message))

    def _not_let_in(self, error: ErrorReported) -> None:
        """The answer to a handshake. Returns where the link may try again."""
        if error.code is ErrorCode.UNKNOWN_SEQ and not self._began_again:
            self._began_again = True
            self._parts.journal.forget_seen()
            raise Reattach("the maestro does not know how far we were: reading from the start")
        if error.retryable:
            self._parts.view.show(Notice(error.message, "warning"))
        else:
            known = self._parts.journal.session_id
            raise ServerRefused(f"session {known}: {error.message}" if known else error.message)

    def _settle_result(self, tool_id: str | None) -> None:
        """The ledger holds it, or never will: stop sending it."""
        if tool_id is not None:
            self._keep(Journal.accept, tool_id)

    def _keep(self, write: Callable[[Journal, Kept], None], what: Kept) -> None:
        """Journal what need not be on disk before the next step: a failure is only told."""
        try:
            write(self._parts.journal, what)
        except JournalError as error:
            self.journal_failed(error)


def _session_id(parts: SessionParts) -> str:
    return parts.journal.session_id or ""


def _tell(view: View, ended: Ended | None) -> None:
    match ended:
        case None:
            pass
        case Ended(summary=summary, earlier=False):
            view.show(summary)
        case Ended(summary=summary):
            words = f"the run before had ended meanwhile: {summary.finished.reason}"
            view.show(Notice(words))
