"""Named places at which this program can be made to die, break or stand still, for fault tests.

Off unless `arm` is told otherwise; the executor, a stranger to this package, has its own.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, assert_never, cast, get_args

from maestro.errors import SettingsError

VARIABLE = "MAESTRO_FAILPOINT"
"""`name:count[:action[:fuse]]`, several with commas: what is done when `name` is reached so often.

A fuse is a file: what is armed with it happens once in all processes that are given it.
"""

FAILPOINTS: Mapping[str, str] = {
    "task_committed": "maestro.edge.handshake.welcome: the session is in the ledger, unanswered",
    "handshake_ok": "maestro.edge.attachment.Attachment.run: the executor was greeted",
    "before_llm": "maestro.planning.generation.Generator._stream: claimed, the model not asked",
    "mid_stream": "maestro.planning.generation.Generator._stream: a piece of the reply is here",
    "llm_done": "maestro.planning.step.Stepper._generate: the reply is whole, not in the ledger",
    "before_finish": "maestro.planning.step.Stepper._append: the run's end is not in the ledger",
    "decision_committed": "maestro.planning.step.Stepper._append: in the ledger, nobody was told",
    "run_tool_sent": "maestro.edge.attachment.Attachment._send_or_answer: the call is on its way",
    "result_received": "maestro.edge.attachment.Attachment._write: a fact, not in the ledger",
    "result_committed": "maestro.edge.attachment.Attachment._write: in the ledger, not accepted",
    "result_acked": "maestro.edge.attachment.Attachment._write: accepted",
    "lease_renew": "maestro.worker.Worker._renew: claims are to be prolonged",
    "lease_lost": "maestro.worker.Worker._renew: a claim is another's, its stream runs still",
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
    """Set what `VARIABLE` names, and nothing where it is absent. Raises SettingsError."""
    _armed.clear()
    for wish in filter(None, environment.get(VARIABLE, "").split(",")):
        name, count, action, fuse = (*wish.split(":", 3), "", "", "")[:4]
        action = action or "exit"
        if name not in FAILPOINTS or not count.isdecimal() or action not in get_args(Action):
            raise SettingsError(
                f"{VARIABLE}: {wish!r} is not NAME:COUNT[:exit|raise|pause[:FUSE]], or its name "
                "is not one that `maestro failpoints` lists"
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
