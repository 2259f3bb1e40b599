"""Named places at which this program can be made to die, break or stand still, for fault tests.

Off unless `arm` is told otherwise; the maestro, a stranger to this package, has its own.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, assert_never, cast, get_args

from executor.errors import UsageError

VARIABLE = "CODEGEN_FAILPOINT"
"""`name:count[:action[:fuse]]`, several with commas: what is done when `name` is reached so often.

A fuse is a file: what is armed with it happens once in all processes that are given it.
"""

FAILPOINTS: Mapping[str, str] = {
    "recv_frame": "executor.session.frames.Frames.received: a frame is here, nothing came of it",
    "on_resume": "executor.session.frames.Frames._attached: let in again, nothing sent yet",
    "after_policy": "executor.session.calls.Calls._decided: allowed, not in the journal",
    "journal_received": "executor.session.calls.Calls._decided: in the journal, not begun",
    "before_spawn": "executor.process.processes.Processes.start: the command is not there yet",
    "after_spawn": "executor.process.running.Running._to_its_end: the command runs",
    "mid_output": "executor.session.reports.Reports.output: a piece of live output is here",
    "after_exit": "executor.process.running.Running._to_its_end: the command has ended",
    "tmp_written": "executor.workspace.staging._stage: beside the file, not in its place",
    "decided": "executor.workspace.staging.commit: all is staged and in the journal",
    "renamed": "executor.workspace.staging.put: in the file's place, not known to be on disk",
    "folders_synced": "executor.workspace.staging.commit: in place and on disk",
    "undo_journalled": "executor.snapshots.undoing._carry_out: in the store, no file touched",
    "undo_restored": "executor.snapshots.undoing._carry_out: all put back, not in the store",
    "journal_finished": "executor.session.reports.Reports.end: in the journal, not sent",
    "before_send": "executor.link.outbox.Outbox.drain_into: a frame is to be sent",
    "after_send": "executor.link.outbox.Outbox.drain_into: a frame was sent",
}
"""Each name, the one function that has it, and what is true there."""

Action = Literal["exit", "raise", "pause"]


class FailpointReached(RuntimeError):
    """The `raise` of a failpoint: a bug that nobody foresaw."""


class _Armed:
    def __init__(self, count: int, action: Action, fuse: Path | None) -> None:
        self._left = count
        self._action: Action = action
        self._fuse = fuse

    def reached(self, name: str) -> None:
        self._left -= 1
        if self._left == 0 and self._may_fire():
            _fire(name, self._action)

    def _may_fire(self) -> bool:
        if self._fuse is None:
            return True
        try:
            self._fuse.unlink()
        except FileNotFoundError:
            return False
        return True


_armed: dict[str, _Armed] = {}


def arm(environment: Mapping[str, str]) -> None:
    """Set what `VARIABLE` names, and nothing where it is absent. Raises UsageError."""
    _armed.clear()
    for wish in filter(None, environment.get(VARIABLE, "").split(",")):
        name, count, action, fuse = (*wish.split(":", 3), "", "", "")[:4]
        action = action or "exit"
        if name not in FAILPOINTS or not count.isdecimal() or action not in get_args(Action):
            raise UsageError(
                f"{VARIABLE}: {wish!r} is not NAME:COUNT[:exit|raise|pause[:FUSE]], or its name "
                "is not one that `python -m executor.failpoints` lists"
            )
        _armed[name] = _Armed(int(count), cast("Action", action), Path(fuse) if fuse else None)


def hit(name: str) -> None:
    """The program is at this place; does what was armed there, if anything."""
    armed = _armed.get(name)
    if armed is not None:
        armed.reached(name)


def _fire(name: str, action: Action) -> None:
    match action:
        case "exit":
            os._exit(137)  # as `kill -9` does it: nothing is flushed, closed or said
        case "raise":
            raise FailpointReached(name)
        case "pause":
            os.kill(os.getpid(), signal.SIGSTOP)
        case _:
            assert_never(action)


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}  {what}\n" for name, what in FAILPOINTS.items())
