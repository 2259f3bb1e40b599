"""The line at the bottom that says what is going on, and for how long.

Folds status, link and time into words; draws one row.
"""

from executor.view.look import Look, Span
from executor.view.port import Connection
from executor.view.wording import duration
from protocol.from_maestro import StatusChanged


class StatusLine:
    def __init__(self) -> None:
        self._activity = "working"
        self._status = StatusChanged("running")
        self._waiting_since = 0.0
        self._began = 0.0
        self._link: Connection | None = None
        self._link_since = 0.0

    def begin(self, now: float) -> None:
        self._began = now
        self._status = StatusChanged("running")
        self._activity = "working"

    def does(self, activity: str) -> None:
        """What the run is seen to do (thinking, writing): whatever step it was said to be at."""
        self._activity = activity
        if self._status.status == "running" and self._status.step:
            self._status = StatusChanged("running", self._status.progress)

    def status(self, status: StatusChanged, now: float) -> None:
        if (status.status, status.step) != (self._status.status, self._status.step):
            self._waiting_since = now
        self._status = status

    def link(self, connection: Connection, now: float) -> None:
        """`connection.seconds` have passed since the link was lost."""
        self._link = None if connection.state == "connected" else connection
        self._link_since = now - connection.seconds

    def row(self, now: float, spinner: str, look: Look, width: int) -> str:
        words, since = self._words()
        parts = [words]
        if now - since >= 1:
            parts.append(duration(float(int(now - since))).replace(".0s", "s"))
        if 0 < self._status.progress < 100:
            parts.append(f"{self._status.progress} %")
        line = f" {look.marks.dot} ".join(parts)
        hint: Span = ("   ctrl-c stops" if width >= 60 else "", "dim")
        return look.row([(f"{spinner} ", "cyan"), (line, "dim"), hint], width)

    def _words(self) -> tuple[str, float]:
        link, step = self._link, self._status.step
        if link is not None:
            why = f": {link.why}" if link.why else ""
            return f"{link.state} to {link.server}{why}", self._link_since
        if self._status.status == "waiting":
            return f"waiting: {step}" if step else "waiting", self._waiting_since
        if " " in step:  # a phrase; a single word names a tool, whose line is there already
            return step, self._began
        return self._activity, self._began
