"""Write the events of a session by hand, numbered and timed as a ledger would.

Knows what a session may do next only as far as the tests need it. Holds no tests.
"""

from maestro.domain.events import (
    AnyEvent,
    BootstrapAsked,
    CallCancelled,
    ExecutorAttached,
    Interrupted,
    ModelReplied,
    RunEnded,
    SessionOpened,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from maestro.domain.transcript import Transcript


class Script:
    """A session's rows; each event comes one second after the one before."""

    def __init__(self) -> None:
        self.stored: list[StoredEvent] = []
        self.replies = 0
        self.open: list[ToolAsked] = []
        self.closed: list[ToolAsked] = []
        self.add(SessionOpened("cli"))
        self.add(ExecutorAttached(1, "journal-1", ("Shell",)))

    @property
    def head(self) -> int:
        return len(self.stored)

    def add(self, event: AnyEvent) -> "Script":
        seq = self.head + 1
        self.stored.append(StoredEvent(seq, f"key-{seq}", event, 1000.0 + seq))
        return self

    def say(self, text: str = "do it") -> "Script":
        return self.add(UserSaid(f"message-{self.head}", text))

    def bootstrap(self) -> "Script":
        self.add(BootstrapAsked(self.head))
        return self._ask(ToolAsked("bootstrap-1", "bootstrap", "Shell", {}))

    def reply(self, calls: int = 0, text: str = "text", basis: int | None = None) -> "Script":
        self.replies += 1
        generation = f"generation-{self.replies}"
        self.add(ModelReplied(generation, self.head if basis is None else basis, text))
        for index in range(1, calls + 1):
            self._ask(ToolAsked(f"{generation}.{index}", generation, "Shell", {"command": "x"}))
        return self

    def answer(self, which: int = 0, result: str = "ok") -> "Script":
        asked = self.open.pop(which)
        self.closed.append(asked)
        return self.add(ToolAnswered(asked.tool_id, asked.generation_id, "success", result))

    def answer_late(self, which: int = 0) -> "Script":
        asked = self.closed[which]
        return self.add(ToolAnswered(asked.tool_id, asked.generation_id, "success", "late"))

    def interrupt(self) -> "Script":
        return self.add(Interrupted())

    def cancel(self, *, closes: bool = False) -> "Script":
        for asked in list(self.open):
            self.add(CallCancelled(asked.tool_id, self.head, closes))
        return self

    def end(self, basis: int | None = None, run: int = 1) -> "Script":
        self.closed.extend(self.open)
        self.open.clear()
        basis = self.head if basis is None else basis
        return self.add(RunEnded(basis, run, "success", "completed"))

    def _ask(self, asked: ToolAsked) -> "Script":
        self.open.append(asked)
        return self.add(asked)

    def fold(self) -> Transcript:
        return folded(self.stored)


def folded(stored: list[StoredEvent]) -> Transcript:
    transcript = Transcript()
    transcript.fold_all(tuple(stored))
    return transcript
