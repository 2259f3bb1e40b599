"""Kill the private maestro at a failpoint under a real `codegen`, whose link brings it back.

One round a call, for the tests and for the long form; judges nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from executor.journal import journals
from maestro.bootstrap import open_ledger
from maestro.failpoints import VARIABLE
from maestro.settings import Backends
from tests.e2e.machine import Machine, Ran
from tests.faults.history import History, gathered

EVERY_POINT = (
    "task_committed:1",
    "handshake_ok:1",
    "before_llm:1",
    "mid_stream:4",
    "llm_done:2",
    "before_finish:1",
    "decision_committed:3",
    "run_tool_sent:5",
    "result_received:5",
    "result_committed:6",
    "result_acked:6",
)
"""Those that one maestro alone can come to in a short run."""


@dataclass(frozen=True)
class Revived:
    ran: Ran
    history: History
    reached: bool


async def private_maestro_killed(machine: Machine, name: str, failpoint: str) -> Revived:
    """Run `name` (work-...) to its end; the first maestro dies at `failpoint`, the next lives."""
    fuse = machine.folder / "fuse"
    fuse.touch()
    ran = await machine.codegen(
        *("--mode", "auto", "--no-sandbox", name), **{VARIABLE: f"{failpoint}:exit:{fuse}"}
    )
    state = Path(machine.environment["XDG_STATE_HOME"], "codegen")
    (session_id,) = (head.name for head in journals(state))
    async with open_ledger(Backends(state=state / "maestro")) as ledger:
        history = await gathered(ledger, session_id, machine.project, name)
    return Revived(ran, history, not fuse.exists())
