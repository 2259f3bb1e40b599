"""The process that keeps one command beyond its session: starts it, keeps what it writes, ends it.

    python -m executor.bootstrap.keeper < order

Is to its command what a session is: sandbox, warden and bounds are the same. Says one line when the
command has been started, or why not; ends with it, or at SIGTERM, which ends it.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from executor.audit import KEPT, AuditLog
from executor.bootstrap.confining import ChosenLate, Grounds
from executor.bootstrap.guarding import redactor_of
from executor.bootstrap.project import Project
from executor.errors import ToolFailure
from executor.process.command import Command, Ended
from executor.process.outliving import Kept, hold, write
from executor.process.processes import Processes
from executor.process.shells import BACKGROUND_TAIL_BYTES
from executor.settings import Folders, Settings
from executor.trust import Trust
from executor.workspace import Workspace

_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be kept."""

    folder: str
    """Its own, made already."""
    settings: Mapping[str, Any]
    """As far as the sandbox depends on them."""
    folders: tuple[str, str, str]
    project: str
    workdir: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """On top of the clean one."""
    timeout_s: float
    silence_s: float | None
    tool_id: str
    """Of the call that ordered it."""
    kept: Kept


class Answer(msgspec.Struct, frozen=True):
    """The line on standard output."""

    code: str = ""
    """Of the failure; empty: it runs."""
    message: str = ""


def main() -> int:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    if os.fork():
        return 0  # whoever started this has no child of it
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(_kept(order))
    return 0


async def _kept(order: Order) -> None:
    folder = Path(order.folder)
    held = hold(folder)
    workspace = Workspace(Path(order.project))
    grounds = Grounds(
        settings_of(order.settings),
        Folders(*map(Path, order.folders)),
        Path(order.project),
        os.environ,
        folder,
    )
    audit = audit_of(order, grounds.folders.state)
    confinement = ChosenLate(grounds)
    confinement.report_to(
        lambda _mark, host, port, verdict: audit.reached(order.tool_id, host, port, verdict)
    )
    processes = Processes(f"kept-{order.kept.key}", os.environ, None, confinement)
    try:
        await _ran(order, folder, processes, workspace)
    except ToolFailure as failure:
        _say(Answer(failure.code, failure.message))
    finally:
        await processes.close()
        audit.close()
        workspace.close()
        os.close(held)


def audit_of(order: Order, state: Path) -> AuditLog:
    """A log of its own: two processes can't add to one chain."""
    kept, root = order.kept, Path(order.project)
    project = Project(root, trusted=Trust(state).holds(root))
    redactor = redactor_of(project, os.environ, None, state, kept.journal_id)
    opened = {"cwd": order.project, "kept": kept.key, "of_session": kept.journal_id}
    return AuditLog(state, f"{KEPT}{kept.key}", redactor.redact, opened)


def settings_of(told: Mapping[str, Any]) -> Settings:
    """JSON knows lists only."""
    given: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for name, value in told.items()
    }
    return Settings(**given)


async def _ran(order: Order, folder: Path, processes: Processes, workspace: Workspace) -> None:
    with workspace.folder(order.workdir) as handle:
        running = await processes.start(
            Command(
                argv=order.argv,
                folder=handle,
                call=order.kept.shell_id,
                timeout_s=order.timeout_s,
                silence_s=order.silence_s,
                terminal=order.kept.terminal,
                environment=order.environment,
                spill=folder,
            )
        )
    running.run_on(BACKGROUND_TAIL_BYTES)
    output = running.output.snapshot().spill
    kept = msgspec.structs.replace(
        order.kept, pid=os.getpid(), began=time.time(), output="" if output is None else str(output)
    )
    write(folder, kept)
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    _say(Answer())
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait((running.ended, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    ended: Ended = await running.stop("on request")
    write(folder, msgspec.structs.replace(kept, ended=ended))


def _say(answer: Answer) -> None:
    """To whoever started it; from then on there is nobody to tell anything.

    Raises OSError where nobody listens: then nobody knows of the command.
    """
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(nowhere, handle)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
