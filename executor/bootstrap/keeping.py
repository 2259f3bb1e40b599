"""Start the processes that keep commands beyond their session, where the user said so.

Hands over what a keeper needs to confine its command as this session would; the rest is `keeper`'s.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from executor.bootstrap.keeper import Answer, Order
from executor.errors import ToolFailure
from executor.process.command import Command
from executor.process.outliving import (
    LIVE_MAX,
    Elsewhere,
    Kept,
    all_kept,
    ask_to_end,
    is_alive,
    listed,
    new_folder,
    read,
)
from executor.settings import Folders, Settings
from executor.workspace.waiting import in_thread

START_SECONDS = 20.0
_LOST = "The process that keeps the command did not start."
CONFINING = (
    *("sandbox", "no_sandbox", "network", "writable", "image"),
    *("allow", "ask", "deny"),  # rules open secrets to commands, and close hosts
)
"""The settings that a sandbox is chosen and built by."""


class Keepers(msgspec.Struct, frozen=True):
    """`executor.process.shells.Keeper` for one session."""

    settings: Settings
    folders: Folders
    project: Path
    environment: Mapping[str, str]
    journal_id: str

    async def start(self, shell_id: str, line: str, command: Command, workdir: str) -> Elsewhere:
        """Raises ToolFailure where it can't be started, or too many are kept already."""
        state = self.folders.state
        live = [kept for kept in listed(state) if is_alive(all_kept(state) / kept.key)]
        if len(live) >= LIVE_MAX:
            raise ToolFailure(
                "too_many_shells",
                f"{LIVE_MAX} commands of this user are kept in the background: the user can end "
                "some with codegen shells kill.",
            )
        folder = new_folder(state)
        kept = Kept(
            key=folder.name,
            shell_id=shell_id,
            journal_id=self.journal_id,
            project=str(self.project),
            command=line,
            terminal=command.terminal,
            pid=0,
            began=0.0,
            output="",
        )
        order = Order(
            folder=str(folder),
            settings={name: getattr(self.settings, name) for name in CONFINING},
            folders=(str(self.folders.config), str(state), str(self.folders.runtime)),
            project=str(self.project),
            workdir=workdir,
            argv=command.argv,
            environment=command.environment,
            timeout_s=command.timeout_s,
            silence_s=command.silence_s,
            tool_id=command.call,
            kept=kept,
        )
        begun = None
        try:
            answer = await in_thread(lambda: self._answer(order))
            begun = read(folder)
        finally:
            if begun is None:  # also where the call was cancelled meanwhile
                ask_to_end(folder)
                shutil.rmtree(folder, ignore_errors=True)
        if begun is None:
            raise ToolFailure(answer.code or "not_started", answer.message or _LOST)
        return Elsewhere(folder, begun)

    def _answer(self, order: Order) -> Answer:
        """Blocks until its keeper has said how it went."""
        try:
            said = subprocess.run(
                [sys.executable, "-X", "utf8", "-m", "executor.bootstrap.keeper"],
                input=msgspec.json.encode(order),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=dict(self.environment),
                start_new_session=True,
                timeout=START_SECONDS,
                check=False,
            ).stdout
        except subprocess.TimeoutExpired:
            said = b""  # it finds that nobody listens, and ends
        return msgspec.json.decode(said, type=Answer) if said else Answer("not_started", _LOST)
